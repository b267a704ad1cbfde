"""A data set seen through a transform."""

import copy

import numpy as np
import pytest

from minicv.data import Cached, Farmyard, Transformed
from minicv.data.transforms import RandomHorizontalFlip, Resize


def test_every_sample_once_it_is_asked_for():
    seen = []

    def doubled(image, target, rng):
        seen.append(target["image_id"])
        assert rng is None
        return 2 * image, target

    scenes = Farmyard(3, size=(32, 40), seed=2)
    through = Transformed(scenes, doubled)
    assert len(through) == 3 and seen == []
    image, target = through[2]
    np.testing.assert_array_equal(image, 2 * scenes[2][0])
    assert seen == [scenes[2][1]["image_id"]] == [target["image_id"]]


def test_kept_after_the_transform():
    small = Cached(Transformed(Farmyard(2, size=(64, 80)), Resize(16)))
    assert small[1][0].shape == (3, 16, 20) and small[1][0] is small[1][0]
    assert small[1][1]["segmentation"].shape == (16, 20)


def test_what_describes_the_set_passes_through():
    scenes = Farmyard(4, size=(32, 32))
    through = Transformed(scenes, Resize(16))
    assert through.segmentation_classes == scenes.segmentation_classes
    assert copy.deepcopy(through).classes == scenes.classes
    with pytest.raises(AttributeError):
        _ = through.no_such_thing


def test_a_transform_that_needs_chance_says_so():
    with pytest.raises(ValueError, match="rng is None"):
        _ = Transformed(Farmyard(1, size=(32, 32)), RandomHorizontalFlip())[0]
