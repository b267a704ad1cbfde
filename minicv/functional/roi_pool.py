"""RoI pooling: the maxima of each region, on a small grid."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps
from minicv.functional.regions import check_regions


class RoIPool(Function):
    def __init__(
        self, boxes: Array, batch_indices: Array, output_size: Pair, spatial_scale: float
    ) -> None:
        self.boxes = boxes
        self.batch_indices = batch_indices
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        where = (self.boxes, self.batch_indices, self.output_size, self.spatial_scale)
        if not self.needs_grad[0]:
            return kernels_of(x).roi_pool_maxima(x, *where)
        maxima, self.positions = kernels_of(x).roi_pool(x, *where)
        return maxima

    def backward(self, grad: Array) -> Array:
        kernels = kernels_of(grad)
        return kernels.roi_pool_backward(grad, self.positions, self.batch_indices, self.x_shape)


def roi_pool(
    x: Tensor | Array,
    boxes: Array,
    batch_indices: Array,
    output_size: int | Pair,
    spatial_scale: float = 1.0,
) -> Tensor:
    """For each box, the map inside of it, cut into PH x PW bins, and the maximum of each bin.

    Forward, with [v] = floor(v + 1/2)::

        top, bottom = [y1 · scale], [y2 · scale]
        height      = max(bottom - top + 1, 1)
        bin i       = rows  top + floor(i · height / PH)  up to, not including,
                            top + ceil((i + 1) · height / PH)

    and columns likewise, in whole numbers, and cut off at the edges of the map; y[r, c, i, j] is
    the maximum of x[n_r, c] over bin (i, j). Gradient: dL/dy[r, c, i, j] goes to the position that
    held the maximum; where regions or bins overlap a position adds up what it gets. Boxes are
    constants and get no gradient.

    ==============  =======================================================================
    x               (N, C, H, W)
    boxes           (R, 4): x1, y1, x2, y2 in pixels of the image, not of the map
    batch_indices   (R,), whole numbers: which image of x a box belongs to
    output_size     one number, or (PH, PW)
    spatial_scale   size of the map / size of the image, e.g. 1 / 16
    result          (R, C, PH, PW)
    ==============  =======================================================================

    The rounded corners both belong to the region: this + 1 is part of the operation as it was
    published, and weights trained with it expect it, so it stays although boxes are half-open
    everywhere else. A degenerate box is thus one position, and neighbouring bins may overlap.

    A bin that lies outside of the map is empty: its value is 0 and its gradient is dropped. Ties:
    the first maximum in reading order. A bin with NaN gives NaN. R = 0 gives an empty result and a
    gradient of zero. torchvision rounds halves away from zero, so that a corner at, say, -0.5 goes
    to -1 there and to 0 here.

    Cost: a sort of each map, and four look-ups for each output. Memory: a position for each output.

    Raises:
        ValueError: a shape does not fit, a box is not finite, or a batch index names no image.
        TypeError: the batch indices are not whole numbers.

    Source: Girshick 2015, "Fast R-CNN", section 2.1.

    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> box, image = np.array([[0.0, 0.0, 3.0, 1.0]]), np.array([0])
    >>> roi_pool(x, box, image, 2).data.tolist()
    [[[[1.0, 3.0], [5.0, 7.0]]]]
    """
    check_maps("roi_pool", x)
    output_size = as_pair("roi_pool", "output_size", output_size, least=1)
    boxes, batch_indices = check_regions("roi_pool", x, boxes, batch_indices, spatial_scale)
    return RoIPool(boxes, batch_indices, output_size, float(spatial_scale))(x)
