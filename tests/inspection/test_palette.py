import itertools

import numpy as np
import pytest

from minicv.inspection.palette import (
    BLACK,
    CLASS_COLOURS,
    WHITE,
    class_colour,
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
