"""One colour a class: distinct, stable, and none that photograph or void could be taken for."""

import numpy as np
import pytest

from minicv.data import CamVid, Farmyard
from minicv.inspection.class_palette import class_palette, perceived
from minicv.inspection.palette import CLASS_COLOURS


def least_distance(colours):
    seen = perceived(np.array(colours))
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1)
    return apart[np.triu_indices(len(seen), 1)].min()


def test_fewer_classes_have_the_beginning_of_more():
    most = class_palette(255)
    assert len(set(most)) == 255
    for count in (0, 1, 7, 8, 40):
        assert class_palette(count) == most[:count]
    assert most[:7] == CLASS_COLOURS


def test_colours_differ():
    # For scale: black and white are 1 apart, the two nearest of the first seven colours 0.156.
    assert least_distance(class_palette(11)) > 0.15
    assert least_distance(class_palette(21)) > 0.11
    assert least_distance(class_palette(40)) > 0.07
    assert least_distance(Farmyard.segmentation_colors) > 0.14
    assert least_distance(CamVid.segmentation_colors) > 0.1


def test_no_greys_and_none_nearly_black_or_white():
    lightness, *opponents = perceived(np.array(class_palette(255))).T
    assert np.hypot(*opponents).min() > 0.08
    assert lightness.min() > 0.4 and lightness.max() < 0.95


def test_perceived_is_the_published_space():
    """OKLab of the primaries as W3C's CSS Color Module Level 4 has them."""
    expected = [
        [0.62796, 0.22486, 0.12585],
        [0.86644, -0.23389, 0.1795],
        [0.45201, -0.03246, -0.31153],
    ]
    np.testing.assert_allclose(perceived(255 * np.eye(3)), expected, atol=1e-4)


@pytest.mark.parametrize("count", [-1, 256])
def test_refuses(count):
    with pytest.raises(ValueError, match=f"count is {count}, expected"):
        class_palette(count)
