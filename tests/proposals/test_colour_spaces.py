"""Colour spaces: the standard library's HSV, published Lab values, what light must leave alone."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.colour_spaces import (
    COLOUR_SPACES,
    hsv,
    hue,
    intensity,
    lab,
    normalised_rg_and_intensity,
)

LEVELS = st.integers(0, 255)
COLOURS = st.lists(st.tuples(LEVELS, LEVELS, LEVELS), min_size=1, max_size=20)


def as_image(colours):
    """A list of 8-bit colours as an image of one row."""
    return (np.array(colours, dtype=np.float32).T / 255)[:, None]  # (3, 1, N)


@given(COLOURS)
def test_hsv_is_the_standard_librarys(colours):
    found = hsv(as_image(colours))[:, 0].T
    expected = [colorsys.rgb_to_hsv(*(np.array(colour) / 255)) for colour in colours]
    # Hue goes round: 0.99999 and 0 are the same.
    difference = np.abs(found - np.array(expected))
    difference[:, 0] = np.minimum(difference[:, 0], 1 - difference[:, 0])
    assert difference.max() < 1e-5


@given(COLOURS)
def test_every_channel_of_every_space_is_within_0_and_1(colours):
    image = as_image(colours)
    for name, space in COLOUR_SPACES.items():
        channels = space(image)
        assert channels.dtype == np.float32 and channels.shape[1:] == image.shape[1:]
        assert channels.min() >= -1e-5 and channels.max() <= 1 + 1e-5, name


@pytest.mark.parametrize(
    ("colour", "expected"),
    [  # CIE L*a*b* of sRGB's corners under D65
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((128, 128, 128), (53.59, 0.0, 0.0)),
        ((5, 5, 5), (1.37, 0.0, 0.0)),  # on the straight part of both curves
    ],
)
def test_lab_of_known_colours(colour, expected):
    lightness, a, b = lab(as_image([colour]))[:, 0, 0].astype(float)
    assert (100 * lightness, 255 * a - 128, 255 * b - 128) == pytest.approx(expected, abs=0.05)


@given(COLOURS, st.sampled_from([0.25, 0.5]))
def test_shadow_changes_intensity_alone(colours, light):
    image = as_image(colours)
    bright, dark = (normalised_rg_and_intensity(x) for x in (image, image * np.float32(light)))
    np.testing.assert_allclose(bright[:2], dark[:2], atol=1e-5)
    np.testing.assert_allclose(bright[2] * light, dark[2], atol=1e-5)
    np.testing.assert_allclose(hue(image), hue(image * np.float32(light)), atol=1e-5)
    np.testing.assert_allclose(
        intensity(image) * light, intensity(image * np.float32(light)), atol=1e-5
    )


def test_shares_are_the_colours_over_their_sum():
    found = normalised_rg_and_intensity(as_image([(30, 60, 90), (0, 0, 0)]))[:, 0].T
    np.testing.assert_allclose(found, [[1 / 6, 1 / 3, 60 / 255], [1 / 3, 1 / 3, 0]], rtol=1e-5)
