"""Joints as places on a heat map: M x M cells over a region's box.

A joint of a person is learnt as one of M * M classes, the cell that it lies in, and found again as
the peak of the network's logits. Cell (i, j) covers the j-th of M columns of the box and the i-th
of M rows; its number is ``i M + j``.

Source: He et al., "Mask R-CNN" (2017), section 5; the bicubic enlargement before the peak is looked
for, and the right and bottom borders: the paper's code, Detectron (2018), and torchvision.
"""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.parallel import parallel_for, split
from minicv.vision.boxes import as_float_boxes, as_wide_floats

_SHARPNESS = -0.75  # of the cubic; PyTorch's and OpenCV's
_BOXES_IN_BLOCK = 2  # which one thread decodes
_PIXELS_IN_BLOCK = 1 << 18  # enlarged at a time, a megabyte of float32


def joint_positions(keypoints: Array, boxes: Array, size: int) -> tuple[Array, Array]:
    """The cell of each joint in the box of its region.

    Column ``floor((x - x1) M / (x2 - x1))``, row likewise. A joint exactly on the right border of
    the box is in the last column, one on the bottom border in the last row.

    Args:
        keypoints: (P, J, 3) as x, y, visible, pixels: the joints of the object in each region.
        boxes: (P, 4) the regions. P may be 0.
        size: M.

    Returns:
        positions (P, J) int64, 0 to M * M - 1, and valid (P, J) bool: whether the joint is visible
        and in the box. Where it is not, the position is 0 and means nothing.

    Raises:
        ValueError: a shape does not fit.

    >>> joints = np.array([[[4.0, 2.0, 1.0], [8.0, 8.0, 1.0], [9.0, 2.0, 1.0], [4.0, 2.0, 0.0]]])
    >>> positions, valid = joint_positions(joints, np.array([[0.0, 0.0, 8.0, 8.0]]), 4)
    >>> positions.tolist(), valid.tolist()
    ([[6, 15, 0, 0]], [[True, True, False, False]])
    """
    boxes = as_float_boxes(boxes, "joint_positions", "boxes")
    if keypoints.ndim != 3 or keypoints.shape[2] != 3 or len(keypoints) != len(boxes):
        raise ValueError(
            f"joint_positions: keypoints expects shape ({len(boxes)}, J, 3) as x, y, visible, the "
            f"joints of the object in each box, but has shape {tuple(keypoints.shape)}"
        )
    xp = xp_of(keypoints, boxes)
    # In the boxes' type, so that a joint on a border is still on it.
    places = keypoints[:, :, :2].astype(boxes.dtype)  # (P, J, 2)
    first, last = boxes[:, None, :2], boxes[:, None, 2:]  # (P, 1, 2)
    sides = last - first
    # A degenerate box has no cells; only a joint on its right border gets one, the last.
    scale = size / xp.where(sides > 0, sides, 1)
    cells = xp.floor((places - first) * scale)  # (P, J, 2)
    cells = xp.where(sides > 0, cells, -1)
    cells = xp.where(places == last, size - 1, cells)
    inside = ((cells >= 0) & (cells < size)).all(axis=2)  # (P, J); False for NaN
    valid = inside & (keypoints[:, :, 2] > 0)
    whole = xp.where(valid[:, :, None], cells, 0).astype(xp.int64)
    return whole[:, :, 1] * size + whole[:, :, 0], valid


def heatmaps_to_keypoints(logits: Array, boxes: Array) -> tuple[Array, Array]:
    """The place of each joint's highest logit, in the pixels of the image.

    The M x M logits are enlarged to the box's pixels, rounded up, by bicubic interpolation. The
    middle of the highest pixel is the joint, and its value the score. Of equal pixels the first in
    reading order counts. A box's width and height are at least 1.

    Enlarging is a product of three matrices. Most rows are never computed: an interpolated value is
    a mean of logits with weights that sum to 1 and of which the negative ones are small, so that
    the largest and the smallest logit of a row say how high it can reach. The work is done on the
    host, whose threads share the boxes; the results are returned where the logits are.

    Args:
        logits: (D, J, M, M).
        boxes: (D, 4), pixels, clipped to the image: the work grows with the box. D may be 0.

    Returns:
        keypoints (D, J, 3) as x, y, 1, and scores (D, J): the logits at the peaks. float32, or the
        type of the logits if that is wider.

    Raises:
        ValueError: a shape does not fit, or a box is not finite.

    >>> logits = np.zeros((1, 1, 4, 4))
    >>> logits[0, 0, 1, 3] = 5.0
    >>> keypoints, scores = heatmaps_to_keypoints(logits, np.array([[10.0, 20.0, 14.0, 24.0]]))
    >>> keypoints.tolist(), scores.tolist()
    ([[[13.5, 21.5, 1.0]]], [[5.0]])
    """
    corners = to_numpy(as_float_boxes(boxes, "heatmaps_to_keypoints", "boxes"))
    if logits.ndim != 4 or logits.shape[2] != logits.shape[3] or len(logits) != len(corners):
        raise ValueError(
            f"heatmaps_to_keypoints: logits expects shape ({len(corners)}, J, M, M), heat maps for "
            f"each box, but has shape {tuple(logits.shape)}"
        )
    if logits.shape[2] == 0:
        raise ValueError("heatmaps_to_keypoints: logits expects at least one cell but M is 0")
    if not np.isfinite(corners).all():
        raise ValueError(
            "heatmaps_to_keypoints: boxes expects finite numbers but holds NaN or infinity"
        )
    maps = to_numpy(as_wide_floats(logits, "heatmaps_to_keypoints", "logits"))
    detections, joints, cells, _ = maps.shape
    keypoints = np.ones((detections, joints, 3), maps.dtype)
    scores = np.empty((detections, joints), maps.dtype)
    sides = np.maximum(corners[:, 2:] - corners[:, :2], 1)  # (D, 2) width and height
    pixels = np.ceil(sides).astype(np.int64)
    scale = sides / pixels.astype(sides.dtype)

    def decode(some: slice) -> None:
        for d in range(some.start, some.stop):
            along, down = (_bicubic(cells, count, maps.dtype) for count in pixels[d])
            row, column, scores[d] = _peaks(maps[d], down, along)
            keypoints[d, :, 0] = (column + 0.5) * scale[d, 0] + corners[d, 0]
            keypoints[d, :, 1] = (row + 0.5) * scale[d, 1] + corners[d, 1]

    if joints:
        parallel_for(decode, split(detections, _BOXES_IN_BLOCK))
    xp = xp_of(logits)
    return xp.asarray(keypoints), xp.asarray(scores)


def _peaks(
    logits: np.ndarray, down: np.ndarray, along: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and value, (J,) each, of the highest pixel of the enlarged logits (J, M, M).

    The weights of the cells are ``down`` (h, M) for each row of pixels, ``along`` (w, M) for each
    column.
    """
    rows = down @ logits  # (J, M, M) -> (J, h, M)
    highest, lowest = rows.max(axis=2), rows.min(axis=2)  # (J, h)
    negative = np.maximum(-along, 0).sum(axis=1).max()  # at most 3/16
    reach = highest + negative * (highest - lowest)  # no pixel of the row is higher
    each = np.arange(len(rows))
    found = (rows[each, highest.argmax(axis=1)] @ along.T).max(axis=1)  # (J,): so high it is
    rounding = 64 * np.finfo(rows.dtype).eps * np.abs(logits).max(axis=(1, 2))
    joint, row = np.nonzero(~(reach < (found - rounding)[:, None]))  # (C,): NaN counts as high
    peak = np.full(reach.shape, -np.inf, rows.dtype)  # (J, h): of each row
    column = np.zeros(reach.shape, np.int64)
    for some in split(len(row), _PIXELS_IN_BLOCK // len(along)):
        enlarged = rows[joint[some], row[some]] @ along.T  # (C, M) -> (C, w)
        peak[joint[some], row[some]] = enlarged.max(axis=1)
        column[joint[some], row[some]] = enlarged.argmax(axis=1)
    best = peak.argmax(axis=1)  # (J,)
    return best, column[each, best], peak[each, best]


def _bicubic(cells: int, pixels: int, dtype: np.dtype) -> np.ndarray:
    """(pixels, cells): how much of each cell is in each pixel, when M cells become n pixels.

    Pixel i stands at ``(i + 1/2) M / n - 1/2`` among the cells and takes from the four cells
    around it; a cell beyond the border is the one at the border.
    """
    # In the type of the logits, as in PyTorch.
    places = np.arange(pixels, dtype=dtype) + dtype.type(0.5)
    places = places * (dtype.type(cells) / dtype.type(pixels)) - dtype.type(0.5)
    distance = np.abs(places[:, None] - np.arange(-2, cells + 2, dtype=dtype))  # (n, M + 4)
    a = _SHARPNESS
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = a * (((distance - 5) * distance + 8) * distance - 4)
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    inner = weights[:, 2:-2].copy()
    inner[:, 0] += weights[:, :2].sum(axis=1)
    inner[:, -1] += weights[:, -2:].sum(axis=1)
    return inner
