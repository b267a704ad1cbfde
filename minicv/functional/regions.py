"""What every operation on regions asks of its boxes."""

from __future__ import annotations

import math

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import as_number


def check_regions(
    operation: str,
    x: Tensor | Array,
    boxes: Array,
    batch_indices: Array,
    spatial_scale: float,
) -> tuple[Array, Array]:
    """Boxes (R, 4), finite, each with the number (R,) of an image of x (N, C, H, W).

    The values of arrays on a device are not looked at, which would make the host wait. There a
    batch index that names no image becomes the nearest that does, and a box that is not finite
    gives an arbitrary result.

    Raises:
        ValueError: a shape does not fit, a box is not finite, a batch index names no image, or the
            scale is not positive.
        TypeError: boxes are a Tensor, or the batch indices are not whole numbers.

    >>> import numpy as np
    >>> boxes, images = check_regions("roi_pool", np.zeros((1, 1, 4, 4)), np.zeros((0, 4)), [], 1.0)
    >>> boxes.shape, images.shape
    ((0, 4), (0,))
    """
    if isinstance(boxes, Tensor) or isinstance(batch_indices, Tensor):
        raise TypeError(
            f"{operation}: boxes and batch_indices are constants and get no gradient; "
            "give arrays, e.g. the .data of a Tensor"
        )
    xp = xp_of(x.data if isinstance(x, Tensor) else x)
    boxes, batch_indices = xp.asarray(boxes), xp.asarray(batch_indices)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{operation}: boxes must have shape (R, 4), x1 y1 x2 y2, but have {boxes.shape}; "
            "the image of each box belongs into batch_indices"
        )
    if batch_indices.shape != (len(boxes),):
        raise ValueError(
            f"{operation}: batch_indices must name one image for each box; boxes={boxes.shape}, "
            f"batch_indices={batch_indices.shape}"
        )
    if boxes.dtype.kind not in "biuf" or batch_indices.dtype.kind not in "biuf":
        raise TypeError(f"{operation}: boxes and batch_indices must be numbers, not text")
    as_number(operation, "spatial_scale", spatial_scale)
    if not (math.isfinite(spatial_scale) and spatial_scale > 0):
        raise ValueError(
            f"{operation}: spatial_scale must be positive (size of the map / size of the image) "
            f"but is {spatial_scale}"
        )
    if len(boxes) == 0:
        return boxes, batch_indices.astype(xp.int64)  # an empty list becomes an array of floats
    if batch_indices.dtype.kind not in "iu":
        raise TypeError(
            f"{operation}: batch_indices must be whole numbers but are {batch_indices.dtype}"
        )
    if x.shape[0] == 0:
        raise ValueError(f"{operation}: {len(boxes)} boxes but no image; x={x.shape}")
    if xp is not np:
        return boxes, xp.clip(batch_indices, 0, x.shape[0] - 1).astype(xp.int64)
    lowest, highest = batch_indices.min(), batch_indices.max()
    if lowest < 0 or highest >= x.shape[0]:
        raise ValueError(
            f"{operation}: batch_indices reach from {lowest} to {highest} but x has {x.shape[0]} "
            f"images, 0..{x.shape[0] - 1}; x={x.shape}"
        )
    if not np.isfinite(boxes).all():
        bad = np.isfinite(boxes).all(axis=1).argmin()
        raise ValueError(f"{operation}: box {bad} is not finite: {boxes[bad].tolist()}")
    return boxes, batch_indices.astype(xp.int64)
