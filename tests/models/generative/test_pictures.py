"""Pictures as squares: sizes, grey and colour, what lies beyond 0..1, wrong settings."""

import numpy as np
import pytest

from minicv.models.generative import PictureSettings, as_rgb, as_squares


def test_a_picture_of_the_right_size_is_taken_as_it_is():
    image = np.random.default_rng(0).random((3, 5, 5), np.float32)
    assert np.array_equal(as_squares([image], 5, 3)[0], image)


def test_grey_is_the_mean_of_the_colours_and_halving_is_the_mean_of_four():
    image = np.random.default_rng(1).random((3, 2, 2))
    squares = as_squares([image], 1, 1)
    np.testing.assert_allclose(squares, image.mean().reshape(1, 1, 1, 1), rtol=1e-6)
    assert squares.dtype == np.float32


def test_pictures_of_different_sizes_become_one_array_in_their_order():
    images = [np.full((3, 4, 9), 0.2), np.full((3, 1, 1), 0.7), np.full((3, 8, 8), 1.004)]
    squares = as_squares(images, 8, 3)
    np.testing.assert_allclose(squares[:, 2, 7, 7], [0.2, 0.7, 1.0], rtol=1e-6)
    assert squares.shape == (3, 3, 8, 8) and squares.max() == 1


def test_no_pictures_are_no_squares():
    assert as_squares([], 4, 1).shape == (0, 1, 4, 4)


def test_rgb_repeats_grey_and_leaves_colour():
    colour = np.random.default_rng(2).random((3, 2, 2))
    assert np.array_equal(as_rgb(colour), colour)
    assert np.array_equal(as_rgb(colour[:1]), np.stack([colour[0]] * 3))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"size": 0}, "size=0; expected at least 1"), ({"channels": 2}, "1 for grey")],
)
def test_wrong_settings_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        PictureSettings(**wrong)
