"""A picture on a ground: everything keeps its place on the picture."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.transforms.ground import lay_on_ground
from minicv.vision.label_maps import VOID


def test_everything_moves_together():
    image, target = make_scene()
    before = snapshot(image, target)
    ground, labels = lay_on_ground(image, target, 5, 9, 40, 50, fill=0.25)
    assert_unchanged(image, target, before)
    assert_consistent(ground, labels)
    np.testing.assert_array_equal(ground[:, 5:29, 9:45], image)
    np.testing.assert_array_equal(labels["segmentation"][5:29, 9:45], target["segmentation"])
    np.testing.assert_array_equal(labels["boxes"], target["boxes"] + [9, 5, 9, 5])
    np.testing.assert_array_equal(labels["keypoints"], target["keypoints"] + [9, 5, 0])
    around = labels["segmentation"] == VOID
    assert around.sum() == 40 * 50 - 24 * 36
    np.testing.assert_array_equal(ground[:, around], 0.25)
    assert not labels["masks"][:, around].any()


def test_a_class_for_the_ground_and_small_dtypes():
    target = {"segmentation": np.array([[1]], np.uint8)}
    _, labels = lay_on_ground(np.ones((3, 1, 1), np.float32), target, 0, 0, 1, 2, fill_class=7)
    assert labels["segmentation"].tolist() == [[1, 7]]
    assert labels["segmentation"].dtype == np.uint8


@pytest.mark.parametrize("place", [(-1, 0, 30, 40), (0, 5, 24, 40), (7, 0, 30, 36), (0, 0, 9, 99)])
def test_a_ground_too_small(place):
    with pytest.raises(ValueError, match="do not lie on a ground of"):
        lay_on_ground(*make_scene(), *place)
