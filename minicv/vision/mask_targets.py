"""What a mask head should predict: the part of an object's mask that lies in a region's box."""

from __future__ import annotations

import numpy as np

from minicv.backend import Array, to_numpy, xp_of
from minicv.backend.parallel import parallel_for, split
from minicv.vision.boxes import as_float_boxes

_BOXES_IN_BLOCK = 8  # which one thread projects


def resize_masks(masks: Array, height: int, width: int) -> Array:
    """Masks of a resized image: each new pixel takes the old one at its upper left corner.

    New row i is old row ``floor(i H / height)``, columns likewise, computed in float32: PyTorch's
    "nearest", which published detectors learnt with. It lies up to half a pixel to the upper left
    of the resized image.

    Args:
        masks: (G, H, W), with at least one pixel. G may be 0.
        height, width: size of the resized image, pixels.

    Returns:
        (G, height, width) in the dtype of the masks.

    Raises:
        ValueError: ``masks`` is not (G, H, W) or has no pixel, or a size is below one.

    >>> resize_masks(np.array([[[True, False, True]]]), 2, 2).tolist()
    [[[True, False], [True, False]]]
    """
    _check_masks("resize_masks", masks)
    if height < 1 or width < 1:
        raise ValueError(
            f"resize_masks: the resized masks have {height} x {width} pixels; expected at least one"
        )
    xp = xp_of(masks)
    rows, columns = (
        xp.asarray(_nearest(old, new))
        for old, new in zip(masks.shape[1:], (height, width), strict=True)
    )
    return masks[:, rows][:, :, columns]  # (G, H, W) -> (G, height, W) -> (G, height, width)


def mask_targets(
    masks: Array, matched: Array, boxes: Array, size: int, *, aligned: bool = True
) -> Array:
    """The mask of each region's object as the region sees it: RoIAlign on the mask.

    The box is cut into ``size`` x ``size`` bins. A bin is the mean of the mask at evenly spaced
    points, about one for each pixel: how much of the bin the object covers. See
    `minicv.functional.roi_align` for the points; there this is sampling_ratio=-1. Along rows and
    columns the means are independent, so that a target is a product of three small matrices, and
    only the box's window of the mask is read. The work is done on the host; so masks of a data set
    are best left there.

    Args:
        masks: (G, H, W) bool, or how much of each pixel is covered.
        matched: (P,) whole numbers, which mask belongs to a region.
        boxes: (P, 4) the regions, pixels, clipped to the image. P may be 0, G as well then.
        size: M.
        aligned: whether a pixel's value stands at its centre, as it does; False is the paper's
            RoIAlign, half a pixel off, for weights that were trained with it. There a box has at
            least 1 x 1 pixels; with True a degenerate box gives 0.

    Returns:
        (P, M, M) float32, 0 to 1, on the device of the boxes. Outside of the image a mask is 0.

    Raises:
        ValueError: a shape does not fit, a box is not finite, or a number names no mask.

    Source: He et al., "Mask R-CNN" (2017), sections 3 and 3.1.

    >>> mask = np.zeros((1, 4, 4), dtype=bool)
    >>> mask[0, 1:3, 1:3] = True
    >>> mask_targets(mask, np.array([0]), np.array([[1.0, 0.0, 3.0, 4.0]]), 2).tolist()
    [[[0.5, 0.5], [0.5, 0.5]]]
    """
    _check_masks("mask_targets", masks, allow_empty=True)
    corners = to_numpy(as_float_boxes(boxes, "mask_targets", "boxes")).astype(np.float64)
    numbers = to_numpy(matched)
    if numbers.shape != (len(corners),):
        raise ValueError(
            f"mask_targets: matched expects one number for each of {len(corners)} boxes but has "
            f"shape {numbers.shape}"
        )
    if not np.isfinite(corners).all():
        raise ValueError("mask_targets: boxes expects finite numbers but holds NaN or infinity")
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(masks):
        raise ValueError(
            f"mask_targets: matched expects numbers of the {len(masks)} masks, 0 to "
            f"{len(masks) - 1}, but holds {numbers.min()} to {numbers.max()}"
        )
    planes = to_numpy(masks)
    height, width = planes.shape[1:]
    targets = np.empty((len(corners), size, size), np.float32)

    def project(some: slice) -> None:
        for p in range(some.start, some.stop):
            x1, y1, x2, y2 = corners[p]
            top, of_rows = _means(y1, y2, size, height, aligned)  # (M, h)
            left, of_columns = _means(x1, x2, size, width, aligned)  # (M, w)
            window = planes[numbers[p], top : top + of_rows.shape[1]]
            window = window[:, left : left + of_columns.shape[1]].astype(np.float32)  # (h, w)
            targets[p] = of_rows @ window @ of_columns.T  # -> (M, M)

    parallel_for(project, split(len(corners), _BOXES_IN_BLOCK))
    return xp_of(boxes).asarray(targets)


def _means(
    start: float, end: float, bins: int, length: int, aligned: bool
) -> tuple[int, np.ndarray]:
    """Weights (bins, n) of the n pixels from the first on, and the first, along one side."""
    if aligned:
        start, end = start - 0.5, end - 0.5
    else:
        end = max(end, start + 1)
    bin_size = (end - start) / bins
    samples = max(int(np.ceil(bin_size)), 0)  # in each bin
    steps = np.arange(bins)[:, None] + (np.arange(samples) + 0.5) / max(samples, 1)  # (bins, S)
    places = start + steps * bin_size
    inside = (places >= -1) & (places <= length)
    if not inside.any():
        return 0, np.zeros((bins, 0), np.float32)
    places = np.clip(places, 0, length - 1)
    before = np.floor(places).astype(np.int64)
    after = np.minimum(before + 1, length - 1)
    first = int(before[inside].min())
    count = int(after[inside].max()) + 1 - first
    # Position (i, k) of the weights stands at i * count + k; each sample adds to two of them.
    row = np.broadcast_to(np.arange(bins)[:, None] * count - first, places.shape)
    share = places - before
    chosen = np.concatenate([(row + before)[inside], (row + after)[inside]])
    values = np.concatenate([(1 - share)[inside], share[inside]]) / samples
    weights = np.bincount(chosen, values, minlength=bins * count)
    return first, weights.reshape(bins, count).astype(np.float32)


def _nearest(old: int, new: int) -> np.ndarray:
    """(new,) the old position that each new one takes."""
    # i * (old / new) in float32 can end just below a whole number, and PyTorch's does.
    places = np.arange(new, dtype=np.float32) * (np.float32(old) / np.float32(new))
    return np.minimum(np.floor(places).astype(np.int64), old - 1)


def _check_masks(operation: str, masks: Array, allow_empty: bool = False) -> None:
    if masks.ndim != 3 or (0 in masks.shape[1:] and not (allow_empty and len(masks) == 0)):
        raise ValueError(
            f"{operation}: masks expects shape (G, H, W) with at least one pixel but has shape "
            f"{tuple(masks.shape)}"
        )
