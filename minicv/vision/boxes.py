"""Boxes: areas, overlaps, what images do to them, how a network moves them, and suppression.

One convention everywhere: a box is ``x1, y1, x2, y2`` in pixels, floating point and half-open. A
pixel in column ``i`` covers ``i <= x < i + 1``, so a box over columns 2..4 has ``x1 = 2, x2 = 5``
and width ``x2 - x1 = 3``. There is no ``+1`` in any formula, the right edge of an image of width
``W`` is ``x = W``, and a mirrored box is ``W - x``. A reader of a format with other habits (VOC:
1-based, inclusive; COCO: x, y, width, height) converts once, while reading.

A box with ``x2 <= x1`` or ``y2 <= y1`` is degenerate: it covers nothing, its area is 0, and its
overlap with anything, itself included, is 0 too. Every function accepts an empty (0, 4) array.
Integer coordinates are converted to float64 first, because differences of unsigned integers wrap
around, and float16 to float32, because the area of 256 x 256 pixels is more than it holds.

**Box regression** (`encode_boxes`, `decode_boxes`) writes a box as an offset from a proposal. With
the box's centre ``(cx, cy)``, width ``w`` and height ``h``, and the proposal's with an index ``p``:

    dx = wx (cx - cxp) / wp        dw = ww log(w / wp)
    dy = wy (cy - cyp) / hp        dh = wh log(h / hp)

The offsets do not change when box and proposal are moved or scaled together, so one regressor
serves all places and sizes. Widths are ``x2 - x1``, hence ``decode(encode(box)) == box`` up to
rounding; with the ``+ 1`` of older code the right and bottom edges come back one pixel off.

The weights ``wx, wy, ww, wh`` bring the targets to about unit variance. (1, 1, 1, 1) is customary
for a region proposal network, (10, 10, 5, 5) for a detection head: the same as dividing the targets
by (0.1, 0.1, 0.2, 0.2). They belong to the coding and are never folded into the weights of a layer.

Source: Girshick et al., "Rich feature hierarchies" (2014), appendix C; the limit of the exponential
in `decode_boxes`: the public Fast R-CNN implementations.

**Non-maximum suppression** (`nms`, `batched_nms`) keeps, of boxes that overlap much, only the one
with the best score. The method is greedy: take the box with the highest score, remove all boxes
whose IoU with it is *greater than* the threshold, and repeat with the remaining boxes. A box
exactly at the threshold stays. Boxes of equal score are taken in the order they came, on every
device.

Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.2.
"""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, kernels_of, xp_of
from minicv.backend.parallel import split

BLOCK_ELEMENTS = 1 << 18  # pairs in a block: a megabyte of float32, so that it stays in the cache
Weights = tuple[float, float, float, float]


def box_area(boxes: Array) -> Array:
    """Area of each box: ``max(x2 - x1, 0) * max(y2 - y1, 0)``.

    Args:
        boxes: (N, 4), pixels.

    Returns:
        (N,), square pixels; 0 for a degenerate box.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

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
    for rows in split(len(boxes1), BLOCK_ELEMENTS // max(1, len(boxes2))):
        intersection = _intersection(boxes1[rows], boxes2)
        union = area1[rows, None] + area2 - intersection
        result[rows] = intersection / xp.maximum(union, smallest)
    return result


def box_intersection_over_area(boxes: Array, regions: Array) -> Array:
    """How much of each box lies in each region: ``|box n region| / |box|``.

    Unlike IoU it does not depend on how large the region is. COCO uses it where a region stands for
    a whole crowd and the box for one of its members.

    Args:
        boxes: (M, 4), pixels.
        regions: (N, 4), pixels.

    Returns:
        (M, N), from 0 to 1; 0 for a degenerate box.

    Raises:
        ValueError: an argument is not (N, 4).

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
    for rows in split(len(boxes), BLOCK_ELEMENTS // max(1, len(regions))):
        intersection = _intersection(boxes[rows], regions)
        result[rows] = intersection / xp.maximum(area[rows, None], smallest)
    return result


def clip_boxes_to_image(boxes: Array, size: tuple[float, float]) -> Array:
    """Boxes cut at the border of an image: x into 0..width, y into 0..height.

    A box wholly outside of the image collapses onto its border and becomes degenerate;
    `remove_small_boxes` leaves it out.

    Args:
        boxes: (..., 4), pixels.
        size: ``(height, width)`` of the image, as in its shape.

    Returns:
        An array of the same shape, floating point.

    Raises:
        ValueError: the last axis of ``boxes`` is not 4 long.

    >>> clip_boxes_to_image(np.array([[-2.0, 1.0, 12.0, 9.0]]), (6, 10)).tolist()
    [[0.0, 1.0, 10.0, 6.0]]
    """
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError(
            "clip_boxes_to_image: boxes expects shape (..., 4) as x1, y1, x2, y2 but has shape "
            f"{tuple(boxes.shape)}"
        )
    boxes = as_wide_floats(boxes, "clip_boxes_to_image", "boxes")
    height, width = (float(length) for length in size)
    return kernels_of(boxes).clip_boxes(boxes, height, width)


def remove_small_boxes(boxes: Array, min_size: float) -> Array:
    """Indices of the boxes worth keeping: both sides at least ``min_size``, and not degenerate.

    With ``min_size = 0`` only boxes without area are left out.

    Args:
        boxes: (N, 4), pixels.
        min_size: smallest width and height, pixels.

    Returns:
        (M,) indices, ascending.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

    >>> boxes = np.array([[0.0, 0.0, 9.0, 2.0], [0.0, 0.0, 3.0, 3.0], [4.0, 4.0, 4.0, 9.0]])
    >>> remove_small_boxes(boxes, 3).tolist()
    [1]
    >>> remove_small_boxes(boxes, 0).tolist()
    [0, 1]
    """
    boxes = as_float_boxes(boxes, "remove_small_boxes", "boxes")
    return xp_of(boxes).nonzero(kernels_of(boxes).large_boxes(boxes, min_size))[0]


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

    >>> flip_boxes(np.array([[0.0, 0.0, 3.0, 2.0]]), 10).tolist()
    [[7.0, 0.0, 10.0, 2.0]]
    """
    boxes = as_float_boxes(boxes, "flip_boxes", "boxes")
    xp = xp_of(boxes)
    width = float(width)
    x1, y1, x2, y2 = (boxes[:, k] for k in range(4))
    return xp.stack([width - x2, y1, width - x1, y2], axis=1)


def scale_boxes(boxes: Array, scale_x: float, scale_y: float) -> Array:
    """Boxes in the resized image: x times ``scale_x``, y times ``scale_y``.

    The scales are the ratios of the actual sizes, such as ``new_width / width``, not the scale that
    was asked for: a new size is rounded to whole pixels.

    Args:
        boxes: (N, 4), pixels.
        scale_x, scale_y: factors.

    Returns:
        (N, 4), floating point.

    Raises:
        ValueError: ``boxes`` is not (N, 4).

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


def encode_boxes(
    reference_boxes: Array, proposals: Array, weights: Weights = (1.0, 1.0, 1.0, 1.0)
) -> Array:
    """Offsets ``dx, dy, dw, dh`` that lead from each proposal to its reference box.

    Args:
        reference_boxes: (N, 4), the boxes to reach, pixels.
        proposals: (N, 4), where each one starts, pixels.
        weights: factors of dx, dy, dw, dh.

    Returns:
        (N, 4), without unit.

    Raises:
        ValueError: a shape is wrong, or a box has no width or no height, for which there is no
            logarithm; the message names the first such row. On a GPU, where a look at the boxes
            would make the host wait, offsets from or to such a box are infinite or NaN instead.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> encode_boxes(np.array([[5.0, 0.0, 15.0, 20.0]]), proposals).tolist()
    [[0.5, 0.0, 0.0, 0.0]]
    """
    reference_boxes = as_float_boxes(reference_boxes, "encode_boxes", "reference_boxes")
    proposals = as_float_boxes(proposals, "encode_boxes", "proposals")
    xp = xp_of(reference_boxes, proposals)
    if reference_boxes.shape != proposals.shape:
        raise ValueError(
            "encode_boxes: each proposal needs one reference box but "
            f"reference_boxes={tuple(reference_boxes.shape)}, proposals={tuple(proposals.shape)}"
        )
    dtype = xp.result_type(reference_boxes, proposals)
    reference_boxes, proposals = (a.astype(dtype, copy=False) for a in (reference_boxes, proposals))
    _refuse_degenerate(reference_boxes, "reference_boxes")
    _refuse_degenerate(proposals, "proposals")
    return kernels_of(proposals).encode_boxes(reference_boxes, proposals, _plain(weights))


def decode_boxes(deltas: Array, proposals: Array, weights: Weights = (1.0, 1.0, 1.0, 1.0)) -> Array:
    """The boxes that offsets from proposals mean; the inverse of `encode_boxes`.

    ``dw / ww`` and ``dh / wh`` are cut at log(1000 / 16) = 4.135 before the exponential, because an
    untrained network would otherwise make infinite boxes. So ``decode(encode(box))`` differs from
    ``box`` only where the box is more than 62.5 times as wide or as high as its proposal.

    Args:
        deltas: (N, 4), or (N, K, 4) with one set of offsets per class.
        proposals: (N, 4), pixels. A degenerate proposal gives a degenerate box.
        weights: as given to `encode_boxes`.

    Returns:
        Boxes in the shape of ``deltas``, pixels, not clipped to any image.

    Raises:
        ValueError: a shape is wrong.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> decode_boxes(np.array([[0.5, 0.0, 0.0, 0.0]]), proposals).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    >>> decode_boxes(np.zeros((1, 3, 4)), proposals).shape
    (1, 3, 4)
    """
    proposals = as_float_boxes(proposals, "decode_boxes", "proposals")
    deltas = as_wide_floats(deltas, "decode_boxes", "deltas")
    xp = xp_of(deltas, proposals)
    rows = len(proposals)
    if deltas.ndim not in (2, 3) or deltas.shape[0] != rows or deltas.shape[-1] != 4:
        raise ValueError(
            "decode_boxes: deltas expects shape (N, 4) or (N, K, 4) with the N of proposals but "
            f"deltas={tuple(deltas.shape)}, proposals={tuple(proposals.shape)}"
        )
    dtype = xp.result_type(deltas, proposals)
    deltas, proposals = (array.astype(dtype, copy=False) for array in (deltas, proposals))
    return kernels_of(deltas).decode_boxes(deltas, proposals, _plain(weights))


def _plain(weights: Weights) -> Weights:
    """As Python's numbers: an array's would widen float32."""
    wx, wy, ww, wh = (float(weight) for weight in weights)
    return wx, wy, ww, wh


def _refuse_degenerate(boxes: Array, argument: str) -> None:
    if not isinstance(boxes, np.ndarray):
        return
    degenerate = (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    if degenerate.any():
        index = int(degenerate.argmax())
        raise ValueError(
            f"encode_boxes: {argument}[{index}] is {boxes[index].tolist()}, which has no width or "
            "no height, so log(w / wp) does not exist; drop it with remove_small_boxes"
        )


def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Indices of the boxes that stay, best score first.

    On a GPU the host waits once, to learn how many boxes stay.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        iou_threshold: overlap, from 0 to 1, above which the box with the lower score is removed.

    Returns:
        (M,) int64 indices into ``boxes``.

    Raises:
        ValueError: shapes do not fit, the threshold is not in 0..1, or there are more than 262144
            boxes on a GPU.

    Cost: at worst one IoU for each pair of a box that stays and another box. On a GPU always one
    IoU and one bit of memory for each pair of boxes.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 11.0], [20.0, 0.0, 30.0, 10.0]])
    >>> nms(boxes, np.array([0.5, 0.9, 0.1]), 0.5).tolist()
    [1, 2]
    """
    boxes = as_float_boxes(boxes, "nms", "boxes")
    kernels = kernels_of(boxes, scores)
    _check("nms", boxes, iou_threshold, scores=scores)
    return kernels.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Array, scores: Array, labels: Array, iou_threshold: float) -> Array:
    """Non-maximum suppression within each class: boxes of different labels never compete.

    Labels are compared directly. The usual shortcut moves the boxes of each label far from those
    of the others; it rounds the moved coordinates, and so it can decide a close case differently.

    Args:
        boxes: (N, 4), pixels.
        scores: (N,).
        labels: (N,) integers; anything that tells groups apart, such as the level of a pyramid.
        iou_threshold: overlap, from 0 to 1, above which the box with the lower score is removed.

    Returns:
        (M,) int64 indices into ``boxes``, best score first over all classes; equal scores in the
        order they came.

    Raises:
        ValueError: as `nms`.

    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0]])
    >>> batched_nms(boxes, np.array([0.5, 0.9, 0.1]), np.array([0, 1, 1]), 0.5).tolist()
    [1, 0]
    """
    boxes = as_float_boxes(boxes, "batched_nms", "boxes")
    kernels = kernels_of(boxes, scores, labels)
    _check("batched_nms", boxes, iou_threshold, scores=scores, labels=labels)
    return kernels.nms(boxes, scores, iou_threshold, labels)


def _check(operation: str, boxes: Array, iou_threshold: float, **per_box: Array) -> None:
    for name, values in per_box.items():
        if tuple(values.shape) != (len(boxes),):
            raise ValueError(
                f"{operation}: {name} expects one value per box, shape ({len(boxes)},), but has "
                f"shape {tuple(values.shape)}"
            )
    if not 0 <= iou_threshold <= 1:
        raise ValueError(
            f"{operation}: iou_threshold expects a number from 0 to 1 but is {iou_threshold}"
        )


def as_float_boxes(boxes: Array, operation: str, argument: str) -> Array:
    """``boxes`` checked to be (N, 4), and as floating point wide enough for an area.

    Integers become float64: in few bits areas overflow, and differences of unsigned ones wrap
    around. float16 becomes float32: its numbers end at 65,504, the area of 256 x 256 pixels.

    Args:
        boxes: what came.
        operation, argument: names for the message.

    Raises:
        ValueError: the shape is not (N, 4).
        TypeError: no real numbers.

    >>> as_float_boxes(np.array([[1, 2, 3, 4]]), "box_area", "boxes").dtype.name
    'float64'
    """
    xp_of(boxes)  # refuses what is no array
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{operation}: {argument} expects shape (N, 4) as x1, y1, x2, y2 but has shape "
            f"{tuple(boxes.shape)}; no boxes at all are numpy.zeros((0, 4))"
        )
    return as_wide_floats(boxes, operation, argument)


def as_wide_floats(values: Array, operation: str, argument: str) -> Array:
    """Integers as float64, float16 as float32, everything wider as it is.

    >>> as_wide_floats(np.zeros(2, np.float16), "nms", "scores").dtype.name
    'float32'
    """
    kind, xp = values.dtype.kind, xp_of(values)
    if kind not in "fiub":
        raise TypeError(
            f"{operation}: {argument} expects real numbers but has dtype {values.dtype}"
        )
    if kind != "f":
        return values.astype(xp.float64)
    return values.astype(xp.float32) if values.dtype.itemsize < 4 else values
