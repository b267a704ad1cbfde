"""Where to look closely: the square of a label map with the longest borders."""

from __future__ import annotations

import numpy as np

from minicv.metrics.boundary_iou import boundary_band
from minicv.vision.label_maps import VOID


def border_window(label_map: np.ndarray, side: int) -> tuple[slice, slice]:
    """Rows and columns of the square in which most pixels touch a pixel of another class.

    The first of equals in reading order. Cut image and label maps alike, and draw them enlarged:
    ``image[:, rows, columns]``, ``label_map[rows, columns]``.

    Args:
        label_map: (H, W), labels or `VOID`, whose edge is no border.
        side: of the square in pixels; cut to the label map.

    Raises:
        ValueError: a side below 1.

    >>> labels = np.zeros((6, 8), int)
    >>> labels[4, 6] = 1
    >>> border_window(labels, 3)
    (slice(3, 6, None), slice(5, 8, None))
    """
    if side < 1:
        raise ValueError(f"border_window: side is {side}, expected at least 1 pixel")
    near = boundary_band(label_map, distance=1) != VOID  # (H, W)
    height, width = (min(side, length) for length in near.shape)
    # Sums over all windows from running sums: of rows, then of columns.
    total = np.pad(near.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = total[height:] - total[:-height]  # (H - height + 1, W + 1)
    counts = rows[:, width:] - rows[:, :-width]  # (H - height + 1, W - width + 1)
    top, left = (int(place) for place in np.unravel_index(counts.argmax(), counts.shape))
    return slice(top, top + height), slice(left, left + width)
