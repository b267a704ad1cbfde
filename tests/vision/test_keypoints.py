"""Keypoints under mirrors and scales."""

import numpy as np
import pytest

from minicv.backend import to_numpy
from minicv.vision import flip_keypoints, scale_keypoints

LEEDS_SPORTS_FLIP = (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)


def test_flip_moves_and_renames_every_joint(xp):
    keypoints = np.random.default_rng(0).uniform(0, 50, (3, 14, 3))
    flipped = to_numpy(flip_keypoints(xp.asarray(keypoints), 50, LEEDS_SPORTS_FLIP))
    for person in range(3):
        for joint, source in enumerate(LEEDS_SPORTS_FLIP):
            x, y, visible = keypoints[person, source]
            assert flipped[person, joint].tolist() == [50 - x, y, visible]


def test_flip_undoes_itself():
    keypoints = np.arange(2 * 14 * 3, dtype=np.float32).reshape(2, 14, 3)
    once = flip_keypoints(keypoints, 64, LEEDS_SPORTS_FLIP)
    assert once.dtype == np.float32
    np.testing.assert_array_equal(flip_keypoints(once, 64, LEEDS_SPORTS_FLIP), keypoints)


def test_scale(xp):
    keypoints = xp.asarray(np.array([[[3, 4, 1], [5, 6, 0]]], dtype=np.float32))
    scaled = scale_keypoints(keypoints, 2, 0.5)
    assert to_numpy(scaled).tolist() == [[[6, 2, 1], [10, 3, 0]]]
    assert scaled.dtype == np.float32


def test_no_people(xp):
    nobody = xp.zeros((0, 14, 3))
    assert flip_keypoints(nobody, 8, LEEDS_SPORTS_FLIP).shape == (0, 14, 3)
    assert scale_keypoints(nobody, 2, 2).shape == (0, 14, 3)


@pytest.mark.parametrize("permutation", [[0, 1], [0, 1, 3], [1, 2, 0], [0, 0, 1], [0.5, 1, 2]])
def test_a_permutation_that_does_not_pair_the_joints_is_refused(permutation):
    with pytest.raises(ValueError, match=r"flip_keypoints: permutation expects the 3 joints 0..2"):
        flip_keypoints(np.zeros((1, 3, 3)), 8, permutation)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", "bool"])
def test_whole_numbers_are_widened(xp, dtype):
    """50 - 60 would wrap to 246 in uint8, and a scale of one half would be 0."""
    keypoints = xp.asarray(np.array([[[60, 5, 1], [3, 7, 0]]]).astype(dtype))
    values = to_numpy(keypoints).astype(float)
    flipped = to_numpy(flip_keypoints(keypoints, 50, (1, 0)))
    assert flipped.dtype == np.float64
    assert flipped[0, :, 0].tolist() == [50 - values[0, 1, 0], 50 - values[0, 0, 0]]
    scaled = to_numpy(scale_keypoints(keypoints, 0.5, 1))
    assert scaled[0, :, 0].tolist() == (values[0, :, 0] / 2).tolist()


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"expects shape \(N, J, 3\).* has shape \(14, 3\)"):
        flip_keypoints(np.zeros((14, 3)), 8, LEEDS_SPORTS_FLIP)
    with pytest.raises(ValueError, match=r"expects shape \(N, J, 3\).* has shape \(2, 14, 2\)"):
        scale_keypoints(np.zeros((2, 14, 2)), 1, 1)
