"""Colours change, labels stay."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_scene import assert_unchanged, make_scene, snapshot

from minicv.data.transforms.color_jitter import LUMA, ColorJitter, turn_hue

FIXED = np.array([[[0.25, 0.55]], [[0.4, 0.4]], [[0.6, 0.3]]], np.float32)  # (3, 1, 2)


def many(jitter, image=FIXED, count=40):
    return [jitter(image, {}, np.random.default_rng(seed))[0] for seed in range(count)]


def test_labels_and_input_stay():
    image, target = make_scene()
    before = snapshot(image, target)
    changed, labels = ColorJitter(0.4, 0.4, 0.4, 0.1)(image, target, np.random.default_rng(0))
    assert_unchanged(image, target, before)
    assert labels is target
    assert changed.dtype == np.float32 and changed.shape == image.shape
    assert changed.min() >= 0 and changed.max() <= 1
    assert not np.array_equal(changed, image)


def test_nothing_asked_for_changes_nothing():
    assert all(np.array_equal(image, FIXED) for image in many(ColorJitter()))


def test_brightness_is_a_factor_in_its_range():
    factors = []
    for image in many(ColorJitter(brightness=0.5)):
        ratio = image / FIXED
        np.testing.assert_allclose(ratio, ratio[0, 0, 0], rtol=1e-5)
        factors.append(float(ratio[0, 0, 0]))
    assert 0.5 <= min(factors) < 0.7 and 1.3 < max(factors) <= 1.5


def test_contrast_keeps_the_mean_brightness():
    mean = LUMA @ FIXED.mean(axis=(1, 2))
    for image in many(ColorJitter(contrast=0.5)):
        np.testing.assert_allclose(LUMA @ image.mean(axis=(1, 2)), mean, rtol=1e-4)


def test_saturation_keeps_each_pixel_s_brightness():
    grey = np.tensordot(LUMA, FIXED, axes=1)
    spreads = []
    for image in many(ColorJitter(saturation=0.4)):
        np.testing.assert_allclose(np.tensordot(LUMA, image, axes=1), grey, rtol=1e-4)
        spreads.append(float(np.ptp(image[:, 0, 0]) / np.ptp(FIXED[:, 0, 0])))
    assert 0.6 <= min(spreads) < 0.8 and 1.2 < max(spreads) <= 1.4 + 1e-6


def test_hue_turns_about_grey():
    grey = np.full((3, 2, 2), 0.3, np.float32)
    np.testing.assert_allclose(turn_hue(grey, 0.37), grey, rtol=1e-5)
    once = turn_hue(turn_hue(FIXED, 0.2), 0.8)
    np.testing.assert_allclose(once, FIXED, atol=1e-6)
    np.testing.assert_allclose(turn_hue(FIXED, 1 / 3), np.roll(FIXED, 1, axis=0), atol=1e-6)


@pytest.mark.parametrize("wrong", [{"brightness": -0.1}, {"hue": 0.6}, {"saturation": -1}])
def test_errors(wrong):
    with pytest.raises(ValueError, match="ColorJitter"):
        ColorJitter(**wrong)


def test_rng_is_needed():
    with pytest.raises(ValueError, match="ColorJitter: rng is None"):
        ColorJitter()(FIXED, {}, None)
