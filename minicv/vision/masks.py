"""Instance masks: bool (N, H, W), one plane for each object."""

from __future__ import annotations

from minicv.backend import Array, xp_of
from minicv.backend.parallel import split

BLOCK_PIXELS = 1 << 22  # of all masks in a block: 16 MB of float32


def masks_to_boxes(masks: Array) -> Array:
    """The tightest box around each mask.

    Boxes are half-open: a mask of the one pixel in column 3, row 5 has the box (3, 5, 4, 6).

    Args:
        masks: (N, H, W) bool.

    Returns:
        (N, 4) float32, pixels. A mask without any pixel, as a crop may leave it, gives the
        degenerate box (0, 0, 0, 0), which `remove_small_boxes` leaves out.

    Raises:
        ValueError: ``masks`` is not (N, H, W).

    >>> import numpy as np
    >>> masks = np.zeros((2, 8, 8), dtype=bool)
    >>> masks[0, 5, 3] = True
    >>> masks_to_boxes(masks).tolist()
    [[3.0, 5.0, 4.0, 6.0], [0.0, 0.0, 0.0, 0.0]]
    """
    if masks.ndim != 3:
        raise ValueError(
            f"masks_to_boxes: masks expects shape (N, H, W) but has shape {tuple(masks.shape)}; "
            "a single mask is masks[None]"
        )
    xp = xp_of(masks)
    if masks.size == 0:
        return xp.zeros((len(masks), 4), dtype=xp.float32)
    x1, x2 = _first_and_end(masks.any(axis=1))  # (N, H, W) -> (N, W)
    y1, y2 = _first_and_end(masks.any(axis=2))  # (N, H, W) -> (N, H)
    boxes = xp.stack([x1, y1, x2, y2], axis=1)
    return xp.where(masks.any(axis=(1, 2))[:, None], boxes, 0).astype(xp.float32)


def mask_iou(masks1: Array, masks2: Array) -> Array:
    """Intersection over union of every pair of masks: ``|A n B| / |A u B|``.

    The pixels that two masks share are the product of the masks, summed: one product of matrices,
    of a block of pixels at a time. For masks on the host `minicv.vision.mask_runs` is faster, and
    keeps less.

    Args:
        masks1: (M, H, W) bool.
        masks2: (N, H, W) bool, of the same H and W.

    Returns:
        (M, N) float64, from 0 to 1. A pair with an empty mask gives 0, two empty masks included.

    Raises:
        ValueError: an argument is not (N, H, W), or the two differ in H or W.
        TypeError: an argument is not bool.

    >>> import numpy as np
    >>> masks = np.zeros((2, 4, 4), dtype=bool)
    >>> masks[0, :, :2] = masks[1, :, 1:] = True
    >>> mask_iou(masks, masks).tolist()
    [[1.0, 0.25], [0.25, 1.0]]
    """
    xp = xp_of(masks1, masks2)
    for name, masks in (("masks1", masks1), ("masks2", masks2)):
        if masks.ndim != 3:
            raise ValueError(
                f"mask_iou: {name} expects shape (N, H, W) but has shape {tuple(masks.shape)}; a "
                "single mask is masks[None]"
            )
        if masks.dtype != bool:
            raise TypeError(f"mask_iou: {name} expects bool but has dtype {masks.dtype}")
    if masks1.shape[1:] != masks2.shape[1:]:
        raise ValueError(
            f"mask_iou: masks1 are of {tuple(masks1.shape[1:])} and masks2 of "
            f"{tuple(masks2.shape[1:])} (height, width); expected one size"
        )
    height, width = masks1.shape[1:]
    flat1, flat2 = (masks.reshape(len(masks), height * width) for masks in (masks1, masks2))
    shared = xp.zeros((len(masks1), len(masks2)), dtype=xp.float64)
    for pixels in split(height * width, BLOCK_PIXELS // max(1, len(masks1) + len(masks2))):
        # Whole numbers of at most 2^22 are exact in float32.
        shared += flat1[:, pixels].astype(xp.float32) @ flat2[:, pixels].astype(xp.float32).T
    area1, area2 = flat1.sum(axis=1), flat2.sum(axis=1)
    union = area1[:, None] + area2 - shared
    return shared / xp.maximum(union, 1)


def _first_and_end(occupied: Array) -> tuple[Array, Array]:
    """(N, L) bool -> index of the first True, and one past the last."""
    length = occupied.shape[1]
    return occupied.argmax(axis=1), length - occupied[:, ::-1].argmax(axis=1)
