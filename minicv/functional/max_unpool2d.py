"""Max unpooling: every value goes back to where the maximum came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.functional.arguments import check_constant
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps


class MaxUnpool2d(Function):
    def __init__(self, indices: Array, output_size: Pair) -> None:
        self.indices = indices
        self.output_size = output_size

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        if self.needs_grad[0]:
            self.indices = self.indices.copy()  # the caller may go on to fill them anew
        n, c, h, w = x.shape
        oh, ow = self.output_size
        flat, indices = x.reshape(n, c, h * w), self.indices.reshape(n, c, h * w)
        return kernels_of(x).scatter_to_maps(flat, indices, oh * ow).reshape(n, c, oh, ow)

    def backward(self, grad: Array) -> Array:
        n, c, h, w = self.x_shape
        oh, ow = self.output_size
        flat, indices = grad.reshape(n, c, oh * ow), self.indices.reshape(n, c, h * w)
        return kernels_of(grad).gather_from_maps(flat, indices).reshape(self.x_shape)


def max_unpool2d(
    x: Tensor | Array,
    indices: Array,
    kernel_size: int | Pair | None = None,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    output_size: int | Sequence[int] | None = None,
) -> Tensor:
    """Put every value at the position that its index names; all other positions are 0.

    Forward: y[n, c] is a flat map of OH·OW zeros, to which x[n, c, h, w] is added at
    indices[n, c, h, w]. Gradient: dL/dx[n, c, h, w] = dL/dy[n, c] at that position. With the
    indices of `max_pool2d`, the pooled maxima return to their places.

    ============  ==================================================================
    x             (N, C, H, W)
    indices       (N, C, H, W), whole numbers: flat positions row·OW + column in y
    output_size   (OH, OW), or a whole shape (N, C, OH, OW) such as ``before.shape``
    result        (N, C, OH, OW)
    ============  ==================================================================

    Several input sizes pool to the same output size (7 and 6 both give 3 with 2x2 windows), so give
    the size from before the pooling as ``output_size``. Without it ``kernel_size``, ``stride`` and
    ``padding`` of the pooling must be given, and the smallest size is taken, OH = (H - 1)·s - 2p +
    KH, which is right where the windows fitted exactly.

    Duplicates: where pooling windows overlap, one position may be the maximum of several. Their
    values add up. So unpooling stays linear, with the exact gradient above, and gives the same
    result every time; "the last one wins" would give neither. To get maxima back unchanged, pool
    with windows that do not overlap. A batch of 0 images gives an empty result.

    Cost: a pass over x and one over the result.

    Raises:
        ValueError: the shapes differ, the output size is unknown, or an index is outside of the
            output (checked for NumPy indices; on a device its value is dropped).
        TypeError: the indices are not whole numbers.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section
    2.1; Noh et al. 2015, "Learning deconvolution network for semantic segmentation", section 3.2.1.

    >>> import numpy as np
    >>> indices = np.array([[[[1, 2]]]])
    >>> max_unpool2d(Tensor([[[[5.0, 6.0]]]]), indices, output_size=(2, 2)).data.tolist()
    [[[[0.0, 5.0], [6.0, 0.0]]]]
    """
    check_maps("max_unpool2d", x)
    check_constant("max_unpool2d", "indices", indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"max_unpool2d: indices must be whole numbers but are {indices.dtype}")
    if indices.shape != x.shape:
        raise ValueError(
            f"max_unpool2d: indices must have the shape of x, one position for each value; "
            f"x={x.shape}, indices={indices.shape}"
        )
    size = _output_size(x, kernel_size, stride, padding, output_size)
    # On the host only: looking at indices on a device would make every step wait for it.
    if isinstance(indices, np.ndarray) and indices.size:
        lowest, highest, last = int(indices.min()), int(indices.max()), size[0] * size[1] - 1
        if lowest < 0 or highest > last:
            raise ValueError(
                f"max_unpool2d: indices reach from {lowest} to {highest} but an output of {size} "
                f"has the positions 0..{last}; give the (H, W) of the map that was pooled as "
                f"output_size; x={x.shape}, indices={indices.shape}"
            )
    return MaxUnpool2d(indices, size)(x)


def _output_size(
    x: Tensor | Array,
    kernel_size: int | Pair | None,
    stride: int | Pair | None,
    padding: int | Pair,
    output_size: int | Sequence[int] | None,
) -> Pair:
    if output_size is not None:
        size = output_size if isinstance(output_size, int) else tuple(output_size)[-2:]
        return as_pair("max_unpool2d", "output_size", size, least=1)
    if kernel_size is None:
        raise ValueError(
            "max_unpool2d: output_size is needed, because several sizes pool to the same; give the "
            f"(H, W) of the map that was pooled, or the kernel_size of its pooling; x={x.shape}"
        )
    kernel = as_pair("max_unpool2d", "kernel_size", kernel_size, least=1)
    stride = kernel if stride is None else as_pair("max_unpool2d", "stride", stride, least=1)
    padding = as_pair("max_unpool2d", "padding", padding, least=0)
    options = zip(x.shape[2:], kernel, stride, padding, strict=True)
    rows, columns = [(length - 1) * s - 2 * p + k for length, k, s, p in options]
    if min(rows, columns) < 1:
        raise ValueError(
            f"max_unpool2d: x={x.shape} with kernel_size={kernel}, stride={stride} and "
            f"padding={padding} gives an output of {(rows, columns)}, which is empty"
        )
    return rows, columns
