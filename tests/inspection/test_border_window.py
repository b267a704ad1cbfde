import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection import border_window
from minicv.metrics.boundary_iou import boundary_band
from minicv.vision.label_maps import VOID


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.integers(1, 10))
def test_no_window_has_more_pixels_at_borders(seed, height, width, side):
    labels = np.random.default_rng(seed).integers(0, 2, (height, width))
    labels = np.where(np.random.default_rng(seed + 1).random(labels.shape) < 0.2, VOID, labels)
    near = boundary_band(labels, 1) != VOID
    rows, columns = border_window(labels, side)
    own_height, own_width = min(side, height), min(side, width)
    found = near[rows, columns]
    assert found.shape == (own_height, own_width)
    counts = [
        near[top : top + own_height, left : left + own_width].sum()
        for top in range(height - own_height + 1)
        for left in range(width - own_width + 1)
    ]
    assert found.sum() == max(counts)
    first = int(np.argmax(counts))
    assert (rows.start, columns.start) == divmod(first, width - own_width + 1)


def test_one_class_has_no_borders_and_the_first_window_is_taken():
    assert border_window(np.zeros((5, 5), int), 2) == (slice(0, 2), slice(0, 2))


def test_refuses():
    with pytest.raises(ValueError, match="border_window: side is 0, expected at least 1 pixel"):
        border_window(np.zeros((5, 5), int), 0)
