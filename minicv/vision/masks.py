"""Instance masks: bool (N, H, W), one plane for each object."""

from __future__ import annotations

from minicv.backend import Array, xp_of


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


def _first_and_end(occupied: Array) -> tuple[Array, Array]:
    """(N, L) bool -> index of the first True, and one past the last."""
    length = occupied.shape[1]
    return occupied.argmax(axis=1), length - occupied[:, ::-1].argmax(axis=1)
