"""What every method that proposes regions has in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PIL import Image

from minicv.backend import Array, descending
from minicv.proposals.channels import checked_channels
from minicv.vision.boxes import nms


class Proposer(Protocol):
    """Looks at a picture and says where there may be objects, of whatever class.

    A proposer is a frozen dataclass whose fields are its parameters. So its ``repr`` says all that
    its answer depends on, apart from the picture and the random numbers.
    """

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Boxes that may hold an object, best first.

        Args:
            image: (3, H, W), RGB float in 0..1.
            rng: draws whatever is random; a proposer without chance does not touch it.

        Returns:
            boxes (R, 4), float32, ``x1, y1, x2, y2`` in pixels, half-open, inside of the image and
            not degenerate; scores (R,), float32, not ascending. R may be 0, for example for a
            picture of one pixel.

        Raises:
            ValueError: the image is not (3, H, W) with at least one pixel, not floating point, or
                not in 0..1.
        """
        ...


def checked_image(image: Array, operation: str) -> np.ndarray:
    """The image as a contiguous float32 array on the host; refuses what is no picture.

    Args:
        image: (3, H, W), RGB float in 0..1.
        operation: what the message begins with.

    Raises:
        ValueError: another shape, no pixels, whole numbers, NaN or infinite values, or values
            beyond 0..1.

    >>> checked_image(np.zeros((3, 2, 5)), "doctest").dtype
    dtype('float32')
    """
    return checked_channels(image, operation, channels=3)


def best_first(
    boxes: np.ndarray, scores: np.ndarray, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores as a proposer returns them: float32, by descending score, at most ``most``.

    Equal scores keep their order. Empty lists become (0, 4) and (0,).

    >>> boxes, scores = best_first([[0, 0, 2, 2], [0, 0, 4, 4]], [1, 3])
    >>> boxes.tolist(), scores.tolist()
    ([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 2.0, 2.0]], [3.0, 1.0])
    """
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    scores = np.asarray(scores, dtype=np.float32).reshape(-1)
    order = descending(scores)[:most]
    return boxes[order], scores[order]


def nms_of_best(
    boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, most: int
) -> np.ndarray:
    """The first ``most`` indices that non-maximum suppression of all boxes would give.

    Only a better box removes a box, so the first part of the list can be decided without the rest.
    As long as too few boxes stay, twice as many are looked at.

    Args:
        boxes: (N, 4), pixels, best first.
        scores: (N,), not ascending.
        iou_threshold: overlap above which the box with the lower score is removed.
        most: number of boxes that are wanted.

    Returns:
        (M,) int64 indices, M <= ``most``, ascending.

    >>> boxes = np.array([[0.0, 0, 9, 9], [0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])
    >>> nms_of_best(boxes, np.array([4.0, 3, 2, 1]), 0.5, 2).tolist()
    [0, 2]
    """
    count = 2 * most
    while True:
        kept = nms(boxes[:count], scores[:count], iou_threshold)
        if len(kept) >= most or count >= len(boxes):
            return kept[:most]
        count *= 2


def as_picture(image: np.ndarray) -> Image.Image:
    """(3, H, W) float in 0..1 -> Pillow's picture of 8 bits, which it resizes fast.

    >>> as_picture(np.ones((3, 2, 4), np.float32)).size
    (4, 2)
    """
    pixels = np.floor(image.transpose(1, 2, 0) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))  # (H, W, 3)


def resized(picture: Image.Image, width: int, height: int) -> np.ndarray:
    """A smaller version of a picture, (height, width, 3) uint8: each pixel is a mean of several.

    >>> resized(as_picture(np.ones((3, 20, 40), np.float32)), 4, 3).shape
    (3, 4, 3)
    """
    # The gap lets a plain mean of whole blocks do most of the shrinking.
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))
