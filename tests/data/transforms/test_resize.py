"""Resizing: sizes as detectors want them, labels scaled by what came out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_scene import assert_consistent, assert_unchanged, make_scene, snapshot

from minicv.data.transforms.resize import Resize, resize


def test_double_size_is_exact():
    image, target = make_scene()
    before = snapshot(image, target)
    large, labels = resize(image, target, (48, 72))
    assert_unchanged(image, target, before)
    assert_consistent(large, labels)
    np.testing.assert_array_equal(labels["boxes"], 2 * target["boxes"])
    np.testing.assert_array_equal(labels["keypoints"][..., :2], 2 * target["keypoints"][..., :2])
    np.testing.assert_array_equal(labels["keypoints"][..., 2], 1)
    assert labels["masks"].sum() == 4 * target["masks"].sum()
    np.testing.assert_array_equal(labels["segmentation"][::2, ::2], target["segmentation"])
    np.testing.assert_allclose(large[:, 24, 16], 0.6, atol=1e-6)  # the middle of the first block


def test_half_size_averages():
    image = np.zeros((3, 4, 4), np.float32)
    image[:, :, ::2] = 1.0  # stripes one pixel wide must turn grey, not alias
    small, _ = resize(image, {}, (2, 2))
    assert small.min() > 0.3 and small.max() < 0.7


def test_linear_image_stays_linear():
    columns = (np.arange(8, dtype=np.float32) + 0.5) / 8
    image = np.broadcast_to(columns, (3, 5, 8))
    large, _ = resize(image, {}, (5, 16))
    expected = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(large[0, 2, 1:-1], expected[1:-1], atol=1e-6)


def test_different_scales_for_width_and_height():
    image, target = make_scene(24, 36)
    _, labels = resize(image, target, (12, 54))
    np.testing.assert_allclose(labels["boxes"], target["boxes"] * [1.5, 0.5, 1.5, 0.5])


def test_area_without_masks_scales():
    target = {"area": np.array([10.0], np.float32)}
    _, labels = resize(np.zeros((3, 4, 4), np.float32), target, (8, 12))
    assert labels["area"].tolist() == [60.0] and labels["area"].dtype == np.float32


def test_same_size_changes_nothing():
    image, target = make_scene()
    same, labels = resize(image, target, (24, 36))
    assert same is image and labels is target


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_any_size_keeps_values_and_nearest_labels(height, width, new_height, new_width):
    rng = np.random.default_rng(height * 1000 + width)
    image = rng.uniform(size=(3, height, width)).astype(np.float32)
    target = {"segmentation": rng.integers(0, 9, size=(height, width))}
    result, labels = resize(image, target, (new_height, new_width))
    assert result.shape == (3, new_height, new_width)
    assert image.min() - 1e-6 <= result.min() and result.max() <= image.max() + 1e-6
    for i in range(new_height):
        for j in range(new_width):
            # The source pixel that holds the centre of the new one.
            y, x = (i + 0.5) * height / new_height, (j + 0.5) * width / new_width
            near = target["segmentation"][int(y + 1e-9), int(x + 1e-9)]
            assert labels["segmentation"][i, j] == near


@pytest.mark.parametrize(
    ("size", "max_size", "given_size", "expected"),
    [
        (320, None, (480, 640), (320, 427)),
        (320, None, (640, 480), (427, 320)),
        (320, 400, (480, 640), (300, 400)),
        (320, 400, (400, 400), (320, 320)),
        (10, 12, (1, 1000), (1, 12)),
        ((50, 70), None, (480, 640), (50, 70)),
    ],
)
def test_output_size(size, max_size, given_size, expected):
    transform = Resize(size, max_size)
    assert transform.output_size(*given_size) == expected
    image, _ = transform(np.zeros((3, *given_size), np.float32), {})
    assert image.shape == (3, *expected)


@pytest.mark.parametrize("arguments", [{"size": 0}, {"size": (0, 4)}, {"size": 5, "max_size": 0}])
def test_sizes_below_one(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        Resize(**arguments)


def test_other_errors():
    with pytest.raises(ValueError, match="max_size=9"):
        Resize((4, 4), max_size=9)
    with pytest.raises(ValueError, match="size is"):
        resize(np.zeros((3, 4, 4), np.float32), {}, (0, 3))
