"""Windows cut out of pictures, and pictures laid on a ground: every label follows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.transforms.crop import RandomCrop, crop, lay_on_ground
from minicv.vision.label_maps import VOID


def test_window_inside():
    image, target = make_scene()
    before = snapshot(image, target)
    cut, labels = crop(image, target, top=1, left=3, height=20, width=32)
    assert_unchanged(image, target, before)
    assert_consistent(cut, labels)
    np.testing.assert_array_equal(cut, image[:, 1:21, 3:35])
    assert labels["boxes"].tolist() == [[1, 5, 9, 17], [17, 1, 31, 9]]
    assert labels["keypoints"][0].tolist() == [[2, 6, 1], [8, 6, 1], [5, 16, 1]]


def test_cut_instance_is_clipped_and_joints_outside_hidden():
    image, target = make_scene()
    _, labels = crop(image, target, top=0, left=0, height=24, width=27)
    assert labels["boxes"].tolist() == [[4, 6, 12, 18], [20, 2, 27, 10]]
    assert labels["area"].tolist() == [96, 56]
    assert labels["keypoints"][1, :, 2].tolist() == [1, 0, 0]  # x = 21, 33, 27


def test_hardly_visible_instance_goes():
    image, target = make_scene()
    cut, labels = crop(image, target, top=0, left=0, height=24, width=23)  # 3 of 14 columns left
    assert_consistent(cut, labels)
    assert labels["labels"].tolist() == [3]
    assert labels["difficult"].tolist() == [False]
    _, labels = crop(image, target, 0, 0, 24, 23, min_visible=0.2)
    assert labels["labels"].tolist() == [3, 1]
    _, labels = crop(image, target, 0, 0, 24, 23, min_visible=0.2, min_size=4)
    assert labels["labels"].tolist() == [3]


def test_nothing_left():
    image, target = make_scene()
    cut, labels = crop(image, target, 20, 0, 4, 5)
    assert_consistent(cut, labels)
    assert labels["boxes"].shape == (0, 4) and labels["masks"].shape == (0, 4, 5)


def test_without_masks_area_shrinks_with_the_box():
    target = {
        "boxes": np.array([[0, 0, 10, 10]], np.float32),
        "area": np.array([60], np.float32),
    }
    _, labels = crop(np.zeros((3, 10, 10), np.float32), target, 0, 5, 10, 5)
    assert labels["boxes"].tolist() == [[0, 0, 5, 10]] and labels["area"].tolist() == [30]


def test_box_becomes_tight_around_the_rest_of_its_mask():
    mask = np.zeros((1, 10, 10), bool)
    mask[0, :, 0:6] = True
    mask[0, :3, 6:10] = True  # an L: its arm is only three rows high
    target = {"boxes": np.array([[0, 0, 10, 10]], np.float32), "masks": mask}
    _, labels = crop(np.zeros((3, 10, 10), np.float32), target, 0, 6, 10, 4)
    assert labels["boxes"].tolist() == [[0, 0, 4, 3]]


def test_image_without_labels():
    cut, labels = crop(np.zeros((3, 5, 5), np.float32), {"image_id": "x"}, 1, 1, 2, 3)
    assert cut.shape == (3, 2, 3) and labels == {"image_id": "x"}


@pytest.mark.parametrize("window", [(-1, 0, 4, 4), (0, 30, 4, 10), (0, 0, 0, 4), (22, 0, 3, 3)])
def test_window_outside(window):
    image, target = make_scene()
    with pytest.raises(ValueError, match="no window"):
        crop(image, target, *window)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_random_crop_is_consistent(seed, height, width):
    image, target = make_scene()
    before = snapshot(image, target)
    rng = np.random.default_rng(seed)
    cut, labels = RandomCrop((height, width), min_visible=0.01)(image, target, rng)
    assert cut.shape == (3, min(height, 24), min(width, 36))
    assert_consistent(cut, labels)
    assert_unchanged(image, target, before)


def test_random_crop_reaches_every_place():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    rng = np.random.default_rng(0)
    cut = RandomCrop((2, 3))
    corners = {float(cut(image, {}, rng)[0][0, 0, 0]) for _ in range(60)}
    assert corners == {0.0, 1.0, 4.0, 5.0}


def test_errors():
    with pytest.raises(ValueError, match="at least 1"):
        RandomCrop((0, 3))
    with pytest.raises(ValueError, match="RandomCrop: rng is None"):
        RandomCrop((2, 2))(np.zeros((3, 4, 4), np.float32), {}, None)


def test_everything_moves_onto_the_ground_together():
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
