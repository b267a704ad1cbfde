"""Proposals for large photographs: from a scaled copy, as the papers have it.

Selective Search, Edge Boxes and sliding windows look for objects at scales that are given in
pixels, and their time grows with the number of pixels. Photographs come in all sizes, so the papers
bring each to one size first (Girshick et al. 2014: a width of 500). Here a picture whose longer
side is within a limit stays as it is, and of a larger one a copy of that size is looked at. Its
boxes go back to the pixels of the picture.
"""

from __future__ import annotations

import numpy as np

from minicv.models.photographs import resize_image, resized_size
from minicv.proposals import Proposer
from minicv.vision.boxes import clip_boxes_to_image, scale_boxes

MAX_SIDE = 1000  # pixels; photographs of VOC (500) and COCO (640) are within


def copy_within(image: np.ndarray, max_side: int) -> np.ndarray:
    """The image itself, or a smaller copy whose longer side is ``max_side``.

    >>> image = np.zeros((3, 300, 400), "float32")
    >>> copy_within(image, 400) is image, copy_within(image, 200).shape
    (True, (3, 150, 200))
    """
    height, width = image.shape[1:]
    if max(height, width) <= max_side:
        return image
    return resize_image(image, *resized_size(height, width, max_side, max_side))


def boxes_between(boxes: np.ndarray, size: tuple[int, ...], other: tuple[int, ...]) -> np.ndarray:
    """(R, 4) boxes in a picture of ``size`` (H, W), as boxes in its copy of the ``other`` size.

    >>> boxes_between(np.array([[1.0, 2.0, 5.0, 6.0]]), (10, 20), (20, 40)).tolist()
    [[2.0, 4.0, 10.0, 12.0]]
    """
    if tuple(size) == tuple(other):
        return boxes
    (height, width), (new_height, new_width) = size, other
    boxes = scale_boxes(boxes, new_width / width, new_height / height)
    return clip_boxes_to_image(boxes, (new_height, new_width))


def propose_on_copy(
    proposer: Proposer, image: np.ndarray, rng: np.random.Generator, max_side: int
) -> tuple[np.ndarray, np.ndarray]:
    """What ``proposer`` says of the image, or of a copy of it within ``max_side``.

    Args:
        proposer: where to look.
        image: (3, H, W), RGB float in 0..1.
        rng: for the proposer.
        max_side: pixels; a longer image is looked at in a smaller copy.

    Returns:
        boxes (R, 4) in the pixels of the image, and their scores (R,).

    >>> from minicv.proposals import SlidingWindow
    >>> image, windows = np.zeros((3, 40, 80), "float32"), SlidingWindow((20.0,), (1.0,), 1.0)
    >>> boxes, _ = propose_on_copy(windows, image, np.random.default_rng(0), max_side=40)
    >>> sorted(boxes.tolist())
    [[0.0, 0.0, 40.0, 40.0], [40.0, 0.0, 80.0, 40.0]]
    """
    copy = copy_within(image, max_side)
    boxes, scores = proposer.propose(copy, rng)
    return boxes_between(boxes, copy.shape[1:], image.shape[1:]), scores
