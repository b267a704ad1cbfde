"""draw_feature_map: cells lie where the stride says, whatever the number of channels."""

import numpy as np
import pytest

from minicv.inspection import draw_feature_map


def test_the_strong_cell_is_bright_where_it_looks():
    features = np.zeros((4, 8, 16))
    features[:, 2, 5] = -3.0
    picture = np.asarray(draw_feature_map(np.full((3, 256, 512), 0.5, np.float32), features, 32))
    warm = picture[:, 28:540, 0].astype(int) - picture[:, 28:540, 2]
    row, column = np.unravel_index(warm.argmax(), warm.shape)
    first = np.flatnonzero((picture[:, 30] != 255).any(axis=1))[-1] - 255  # the image's first row
    assert 5 * 32 <= column < 6 * 32 and 2 * 32 <= row - first < 3 * 32


@pytest.mark.parametrize("channels", [1, 5, 40])
def test_any_number_of_channels(channels):
    draw_feature_map(np.zeros((3, 20, 30), np.float32), np.zeros((channels, 3, 4)), 8)


def test_an_empty_map_is_refused():
    with pytest.raises(ValueError, match="at least one value"):
        draw_feature_map(np.zeros((3, 20, 30), np.float32), np.zeros((4, 0, 4)), 8)
