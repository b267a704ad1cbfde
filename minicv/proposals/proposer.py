"""What every method that proposes regions has in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from minicv.backend import Array, to_numpy


class Proposer(Protocol):
    """Looks at a picture and says where there may be objects, of whatever class.

    A proposer is a frozen dataclass whose fields are its parameters, so that its ``repr`` says all
    that its answer depends on beside the picture and the random numbers.
    """

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Boxes that may hold an object, best first.

        Args:
            image: (3, H, W), RGB float in 0..1.
            rng: draws whatever is random; a proposer without chance does not touch it.

        Returns:
            boxes (R, 4), float32, ``x1, y1, x2, y2`` in pixels, half-open, inside of the image and
            not degenerate; scores (R,), float32, not ascending. R may be 0: a picture of one
            pixel, or without any structure, need not hold an object.

        Raises:
            ValueError: the image is not (3, H, W) with at least one pixel, not floating point, or
                not finite.
        """
        ...


def checked_image(image: Array, operation: str) -> np.ndarray:
    """The image as a contiguous float32 array on the host; refuses what is no picture.

    Args:
        image: (3, H, W), RGB float in 0..1.
        operation: who asks, for the message.

    Raises:
        ValueError: another shape, no pixels, whole numbers, NaN or infinite values.

    >>> checked_image(np.zeros((3, 2, 5)), "doctest").dtype
    dtype('float32')
    """
    image = to_numpy(image)
    if image.ndim != 3 or image.shape[0] != 3 or image.size == 0:
        raise ValueError(
            f"{operation}: image expects the shape (3, H, W) with at least one pixel but has "
            f"{image.shape}"
        )
    if image.dtype.kind != "f":
        raise ValueError(
            f"{operation}: image expects floats in 0..1 but has dtype {image.dtype}; divide an "
            "8-bit image by 255"
        )
    if not np.isfinite(image).all():
        raise ValueError(f"{operation}: image holds NaN or infinite values")
    return np.ascontiguousarray(image, dtype=np.float32)


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
    order = np.argsort(-scores, kind="stable")[:most]
    return boxes[order], scores[order]
