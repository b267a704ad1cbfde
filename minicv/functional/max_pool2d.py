"""Max pooling: the largest value of each window."""

from __future__ import annotations

from typing import Any

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.backend.windows import Windows
from minicv.functional.pooling_windows import Pair, pooling_windows


class MaxPool2d(Function):
    keeps_float16 = True

    def __init__(self, windows: Windows, keep_switches: bool, ceil_mode: bool = False) -> None:
        self.windows = windows
        self.keep_switches = keep_switches  # also where no gradient is needed
        self.ceil_mode = ceil_mode  # the windows have it already; `minicv.export` writes it

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        if not (self.keep_switches or self.needs_grad[0]):
            return kernels_of(x).max_pool2d_maxima(x, self.windows)
        # The switches say which tap of each window was the largest: one byte per window.
        maxima, self.switches = kernels_of(x).max_pool2d(x, self.windows)
        return maxima

    def backward(self, grad: Array) -> Array:
        kernels = kernels_of(grad)
        return kernels.max_pool2d_backward(grad, self.switches, self.windows, self.x_shape)

    def indices(self) -> Array:
        width = self.x_shape[3]
        return kernels_of(self.switches).max_pool2d_indices(self.switches, self.windows, width)


def max_pool2d(
    x: Tensor | Array,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value that each window covers.

    Forward, with stride s, padding p, dilation d::

        y[n, c, i, j] = max over u, v of x[n, c, i·s + u·d - p, j·s + v·d - p]

    over taps (u, v) inside the image; in other words, x is padded with -inf. Gradient: all of
    dL/dy[n, c, i, j] goes to the position that held the maximum, and to no other; where windows
    overlap, a position adds up what it gets.

    =======  =================================================================
    x        (N, C, H, W)
    result   (N, C, OH, OW), OH = floor((H + 2p - d (KH - 1) - 1) / s) + 1
    indices  (N, C, OH, OW), int64: flat position h·W + w of each maximum in x
    =======  =================================================================

    ``kernel_size``, ``stride``, ``padding`` and ``dilation`` are one number or (vertical,
    horizontal). ``stride`` None means ``kernel_size``. ``ceil_mode`` rounds OH and OW up: a last
    window may hang over the edge if it starts inside the image or the padding before it.
    ``return_indices`` returns (result, indices); the indices are what `max_unpool2d` takes.

    Ties: the first maximum in reading order gets the gradient. A window with NaN gives NaN, and the
    first NaN counts as the maximum. A batch of 0 images gives an empty result.

    Cost: N·C·OH·OW·KH·KW comparisons; one byte is kept for each window (two, above 256 taps).

    Returns:
        the result, a Tensor; with ``return_indices`` the result and the indices, an array.

    Raises:
        ValueError: an option is out of range, padding is more than half of the kernel, the kernel
            is larger than the padded input, or a dilated window misses the image.

    Source: Riesenhuber and Poggio 1999; Scherer et al. 2010, "Evaluation of pooling operations in
    convolutional architectures", section 3. Switches: Zeiler et al. 2011, section 2.

    >>> x = Tensor([[[[1.0, 2.0, 6.0, 3.0], [3.0, 5.0, 2.0, 1.0]]]])
    >>> y, indices = max_pool2d(x, 2, return_indices=True)
    >>> y.data.tolist(), indices.tolist()
    ([[[[5.0, 6.0]]]], [[[[5, 2]]]])
    """
    windows = pooling_windows("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    operation = MaxPool2d(windows, keep_switches=return_indices, ceil_mode=ceil_mode)
    y = operation(x)
    return (y, operation.indices()) if return_indices else y
