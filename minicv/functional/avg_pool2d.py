"""Average pooling: the mean of each window."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.backend.windows import Windows
from minicv.functional.pooling_windows import Pair, pooling_windows


class AvgPool2d(Function):
    def __init__(self, windows: Windows, count_include_pad: bool) -> None:
        self.windows = windows
        self.count_include_pad = count_include_pad

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        self.counts = self._counts(x)
        return kernels_of(x).sum_pool2d(x, self.windows) / self.counts

    def backward(self, grad: Array) -> Array:
        kernels = kernels_of(grad)
        return kernels.sum_pool2d_backward(grad / self.counts, self.windows, self.x_shape)

    def _counts(self, x: Array) -> Array:
        """(OH, OW): by how much the sum of each window is divided."""
        xp = xp_of(x)
        rows, columns = (
            xp.asarray(_counts_along(self.windows, axis, x.shape[2 + axis], self.count_include_pad))
            for axis in (0, 1)
        )
        return (rows[:, None] * columns).astype(xp.finfo(x.dtype).dtype)


def _counts_along(windows: Windows, axis: int, length: int, count_include_pad: bool) -> list[int]:
    kernel, padding = windows.kernel[axis], windows.padding[axis]
    counts = []
    for i in range(windows.output[axis]):
        start = i * windows.stride[axis] - padding
        # A window may reach beyond the padding with ceil_mode; that part never counts.
        stop = min(start + kernel, length + padding)
        if not count_include_pad:
            start, stop = max(start, 0), min(stop, length)
        counts.append(stop - start)
    return counts


def avg_pool2d(
    x: Tensor | Array,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of what each window covers.

    Forward, with stride s and padding p::

        y[n, c, i, j] = 1 / count(i, j) · Σ_{u, v} x[n, c, i·s + u - p, j·s + v - p]

    with zeros outside of x. count is KH·KW, zeros of the padding included; with
    ``count_include_pad=False`` it is the number of pixels of x alone. Gradient: each position gets
    dL/dy[n, c, i, j] / count(i, j) from every window that covers it.

    =======  ==========================================================
    x        (N, C, H, W)
    result   (N, C, OH, OW), OH = floor((H + 2p - KH) / s) + 1
    =======  ==========================================================

    ``kernel_size``, ``stride`` and ``padding`` are one number or (vertical, horizontal); ``stride``
    None means ``kernel_size``. ``ceil_mode`` rounds OH and OW up as in `max_pool2d`; the part of a
    window beyond image and padding is never counted. A batch of 0 images gives an empty result.

    Cost: N·C·(H·OW·KW + OH·OW·KH) additions, because rows are summed first.

    Raises:
        ValueError: an option is out of range, padding is more than half of the kernel, or the
            kernel is larger than the padded input.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", section
    II.B (subsampling).

    >>> x = Tensor([[[[1.0, 2.0, 6.0, 3.0], [3.0, 6.0, 2.0, 1.0]]]])
    >>> avg_pool2d(x, 2).data.tolist()
    [[[[3.0, 3.0]]]]
    """
    windows = pooling_windows("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)
    return AvgPool2d(windows, count_include_pad)(x)
