"""Mirroring: everything moves together, twice is nothing, left becomes right."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.farmyard import Farmyard
from minicv.data.transforms.flip import RandomHorizontalFlip, hflip
from minicv.data.transforms.joint_names import mirror_permutation
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

LEEDS_SPORTS_FLIP = (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)


def test_everything_is_mirrored():
    image, target = make_scene()
    before = snapshot(image, target)
    flipped, labels = hflip(image, target, (1, 0, 2))
    assert_unchanged(image, target, before)
    assert_consistent(flipped, labels)
    np.testing.assert_array_equal(flipped, image[:, :, ::-1])
    assert labels["boxes"].tolist() == [[24, 6, 32, 18], [2, 2, 16, 10]]
    np.testing.assert_array_equal(labels["masks"], target["masks"][:, :, ::-1])
    np.testing.assert_array_equal(labels["segmentation"], target["segmentation"][:, ::-1])
    # Joint 0 stays the upper left one of its block.
    assert labels["keypoints"][0].tolist() == [[25, 7, 1], [31, 7, 1], [28, 17, 1]]
    assert labels["labels"].tolist() == [3, 1] and labels["image_id"] == "blocks"


def test_twice_gives_everything_back():
    image, target = make_scene()
    again = hflip(*hflip(image, target, (1, 0, 2)), (1, 0, 2))
    assert_unchanged(*again, snapshot(image, target))


def test_farmyard_people_keep_their_left_and_right():
    scenes = Farmyard(1, size=(64, 64), seed=2, objects=(1, 1), only=["person"])
    image, target = scenes[0]
    permutation = mirror_permutation(scenes.joint_names)
    _, flipped = hflip(image, target, permutation)
    old, new = target["keypoints"][0], flipped["keypoints"][0]
    right, left = LEEDS_SPORTS_JOINTS.index("right wrist"), LEEDS_SPORTS_JOINTS.index("left wrist")
    np.testing.assert_allclose(new[right, :2], [64 - old[left, 0], old[left, 1]], rtol=1e-6)


def test_no_instances():
    image = np.zeros((3, 4, 6), np.float32)
    target = {
        "boxes": np.zeros((0, 4), np.float32),
        "masks": np.zeros((0, 4, 6), bool),
        "keypoints": np.zeros((0, 14, 3), np.float32),
    }
    _, labels = hflip(image, target, LEEDS_SPORTS_FLIP)
    assert [labels[key].shape for key in target] == [(0, 4), (0, 4, 6), (0, 14, 3)]


def test_image_without_labels():
    image, target = hflip(np.arange(6, dtype=np.float32).reshape(1, 2, 3), {"image_id": "x"})
    assert image.tolist() == [[[2, 1, 0], [5, 4, 3]]] and target == {"image_id": "x"}


def test_keypoints_need_a_fitting_permutation():
    image, target = make_scene()
    with pytest.raises(ValueError, match="mirror_permutation"):
        hflip(image, target)
    with pytest.raises(ValueError, match="3 joints"):
        hflip(image, target, LEEDS_SPORTS_FLIP)


def test_probability():
    image, target = make_scene()
    rng = np.random.default_rng(0)
    flip = RandomHorizontalFlip(0.3, (1, 0, 2))
    flips = sum(not np.array_equal(flip(image, target, rng)[0], image) for _ in range(400))
    assert 80 < flips < 160
    never = RandomHorizontalFlip(0.0)(image, target, rng)
    assert_unchanged(*never, snapshot(image, target))


def test_rng_is_needed():
    with pytest.raises(ValueError, match="RandomHorizontalFlip: rng is None"):
        RandomHorizontalFlip()(np.zeros((3, 2, 2), np.float32), {}, None)
