"""Zooming: the size stays, objects grow or shrink with their labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.transforms.scale import RandomScale


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


def test_errors():
    with pytest.raises(ValueError, match="least <= greatest"):
        RandomScale((2.0, 1.0))
    with pytest.raises(ValueError, match="RandomScale: rng is None"):
        RandomScale()(np.zeros((3, 4, 4), np.float32), {}, None)
