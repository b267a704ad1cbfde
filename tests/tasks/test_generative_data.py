"""Size and channels measured on the training pictures."""

import numpy as np
import pytest

from minicv.models.generative import PictureSettings
from minicv.tasks.generative_data import are_grey, measured


def pictures(side, colour=False, number=3):
    image = np.full((3, side, side + 5), 0.5)
    image[0, 0, 0] = 0.25 if colour else 0.5
    return [(image, {})] * number


@pytest.mark.parametrize(
    ("side", "size"), [(1, 28), (28, 28), (29, 32), (32, 32), (33, 64), (300, 64)]
)
def test_the_size_follows_the_shorter_side(side, size):
    assert measured(PictureSettings(), pictures(side)) == PictureSettings(size, 1)


def test_one_coloured_pixel_makes_the_set_coloured():
    dataset = pictures(28, number=299) + pictures(28, colour=True, number=1)
    assert measured(PictureSettings(), pictures(28, True)).channels == 3
    assert are_grey(dataset[:299]) and not are_grey(dataset[100:])


def test_what_the_settings_have_is_kept():
    settings = PictureSettings(40, 3)
    assert measured(settings, pictures(28)) == settings


def test_an_empty_set_tells_nothing():
    assert measured(PictureSettings(), []) == PictureSettings()
