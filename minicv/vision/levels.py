"""Which level of a feature pyramid a region is pooled from (Lin et al. 2017, equation 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minicv.backend import Array, xp_of
from minicv.vision.boxes import as_float_boxes

# So that a box of exactly 224 x 224 pixels reaches its level however its area was rounded.
_TOLERANCE = 1e-6


def assign_levels(
    boxes: Array,
    strides: Sequence[int],
    *,
    canonical_size: float = 224.0,
    canonical_stride: int = 16,
) -> Array:
    """For each box the map that suits its size: a box twice as large belongs one level higher.

    ``k = floor(k0 + log2(sqrt(w h) / canonical_size) + 1e-6)`` is the level whose stride is
    ``2 ** k``, and k0 that of ``canonical_stride``; k is clipped to the levels that there are. The
    paper's canonical size is that of ImageNet's pictures, from which the backbone has learnt.

    Args:
        boxes: (R, 4), pixels. R may be 0.
        strides: of the L maps, powers of two, each twice the one before.
        canonical_size: square root of the area of a box that belongs to ``canonical_stride``.
        canonical_stride: a power of two.

    Returns:
        (R,) int64, indices into ``strides``. A box without area belongs to the finest map; so does
        one that is not a number.

    Raises:
        ValueError: ``boxes`` is not (R, 4), a stride is no power of two, strides do not double, or
            ``canonical_size`` is not positive.

    Source: Lin et al., "Feature Pyramid Networks for Object Detection" (2017), equation 1; the
    1e-6, and that a level is never rounded to the nearest: the public implementations.

    >>> import numpy as np
    >>> sides = np.array([[20.0], [111.9], [112.0], [224.0], [900.0]])
    >>> assign_levels(sides * [0, 0, 1, 1], (4, 8, 16, 32)).tolist()
    [0, 0, 1, 2, 3]
    """
    boxes = as_float_boxes(boxes, "assign_levels", "boxes")
    first, *others = (_level("strides", stride, strides) for stride in strides or [0])
    if others != list(range(first + 1, first + 1 + len(others))):
        raise ValueError(
            f"assign_levels: strides expects each to be twice the one before but is {list(strides)}"
        )
    if not canonical_size > 0:
        raise ValueError(
            f"assign_levels: canonical_size expects a positive number but is {canonical_size}"
        )
    canonical = _level("canonical_stride", canonical_stride, canonical_stride)
    xp = xp_of(boxes)
    sides = xp.maximum(boxes[:, 2:] - boxes[:, :2], 0)  # (R, 4) -> (R, 2)
    size = xp.sqrt(sides[:, 0] * sides[:, 1])  # (R,)
    smallest = float(xp.finfo(boxes.dtype).tiny)  # the logarithm of 0 is not finite
    level = canonical + xp.log2(xp.maximum(size, smallest) / canonical_size) + _TOLERANCE
    # How many levels above the first are reached; unlike a cast of floor(level), right for NaN.
    above = xp.arange(first + 1, first + 1 + len(others))  # (L-1,)
    return (level[:, None] >= above).sum(axis=1).astype(xp.int64)


def _level(name: str, stride: int, shown: object) -> int:
    """k for the stride 2 ** k."""
    if stride < 1 or not math.log2(stride).is_integer():
        raise ValueError(f"assign_levels: {name} expects powers of two but is {shown}")
    return int(math.log2(stride))
