"""Many overlapping crops, each with scores of its own, become the scores of the whole image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.vision.boxes import as_float_boxes, clip_boxes_to_image, remove_small_boxes

Aggregate = Literal["max", "mean"]


def proposal_windows(boxes: Array, size: tuple[int, int]) -> np.ndarray:
    """The pixels of an image that each box touches, as whole numbers x1, y1, x2, y2, half-open.

    A box without area, or outside of the image, touches none and is left out.

    Args:
        boxes: (R, 4), x1, y1, x2, y2 in pixels.
        size: (H, W) of the image.

    Returns:
        (at most R, 4) int64, on the host.

    Raises:
        ValueError: not (R, 4), or a box that is not finite.

    >>> boxes = np.array([[1.5, 0.0, 3.2, 9.0], [2.0, 1.0, 2.0, 4.0]])
    >>> proposal_windows(boxes, (6, 8)).tolist()
    [[1, 0, 4, 6]]
    """
    boxes = to_numpy(as_float_boxes(boxes, "proposal_windows", "boxes"))
    if not np.isfinite(boxes).all():
        wrong = int(np.argmin(np.isfinite(boxes).all(axis=1)))
        raise ValueError(
            f"proposal_windows: box {wrong} is {boxes[wrong].tolist()}, expected finite numbers"
        )
    boxes = clip_boxes_to_image(boxes, size)
    boxes = boxes[remove_small_boxes(boxes, 0)]
    return np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1).astype(np.int64)


def aggregate_scores(
    windows: np.ndarray,
    scores: Iterable[np.ndarray],
    shape: tuple[int, int, int],
    aggregate: Aggregate = "max",
) -> np.ndarray:
    """P = max over i of Gᵢ, or their mean, at every pixel and for every class.

    Gᵢ are the scores of window i in their place in the image, with zeros outside of the window.

    Args:
        windows: (R, 4), see `proposal_windows`.
        scores: for each window (K, its height, its width); a generator will do.
        shape: (K, H, W) of the result.
        aggregate: "max" or "mean".

    Returns:
        (K, H, W) float32; zeros without any window.

    Raises:
        ValueError: another name for ``aggregate``.

    Source: Noh et al., Learning deconvolution network for semantic segmentation (ICCV 2015),
    "Aggregating instance-wise segmentation maps". There the mean is a sum; so many boxes cover a
    pixel that their sum would make every softmax certain.

    >>> windows = np.array([[0, 0, 2, 1], [1, 0, 3, 1]])
    >>> scores = [np.array([[[1.0, 5.0]]]), np.array([[[2.0, -3.0]]])]
    >>> aggregate_scores(windows, scores, (1, 1, 3)).tolist()
    [[[1.0, 5.0, 0.0]]]
    >>> aggregate_scores(windows, scores, (1, 1, 3), "mean").tolist()
    [[[0.5, 3.5, -1.5]]]
    """
    if aggregate not in get_args(Aggregate):
        raise ValueError(f"aggregate_scores: aggregate is {aggregate!r}, expected 'max' or 'mean'")
    if len(windows) == 0:
        return np.zeros(shape, np.float32)
    combine = np.maximum if aggregate == "max" else np.add
    total = None
    for (x1, y1, x2, y2), inside in zip(windows, scores, strict=True):
        placed = np.zeros(shape, np.float32)
        placed[:, y1:y2, x1:x2] = inside
        total = placed if total is None else combine(total, placed, out=total)
    return total if aggregate == "max" else total / len(windows)
