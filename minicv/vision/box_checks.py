"""Whether an array of boxes is what it says: its shape, and the boxes themselves."""

from __future__ import annotations

from minicv.backend import Array, to_numpy, xp_of


def validate_boxes(
    boxes: Array, size: tuple[float, float] | None = None, *, source: str = "boxes"
) -> None:
    """Raise unless every box is finite, has x2 > x1 and y2 > y1, and lies within the image.

    For the door of the house: readers of annotations and ``loss`` call it, so that a degenerate box
    is named where it comes from and not met as a NaN in a loss.

    Args:
        boxes: (N, 4), pixels.
        size: ``(height, width)`` of the image; None passes over the check against the border.
        source: what the message begins with, such as the file and the field.

    Raises:
        ValueError: the first box at fault, with its index and what is wrong.

    >>> import numpy as np
    >>> validate_boxes(np.zeros((0, 4)))
    >>> validate_boxes(np.array([[5.0, 1.0, 5.0, 4.0]]), source="cow.xml: bndbox")
    Traceback (most recent call last):
    ...
    ValueError: cow.xml: bndbox: box 0 is (5, 1, 5, 4), which has no width; expected x1, y1, x2, ...
    """
    rows = to_numpy(as_float_boxes(boxes, "validate_boxes", source)).tolist()
    for index, box in enumerate(rows):
        fault = _fault_of(box, size)
        if fault is not None:
            numbers = ", ".join(f"{value:g}" for value in box)
            raise ValueError(
                f"{source}: box {index} is ({numbers}), which {fault}; expected x1, y1, x2, y2 in "
                "pixels with x1 < x2 and y1 < y2 (not x, y, width, height): correct or drop it"
            )


def as_float_boxes(boxes: Array, operation: str, argument: str) -> Array:
    """``boxes`` checked to be (N, 4), and as floating point: integers become float64.

    Args:
        boxes: what came.
        operation, argument: names for the message.

    Raises:
        ValueError: the shape is not (N, 4).

    >>> import numpy as np
    >>> as_float_boxes(np.array([[1, 2, 3, 4]]), "box_area", "boxes").dtype.name
    'float64'
    """
    xp = xp_of(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{operation}: {argument} expects shape (N, 4) as x1, y1, x2, y2 but has shape "
            f"{tuple(boxes.shape)}; no boxes at all are numpy.zeros((0, 4))"
        )
    return boxes if boxes.dtype.kind == "f" else boxes.astype(xp.float64)


def check_last_axis(boxes: Array, operation: str, argument: str) -> None:
    """Raise unless the last axis holds the four numbers of a box, whatever stands before it.

    Args:
        boxes: what came.
        operation, argument: names for the message.

    Raises:
        ValueError: the shape is not (..., 4).

    >>> import numpy as np
    >>> check_last_axis(np.zeros((2, 3, 4)), "clip_boxes_to_image", "boxes")
    """
    if boxes.ndim < 1 or boxes.shape[-1] != 4:
        raise ValueError(
            f"{operation}: {argument} expects shape (..., 4) as x1, y1, x2, y2 but has shape "
            f"{tuple(boxes.shape)}"
        )


def _fault_of(box: list[float], size: tuple[float, float] | None) -> str | None:
    x1, y1, x2, y2 = box
    if not all(abs(value) < float("inf") for value in box):  # false for NaN as well
        return "is not finite"
    if x2 <= x1:
        return "has no width"
    if y2 <= y1:
        return "has no height"
    if size is not None and (x1 < 0 or y1 < 0 or x2 > size[1] or y2 > size[0]):
        return f"leaves the image of height {size[0]:g} and width {size[1]:g}"
    return None
