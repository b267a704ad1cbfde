"""Colours of classes: distinct, stable, readable, and unlike photograph and void."""

import itertools

import numpy as np
import pytest

from minicv.data import CamVid, Farmyard
from minicv.inspection.palette import (
    BLACK,
    CLASS_COLOURS,
    WHITE,
    class_colour,
    class_palette,
    perceived,
    relative_luminance,
    text_colour_on,
)


def test_twenty_one_classes_have_different_colours():
    assert len({class_colour(label) for label in range(21)}) == 21


def test_colours_of_any_label_are_bytes():
    assert all(0 <= part <= 255 for label in range(100) for part in class_colour(label))


@pytest.mark.parametrize("label", range(21))
def test_text_on_a_plate_is_readable(label):
    colour = class_colour(label)
    one, other = relative_luminance(colour), relative_luminance(text_colour_on(colour))
    contrast = (max(one, other) + 0.05) / (min(one, other) + 0.05)
    assert contrast >= 4.5  # level AA of the Web Content Accessibility Guidelines


def test_text_is_black_on_white_and_white_on_black():
    assert text_colour_on(WHITE) == BLACK
    assert text_colour_on(BLACK) == WHITE


def test_classes_differ_for_a_reader_without_red_cones():
    """Simulated with the matrix for linear RGB of Viénot, Brettel & Mollon (1999)."""
    protanopia = np.array([[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.004, -0.004, 1]])
    linear = (np.array(CLASS_COLOURS) / 255) ** 2.2
    seen = 255 * np.clip(linear @ protanopia.T, 0, 1) ** (1 / 2.2)
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 25


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
