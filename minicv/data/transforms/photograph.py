"""What transforms expect of a picture: (C, H, W) floating-point numbers, and colours in 0..1."""

from __future__ import annotations

import numpy as np

_SLACK = 1e-3  # by which the rounding of earlier steps may leave 0..1


def check_photograph(name: str, image: object, unit_range: bool = False) -> None:
    """Refuse what is no picture of this library, and say what to write.

    Args:
        name: of the transform, with which the message begins.
        image: should be (C, H, W) of floating-point numbers.
        unit_range: whether its numbers must lie in 0..1 too, because colours are changed.

    Raises:
        TypeError: no array.
        ValueError: another number of axes, whole numbers, or numbers outside of 0..1.

    >>> check_photograph("resize", np.zeros((3, 4, 5), np.uint8))
    Traceback (most recent call last):
    ...
    ValueError: resize: the image is uint8, expected floating-point numbers in 0..1; divide by 255
    """
    if not hasattr(image, "shape") or not hasattr(image, "dtype"):
        raise TypeError(
            f"{name}: the image is a {type(image).__name__}, expected an array (C, H, W); read a "
            "file with read_image"
        )
    array: np.ndarray = image  # type: ignore[assignment]
    shape = tuple(array.shape)
    if len(shape) != 3:
        hint = "; take one image of a batch" if len(shape) == 4 else ""
        raise ValueError(f"{name}: the image has the shape {shape}, expected (C, H, W){hint}")
    if array.dtype.kind != "f":
        advice = {1: "255", 2: "65535"}.get(array.dtype.itemsize, "the largest number")
        hint = f"; divide by {advice}" if array.dtype.kind in "iu" else ""
        raise ValueError(
            f"{name}: the image is {array.dtype}, expected floating-point numbers in 0..1{hint}"
        )
    if shape[0] not in (1, 3) and shape[2] in (1, 3, 4):
        raise ValueError(
            f"{name}: the image has the shape {shape}, expected (C, H, W), channels first; write "
            "image.transpose(2, 0, 1)"
        )
    if unit_range and array.size:
        low, high = float(array.min()), float(array.max())
        if not (low >= -_SLACK and high <= 1 + _SLACK):  # a comparison with NaN is False
            hint = "; divide by 255" if 1 < high <= 255 and low >= 0 else ""
            raise ValueError(
                f"{name}: the image holds numbers of {low:g}..{high:g}, expected 0..1{hint}"
            )
