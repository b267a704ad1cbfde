"""RoIAlign: a small map for each region, sampled without rounding its box."""

from __future__ import annotations

from typing import Any

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.functional.arguments import as_whole_number
from minicv.functional.conv2d import as_pair
from minicv.functional.pooling_windows import Pair, check_maps
from minicv.functional.regions import check_regions


class RoIAlign(Function):
    def __init__(self, boxes: Array, batch_indices: Array, *options: object) -> None:
        self.arguments = (boxes, batch_indices, *options)
        self.kept: dict[str, Any] = {}

    def forward(self, x: Array) -> Array:
        self.x_shape = x.shape
        return kernels_of(x).roi_align(x, *self.arguments, self.kept)

    def backward(self, grad: Array) -> Array:
        return kernels_of(grad).roi_align_backward(grad, self.x_shape, *self.arguments, self.kept)


def roi_align(
    x: Tensor | Array,
    boxes: Array,
    batch_indices: Array,
    output_size: int | Pair,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = True,
) -> Tensor:
    """For each box, the map inside of it, averaged over PH x PW equal bins.

    Forward: the box times ``spatial_scale`` is a rectangle on the map, its corners not rounded. It
    is cut into PH x PW bins, each bin holds S x S evenly spaced sample points, the map is
    interpolated at each of them, and the bin is their mean::

        y[r, c, i, j] = 1 / S² · Σ over the samples p of bin (i, j):
                        Σ_{h, w} max(0, 1 - |p_y - h|) · max(0, 1 - |p_x - w|) · x[n_r, c, h, w]

    A sample outside of the map by at most one position takes the value at the edge, one farther
    away is 0. This is linear in x. Gradient: dL/dx gets each dL/dy times the same weights. Boxes
    are constants and get no gradient.

    ==============  =======================================================================
    x               (N, C, H, W)
    boxes           (R, 4): x1, y1, x2, y2 in pixels of the image, not of the map
    batch_indices   (R,), whole numbers: which image of x a box belongs to
    output_size     one number, or (PH, PW)
    spatial_scale   size of the map / size of the image, e.g. 1 / 16
    sampling_ratio  S; 0 or less takes ceil(bin size), for rows and columns separately
    aligned         see below
    result          (R, C, PH, PW)
    ==============  =======================================================================

    ``aligned=True`` is exact: pixel (0, 0) covers 0..1 and has its centre at 0.5, so half a
    position is subtracted after scaling. ``aligned=False`` is the operation of the Mask R-CNN paper
    and of torchvision's detectors: no half position, and a region is at least 1 x 1 positions. Use
    it for weights that were trained with it.

    R = 0 gives an empty result and a gradient of zero. A degenerate box (x1 = x2) samples along a
    line; with ``aligned`` and ``sampling_ratio`` <= 0 it holds no sample and gives 0, as does a box
    with x2 < x1.

    Cost: at most 4·S² multiply-adds for each output. Memory: the weights, shared by all channels,
    which the host keeps for the gradient.
    With ``sampling_ratio`` <= 0 both grow with the box, so clip boxes to the image before.

    Raises:
        ValueError: a shape does not fit, a box is not finite, or a batch index names no image.
        TypeError: the batch indices are not whole numbers.

    Source: He et al. 2017, "Mask R-CNN", section 3 (RoIAlign); the half position of ``aligned``:
    Wu et al. 2019, Detectron2.

    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> box, image = np.array([[1.0, 1.0, 3.0, 3.0]]), np.array([0])
    >>> roi_align(x, box, image, 2).data.tolist()
    [[[[5.0, 6.0], [9.0, 10.0]]]]
    """
    check_maps("roi_align", x)
    output_size = as_pair("roi_align", "output_size", output_size, least=1)
    boxes, batch_indices = check_regions("roi_align", x, boxes, batch_indices, spatial_scale)
    sampling_ratio = as_whole_number("roi_align", "sampling_ratio", sampling_ratio)
    options = (output_size, float(spatial_scale), sampling_ratio, bool(aligned))
    # Copied, for the caller may go on to fill the array anew.
    return RoIAlign(boxes.copy(), batch_indices, *options)(x)
