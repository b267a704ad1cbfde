"""The box of a picture's one object and the joints of its one person ride with all others."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_scene import assert_unchanged, make_scene, snapshot

from minicv.data.transforms import (
    ColorJitter,
    Compose,
    RandomCrop,
    RandomHorizontalFlip,
    RandomScale,
    RandomScaleCrop,
    Resize,
    crop,
    hflip,
    lay_on_ground,
)

FLIP = (1, 0, 2)


def scene_of_one(which):
    """The scene with one of its blocks, whose labels stand there twice: in a row and alone."""
    image, target = make_scene()
    own = {key: target[key][which : which + 1] for key in ("boxes", "keypoints")}
    box, joints = own["boxes"][0].copy(), own["keypoints"][0].copy()
    return image, {**own, "box": box, "joints": joints, "label": 1}


@st.composite
def transforms(draw):
    sides = st.integers(1, 40)
    size = draw(sides), draw(sides)
    low, high = sorted(draw(st.tuples(st.floats(0.4, 2.5), st.floats(0.4, 2.5))))
    every = {"min_visible": 0.0, "min_size": 0.0}
    return draw(
        st.sampled_from(
            [
                RandomHorizontalFlip(0.5, FLIP),
                Resize(size),
                RandomCrop(size, **every),
                RandomScale((low, high), **every),
                RandomScaleCrop(size, (low, high), **every),
                ColorJitter(0.2),
            ]
        )
    )


@given(st.integers(0, 1), st.lists(transforms(), min_size=1, max_size=3), st.integers(0, 2**32))
def test_they_are_where_boxes_and_keypoints_are(which, chain, seed):
    image, target = scene_of_one(which)
    before = snapshot(image, target)
    changed, labels = Compose(chain)(image, target, np.random.default_rng(seed))
    assert_unchanged(image, target, before)
    np.testing.assert_array_equal(labels["boxes"], [labels["box"]])
    np.testing.assert_array_equal(labels["keypoints"], [labels["joints"]])
    assert labels["box"].dtype == labels["joints"].dtype == np.float32
    x1, y1, x2, y2 = labels["box"]
    height, width = changed.shape[1:]
    assert 0 <= x1 < x2 <= width + 1e-3 and 0 <= y1 < y2 <= height + 1e-3 and labels["label"] == 1


@given(
    st.integers(1, 24),
    st.integers(1, 36),
    st.lists(st.floats(0.0, 0.99), min_size=4, max_size=4),
    st.integers(0, 2**32),
)
def test_a_random_window_shows_the_object(height, width, parts, seed):
    image, target = scene_of_one(0)
    target["box"] += np.array(parts, np.float32)  # boxes need not end between pixels
    cut, labels = RandomCrop((height, width))(image, target, np.random.default_rng(seed))
    assert cut.shape == (3, height, width)
    low, high = target["box"][:2], target["box"][2:]
    pixels = np.ceil(high) - np.floor(low)
    shown = labels["box"][2:] - labels["box"][:2]
    for side, whole, window, own in zip(shown, high - low, (width, height), pixels, strict=True):
        if own <= window:
            np.testing.assert_allclose(side, whole, atol=1e-5)
        else:
            assert side > window - 2  # what is not of the object are parts of two pixels


@pytest.mark.parametrize("cut", [RandomCrop((16, 14)), RandomScaleCrop((16, 14), (1.0, 1.0))])
def test_every_window_that_shows_the_object_is_equally_likely(cut):
    image, target = scene_of_one(0)
    assert target["box"].tolist() == [4, 6, 12, 18]
    rng = np.random.default_rng(0)
    found = [cut(image, target, rng)[1]["box"] for _ in range(500)]
    places = Counter((int(y - 6), int(x - 4)) for x, y, _, _ in found)
    # Windows that hold the block begin in rows 2..6 and in columns 0..4.
    assert {*places} == {(-top, -left) for top in range(2, 7) for left in range(5)}
    assert min(places.values()) >= 8


def test_a_given_window_without_the_object():
    image, target = scene_of_one(0)
    _, labels = crop(image, target, 0, 20, 5, 10)
    assert len(labels["boxes"]) == 0 and labels["joints"][:, 2].tolist() == [0, 0, 0]
    x1, y1, x2, y2 = labels["box"]
    assert x1 == x2 and y1 == y2


def test_joints_outside_of_a_window_are_not_annotated():
    image, target = scene_of_one(0)  # joints at (5, 7), (11, 7) and (8, 17)
    _, labels = crop(image, target, 2, 1, 10, 9)
    assert labels["joints"].tolist() == [[4, 5, 1], [10, 5, 0], [7, 15, 0]]


def test_left_and_right_change_places():
    image, target = scene_of_one(0)
    _, labels = hflip(image, target, FLIP)
    assert labels["box"].tolist() == [24, 6, 32, 18]
    assert labels["joints"].tolist() == [[25, 7, 1], [31, 7, 1], [28, 17, 1]]
    _, labels = lay_on_ground(image, target, 1, 2, 30, 40)
    assert labels["box"].tolist() == [6, 7, 14, 19] and labels["joints"][0].tolist() == [7, 8, 1]


@pytest.mark.parametrize("key", ["keypoints", "joints"])
def test_joints_need_a_permutation(key):
    image, target = scene_of_one(0)
    with pytest.raises(ValueError, match=f"the target has {key}; give mirror_permutation"):
        hflip(image, {key: target[key]})
