"""Scale jittering, to the picture's own size and to a given one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.transforms.scale import RandomScale, RandomScaleCrop
from minicv.vision.label_maps import VOID


def test_zoom_out_shrinks_and_fills():
    image, target = make_scene()
    before = snapshot(image, target)
    zoom = RandomScale((0.5, 0.5), fill=0.25, fill_class=7)
    small, labels = zoom(image, target, np.random.default_rng(1))
    assert_unchanged(image, target, before)
    assert_consistent(small, labels)
    assert small.shape == image.shape
    size = labels["boxes"][:, 2:] - labels["boxes"][:, :2]
    assert size.tolist() == [[4, 6], [7, 4]]
    ground = labels["segmentation"] == 7
    assert ground.sum() == 24 * 36 - 12 * 18
    np.testing.assert_array_equal(small[:, ground], 0.25)
    x1, y1, x2, y2 = labels["boxes"][1].astype(int)
    np.testing.assert_allclose(small[:, y1 + 1 : y2 - 1, x1 + 1 : x2 - 1], 0.9, atol=1e-5)
    # Joints keep their place in the box.
    np.testing.assert_allclose(labels["keypoints"][1, 0, :2] - [x1, y1], [0.5, 0.5])


def test_zoom_in_enlarges():
    image, target = make_scene()
    zoom = RandomScale((2.0, 2.0), min_visible=1.0)
    kept = 0
    for seed in range(80):
        large, labels = zoom(image, target, np.random.default_rng(seed))
        assert large.shape == image.shape
        assert_consistent(large, labels)
        sizes = labels["boxes"][:, 2:] - labels["boxes"][:, :2]
        for size, label in zip(sizes.tolist(), labels["labels"].tolist(), strict=True):
            assert size == {3: [16, 24], 1: [28, 16]}[label]
            kept += 1
    assert kept > 3


@given(st.integers(0, 2**32))
def test_any_zoom_is_consistent(seed):
    image, target = make_scene()
    before = snapshot(image, target)
    result, labels = RandomScale((0.3, 3.0))(image, target, np.random.default_rng(seed))
    assert result.shape == image.shape
    assert_consistent(result, labels)
    assert_unchanged(image, target, before)


def test_probability_and_one_pixel():
    image, target = make_scene()
    never = RandomScale(p=0.0)(image, target, np.random.default_rng(0))
    assert_unchanged(*never, snapshot(image, target))
    for factor in (0.1, 10.0):
        one, _ = RandomScale((factor, factor))(
            np.ones((3, 1, 1), np.float32), {}, np.random.default_rng(0)
        )
        assert one.shape == (3, 1, 1) and one[0, 0, 0] == 1


def test_errors_of_random_scale():
    with pytest.raises(ValueError, match="least <= greatest"):
        RandomScale((2.0, 1.0))
    with pytest.raises(ValueError, match="RandomScale: rng is None"):
        RandomScale()(np.zeros((3, 4, 4), np.float32), {}, None)


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 60))
def test_any_window_is_consistent(seed, height, width):
    image, target = make_scene()
    before = snapshot(image, target)
    window = RandomScaleCrop((height, width), (0.3, 3.0), min_visible=0.01)
    result, labels = window(image, target, np.random.default_rng(seed))
    assert result.shape == (3, height, width)
    assert labels["segmentation"].dtype == np.int64
    assert_consistent(result, labels)
    assert_unchanged(image, target, before)


@given(st.integers(0, 2**32))
def test_labels_stay_on_their_pixels(seed):
    # A picture whose red is its class: wherever the class is inside a block, red says so as well.
    segmentation = np.kron(np.arange(12).reshape(3, 4), np.ones((8, 8), int))
    image = np.repeat(segmentation[None] / 12, 3, axis=0).astype(np.float32)
    window = RandomScaleCrop((20, 24), (0.5, 2.0), fill=1.0)
    result, labels = window(image, {"segmentation": segmentation}, np.random.default_rng(seed))
    void = labels["segmentation"] == VOID
    np.testing.assert_array_equal(result[:, void], 1.0)
    assert void.mean() < 0.8
    agree = np.abs(result[0] * 12 - labels["segmentation"]) < 0.05
    assert agree.sum() > 0.35 * (~void).sum()  # all but those near the blocks' borders
    assert labels["segmentation"][~void].max() < 12


def test_scale_of_one_is_a_plain_crop():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    rng = np.random.default_rng(0)
    window = RandomScaleCrop((2, 3), (1.0, 1.0))
    results = [window(image, {}, rng)[0] for _ in range(60)]
    assert {float(result[0, 0, 0]) for result in results} == {0.0, 1.0, 4.0, 5.0}
    assert all(np.array_equal(np.diff(result[0]), np.ones((2, 2))) for result in results)


def test_padding_reaches_every_place():
    rng = np.random.default_rng(0)
    window = RandomScaleCrop((1, 3), (1.0, 1.0))
    target = {"segmentation": np.zeros((1, 1), int)}
    places = set()
    for _ in range(40):
        _, labels = window(np.ones((3, 1, 1), np.float32), target, rng)
        places.add(int(labels["segmentation"][0].argmin()))
        assert sorted(labels["segmentation"][0].tolist()) == [0, VOID, VOID]
    assert places == {0, 1, 2}


def test_factors_lie_in_the_range():
    rng = np.random.default_rng(1)
    window = RandomScaleCrop((60, 60), (0.75, 1.5))
    sides = []
    for _ in range(200):
        _, labels = window(
            np.ones((3, 40, 40), np.float32), {"segmentation": np.zeros((40, 40), int)}, rng
        )
        sides.append(int((labels["segmentation"] == 0).any(axis=0).sum()))
    assert min(sides) >= 30 and max(sides) <= 60
    # Halving and doubling are equally likely: half of the factors lie below the geometric mean.
    assert 75 < sum(side < 40 * np.sqrt(0.75 * 1.5) for side in sides) < 125


def test_errors_of_random_scale_crop():
    with pytest.raises(ValueError, match=r"size is \(0, 3\)"):
        RandomScaleCrop((0, 3))
    with pytest.raises(ValueError, match="least <= greatest"):
        RandomScaleCrop((2, 2), (2.0, 1.0))
    with pytest.raises(ValueError, match="RandomScaleCrop: rng is None"):
        RandomScaleCrop((2, 2))(np.zeros((3, 4, 4), np.float32), {}, None)
