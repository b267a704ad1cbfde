"""Warping: the pixels of every box, stretched to a square of one size, the input of a ConvNet."""

from __future__ import annotations

import numpy as np

from minicv.backend.parallel import parallel_for, split
from minicv.vision.boxes import as_float_boxes, as_wide_floats

BOXES_IN_BLOCK = 16  # which one thread warps


def warp_boxes(image: np.ndarray, boxes: np.ndarray, size: int, context: int = 16) -> np.ndarray:
    """Each box and what lies around it, stretched to ``size`` x ``size`` pixels.

    The box itself is stretched to the inner ``size - 2 context`` pixels of the result, in height
    and width independently, so an even frame of context remains around it whatever its shape.
    Pixel j of the result stands for the place ::

        x = x1 + (j + 1/2 - context) (x2 - x1) / (size - 2 context)

    of the image, where pixel k covers k to k + 1, and is interpolated linearly between the pixel
    centres to the left and right of x; rows likewise. Outside of the image the result is 0, so the
    image should be normalised: its mean colour is then 0.

    Args:
        image: (C, H, W), floating point.
        boxes: (R, 4), pixels; may reach out of the image. R may be 0.
        size: side of the result.
        context: pixels of the result on each side of the box.

    Returns:
        (R, C, size, size) in the dtype of the image, for float16 in float32.

    Raises:
        ValueError: a shape is wrong, the image is empty, or the context leaves no room for the box.

    Source: Girshick et al., "Rich feature hierarchies" (2014), section 2.1 and appendix A.

    >>> image = np.arange(16.0).reshape(1, 4, 4)
    >>> warp_boxes(image, np.array([[2.0, 0.0, 4.0, 2.0]]), 4, context=1)[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 0.0], [5.0, 6.0, 7.0, 0.0], [9.0, 10.0, 11.0, 0.0]]
    """
    boxes = as_float_boxes(boxes, "warp_boxes", "boxes")
    if image.ndim != 3 or image.size == 0 or image.dtype.kind != "f":
        raise ValueError(
            "warp_boxes: image expects floats of shape (C, H, W) with at least one pixel but is "
            f"{image.dtype} of shape {image.shape}"
        )
    if context < 0 or 2 * context >= size:
        raise ValueError(
            f"warp_boxes: context={context} pixels on each side leave no room for the box in "
            f"size={size}; expected 0 <= 2 context < size"
        )
    image = as_wide_floats(image, "warp_boxes", "image")
    channels, height, width = image.shape
    top, bottom, of_top, of_bottom = _neighbours(boxes[:, 1::2], height, size, context, image.dtype)
    left, right, of_left, of_right = _neighbours(boxes[:, 0::2], width, size, context, image.dtype)
    result = np.empty((len(boxes), channels, size, size), image.dtype)

    def warp(some: slice) -> None:
        for r in range(some.start, some.stop):
            # First between rows, in those columns that the box needs; then between columns.
            first = left[r, 0]
            columns = image[:, :, first : right[r, -1] + 1]  # (C, H, W) -> (C, H, w)
            rows = columns.take(top[r], axis=1) * of_top[r, :, None]  # -> (C, S, w)
            rows += columns.take(bottom[r], axis=1) * of_bottom[r, :, None]
            np.multiply(rows.take(left[r] - first, axis=2), of_left[r], out=result[r])
            result[r] += rows.take(right[r] - first, axis=2) * of_right[r]  # -> (C, S, S)

    parallel_for(warp, split(len(boxes), BOXES_IN_BLOCK))
    return result


def _neighbours(
    sides: np.ndarray, length: int, size: int, context: int, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(R, 2) first and last side -> for each of ``size`` samples the two pixels, and their weights.

    All are (R, size). Both weights are 0 where the sample lies outside of the image.
    """
    start, end = sides.astype(np.float64).T[:, :, None]  # (R, 1) each
    steps = (np.arange(size) + 0.5 - context) / (size - 2 * context)
    place = start + steps * (end - start)
    inside = (place >= 0) & (place < length)
    place = np.clip(place - 0.5, 0, length - 1)  # in pixel centres
    before = np.floor(place).astype(np.int64)
    after = np.minimum(before + 1, length - 1)
    share = place - before
    return before, after, ((1 - share) * inside).astype(dtype), (share * inside).astype(dtype)
