"""The door of all functions that look at a picture: its channels are floats in 0..1."""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, to_numpy

BEYOND = 0.01  # by which a number may lie beyond 0..1: rounding of a resize, or of a colour space


def checked_channels(image: Array, operation: str, channels: int | None = None) -> np.ndarray:
    """The image as a contiguous float32 array on the host; refuses what is no picture.

    Whole numbers are refused, not widened: nobody could tell whether 1 is white or nearly black,
    and in 8 bits the difference of two neighbours wraps around.

    Args:
        image: (C, H, W), float in 0..1.
        operation: what the message begins with.
        channels: C, or None for any number.

    Raises:
        ValueError: another shape, no pixels, whole numbers, NaN or infinite values, or values
            beyond 0..1. The message says what to write instead.

    >>> checked_channels(np.zeros((3, 2, 5)), "doctest").dtype
    dtype('float32')
    >>> checked_channels(np.zeros((3, 2, 5), np.uint8), "felzenszwalb")
    Traceback (most recent call last):
    ValueError: felzenszwalb: image expects floats in 0..1 but has dtype uint8; divide an 8-bit
    image by 255: image / 255
    """
    image = to_numpy(image)
    wanted = f"({channels or 'C'}, H, W)"
    if image.ndim != 3 or channels not in (None, image.shape[0]) or image.size == 0:
        hint = "; a grey image needs a channel, image[None]" if image.ndim == 2 else ""
        raise ValueError(
            f"{operation}: image expects the shape {wanted} with at least one pixel but has "
            f"{image.shape}{hint}"
        )
    if image.dtype.kind != "f":
        hint = ""
        if image.dtype.kind in "iu":
            white = 65535 if image.dtype == np.uint16 else 255
            bits = "a 16" if white > 255 else "an 8"
            hint = f"; divide {bits}-bit image by {white}: image / {white}"
        raise ValueError(
            f"{operation}: image expects floats in 0..1 but has dtype {image.dtype}{hint}"
        )
    least, most = float(image.min()), float(image.max())
    if not np.isfinite(least + most):
        raise ValueError(f"{operation}: image holds NaN or infinite values")
    if least < -BEYOND or most > 1 + BEYOND:
        hint = "; divide an image of 0..255 by 255" if least >= 0 and most <= 255 else ""
        raise ValueError(
            f"{operation}: image expects floats in 0..1 but has numbers from {least:.4g} to "
            f"{most:.4g}{hint}"
        )
    return np.ascontiguousarray(image, dtype=np.float32)
