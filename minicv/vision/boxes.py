"""Boxes: areas, overlaps, and what images do to them.

One convention everywhere: a box is ``x1, y1, x2, y2`` in pixels, floating point and half-open. A
pixel in column ``i`` covers ``i <= x < i + 1``, so a box over columns 2..4 has ``x1 = 2, x2 = 5``
and width ``x2 - x1 = 3``. There is no ``+1`` in any formula, the right edge of an image of width
``W`` is ``x = W``, and a mirrored box is ``W - x``. Whoever reads a format with other habits (VOC:
1-based, inclusive; COCO: x, y, width, height) converts once, while reading.

A box with ``x2 <= x1`` or ``y2 <= y1`` is degenerate: it covers nothing, its area is 0 and so is
its overlap with anything, itself included. Functions take (0, 4) arrays and answer in kind.
Coordinates may be integers; they are converted to float64 first, since differences of unsigned
integers wrap around.
"""

from __future__ import annotations

from minicv.backend import Array, xp_of
from minicv.vision.box_checks import as_float_boxes, check_last_axis

BLOCK_ELEMENTS = 1 << 18  # pairs per block: a megabyte of float32, so temporaries stay in the cache


def box_area(boxes: Array) -> Array:
    """Area of each box: ``max(x2 - x1, 0) * max(y2 - y1, 0)``.

    Args:
        boxes: (N, 4), pixels.

    Returns:
        (N,), square pixels; 0 for a degenerate box.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

    >>> import numpy as np
    >>> box_area(np.array([[0.0, 0.0, 4.0, 3.0], [5.0, 5.0, 5.0, 9.0]])).tolist()
    [12.0, 0.0]
    """
    boxes = as_float_boxes(boxes, "box_area", "boxes")
    xp = xp_of(boxes)
    width = xp.maximum(boxes[:, 2] - boxes[:, 0], 0)
    height = xp.maximum(boxes[:, 3] - boxes[:, 1], 0)
    return width * height


def box_iou(boxes1: Array, boxes2: Array) -> Array:
    """Intersection over union of every pair: ``|A n B| / (|A| + |B| - |A n B|)``.

    The pairs are computed a block at a time, so that beside the result only a few megabytes are
    needed, even for 500 boxes against 240,000 anchors.

    Args:
        boxes1: (M, 4), pixels.
        boxes2: (N, 4), pixels.

    Returns:
        (M, N), from 0 to 1. A pair with a degenerate box gives 0; so does a pair that only touches.

    Raises:
        ValueError: an argument is not (N, 4).

    Source: Jaccard (1912); the PASCAL VOC development kit, section 4.4, less its ``+1``.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 10.0, 8.0]])
    >>> box_iou(boxes, boxes).round(3).tolist()
    [[1.0, 0.6], [0.6, 1.0]]
    """
    boxes1 = as_float_boxes(boxes1, "box_iou", "boxes1")
    boxes2 = as_float_boxes(boxes2, "box_iou", "boxes2")
    xp = xp_of(boxes1, boxes2)
    area1, area2 = box_area(boxes1), box_area(boxes2)
    result = xp.empty((len(boxes1), len(boxes2)), dtype=xp.result_type(boxes1, boxes2))
    smallest = xp.finfo(result.dtype).tiny  # divides the 0 of two degenerate boxes to 0, not NaN
    for rows in _row_blocks(*result.shape):
        intersection = _intersection(boxes1[rows], boxes2)
        union = area1[rows, None] + area2 - intersection
        result[rows] = intersection / xp.maximum(union, smallest)
    return result


def box_intersection_over_area(boxes: Array, regions: Array) -> Array:
    """How much of each box lies in each region: ``|box n region| / |box|``.

    Unlike IoU it does not mind how large the region is, which is what counts when a region stands
    for a whole crowd (COCO) and the box for one of its members.

    Args:
        boxes: (M, 4), pixels.
        regions: (N, 4), pixels.

    Returns:
        (M, N), from 0 to 1; 0 for a degenerate box.

    Raises:
        ValueError: an argument is not (N, 4).

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0]])
    >>> regions = np.array([[2.0, 0.0, 100.0, 100.0], [0.0, 0.0, 9.0, 9.0]])
    >>> box_intersection_over_area(boxes, regions).tolist()
    [[0.5, 1.0]]
    """
    boxes = as_float_boxes(boxes, "box_intersection_over_area", "boxes")
    regions = as_float_boxes(regions, "box_intersection_over_area", "regions")
    xp = xp_of(boxes, regions)
    area = box_area(boxes)
    result = xp.empty((len(boxes), len(regions)), dtype=xp.result_type(boxes, regions))
    smallest = xp.finfo(result.dtype).tiny
    for rows in _row_blocks(*result.shape):
        intersection = _intersection(boxes[rows], regions)
        result[rows] = intersection / xp.maximum(area[rows, None], smallest)
    return result


def clip_boxes_to_image(boxes: Array, size: tuple[float, float]) -> Array:
    """Boxes cut at the border of an image: x into 0..width, y into 0..height.

    A box wholly outside collapses onto the border and becomes degenerate; `remove_small_boxes`
    finds it.

    Args:
        boxes: (..., 4), pixels.
        size: ``(height, width)`` of the image, as in its shape.

    Returns:
        An array of the same shape and dtype.

    Raises:
        ValueError: the last axis of ``boxes`` is not 4 long.

    >>> import numpy as np
    >>> clip_boxes_to_image(np.array([[-2.0, 1.0, 12.0, 9.0]]), (6, 10)).tolist()
    [[0.0, 1.0, 10.0, 6.0]]
    """
    check_last_axis(boxes, "clip_boxes_to_image", "boxes")
    xp = xp_of(boxes)
    height, width = size
    x = xp.clip(boxes[..., 0::2], 0, width)  # (..., 4) -> (..., 2): x1, x2
    y = xp.clip(boxes[..., 1::2], 0, height)
    return xp.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], axis=-1)


def remove_small_boxes(boxes: Array, min_size: float) -> Array:
    """Indices of the boxes worth keeping: both sides at least ``min_size``, and not degenerate.

    The second condition matters at ``min_size = 0``, where a box without area still goes.

    Args:
        boxes: (N, 4), pixels.
        min_size: smallest width and height, pixels.

    Returns:
        (M,) indices, ascending.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 9.0, 2.0], [0.0, 0.0, 3.0, 3.0], [4.0, 4.0, 4.0, 9.0]])
    >>> remove_small_boxes(boxes, 3).tolist()
    [1]
    >>> remove_small_boxes(boxes, 0).tolist()
    [0, 1]
    """
    boxes = as_float_boxes(boxes, "remove_small_boxes", "boxes")
    xp = xp_of(boxes)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    large = (width >= min_size) & (height >= min_size)
    return xp.nonzero(large & (width > 0) & (height > 0))[0]


def flip_boxes(boxes: Array, width: float) -> Array:
    """Boxes in the mirrored image (left and right exchanged): ``x1' = W - x2``, ``x2' = W - x1``.

    Half-open boxes need no ``- 1`` here. Flipping twice gives the boxes back.

    Args:
        boxes: (N, 4), pixels.
        width: width of the image, pixels.

    Returns:
        (N, 4), floating point.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

    >>> import numpy as np
    >>> flip_boxes(np.array([[0.0, 0.0, 3.0, 2.0]]), 10).tolist()
    [[7.0, 0.0, 10.0, 2.0]]
    """
    boxes = as_float_boxes(boxes, "flip_boxes", "boxes")
    xp = xp_of(boxes)
    x1, y1, x2, y2 = (boxes[:, k] for k in range(4))
    return xp.stack([width - x2, y1, width - x1, y2], axis=1)


def scale_boxes(boxes: Array, scale_x: float, scale_y: float) -> Array:
    """Boxes in the resized image: x times ``scale_x``, y times ``scale_y``.

    Give the ratios of the sizes that came out, ``new_width / width``, not the scale that was asked
    for: the new size was rounded to whole pixels.

    Args:
        boxes: (N, 4), pixels.
        scale_x, scale_y: factors.

    Returns:
        (N, 4), floating point.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

    >>> import numpy as np
    >>> scale_boxes(np.array([[1.0, 1.0, 3.0, 2.0]]), 2, 0.5).tolist()
    [[2.0, 0.5, 6.0, 1.0]]
    """
    boxes = as_float_boxes(boxes, "scale_boxes", "boxes")
    xp = xp_of(boxes)
    return boxes * xp.asarray([scale_x, scale_y, scale_x, scale_y], dtype=boxes.dtype)


def _intersection(boxes1: Array, boxes2: Array) -> Array:
    """(M, 4) and (N, 4) -> (M, N): the area that each pair shares, 0 where they are apart."""
    xp = xp_of(boxes1, boxes2)
    width = xp.minimum(boxes1[:, None, 2], boxes2[:, 2]) - xp.maximum(
        boxes1[:, None, 0], boxes2[:, 0]
    )
    height = xp.minimum(boxes1[:, None, 3], boxes2[:, 3]) - xp.maximum(
        boxes1[:, None, 1], boxes2[:, 1]
    )
    return xp.maximum(width, 0) * xp.maximum(height, 0)


def _row_blocks(rows: int, columns: int) -> list[slice]:
    """The rows of a (rows, columns) matrix in slices of about `BLOCK_ELEMENTS` elements."""
    step = max(1, BLOCK_ELEMENTS // max(1, columns))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
