"""Normalised places, rulers, crops and simulated errors."""

import numpy as np
import pytest

from minicv.models.pose.displacements import (
    ErrorsOfJoints,
    boxes_around,
    in_pixels,
    normalised,
    torso_diameter,
)
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS


def test_places_go_to_fractions_and_back():
    places = np.random.default_rng(0).uniform(-20, 80, (5, 14, 2))
    fractions = normalised(places, height=30, width=70)
    np.testing.assert_allclose(in_pixels(fractions, 30, 70), places)
    np.testing.assert_allclose(normalised(np.array([35.0, 15.0]), 30, 70), [0, 0])
    np.testing.assert_allclose(normalised(np.array([70.0, 30.0]), 30, 70), [0.5, 0.5])


def ruler(joints, names=LEEDS_SPORTS_JOINTS, size=(60, 30)):
    return torso_diameter(joints, names, *size)


def test_the_ruler_is_the_torso_or_else_a_share_of_the_body():
    joints = np.zeros((14, 3))
    joints[2] = 10, 40, 1  # right hip
    joints[9] = 22, 24, 1  # left shoulder
    joints[0] = 3, 59, 1
    assert ruler(joints) == 20
    joints[9, 2] = 0
    assert ruler(joints) == pytest.approx(0.4 * 19)  # 40 to 59 is the longer side
    assert ruler(joints, [f"{j}" for j in range(14)]) == pytest.approx(0.4 * 19)


def test_the_ruler_is_never_shorter_than_a_tenth_of_the_picture():
    joints = np.zeros((14, 3))
    assert ruler(joints) == 6
    joints[2] = joints[9] = 5, 5, 1
    assert ruler(joints) == 6


def test_boxes_are_squares_around_their_centres():
    boxes = boxes_around(np.array([[5.0, 7.0], [0.0, 0.0]]), np.array([4.0, 2.0]))
    assert boxes.tolist() == [[3, 5, 7, 9], [-1, -1, 1, 1]]


def test_simulated_errors_have_the_measured_distribution():
    """Drawn errors -> measured -> simulated -> measured again: the same mean and covariance."""
    rng = np.random.default_rng(0)
    spread = np.array([[0.3, 0.0], [0.2, 0.1]])
    measured = rng.standard_normal((20_000, 3, 2)) @ spread.T + np.array([0.1, -0.2])
    measured[:, 2] = np.nan  # never annotated
    measured[rng.uniform(size=20_000) < 0.5, 1] = np.nan
    errors = ErrorsOfJoints.of(measured)
    np.testing.assert_allclose(errors.mean[:2], [[0.1, -0.2]] * 2, atol=0.01)
    np.testing.assert_allclose(errors.covariance[:2], [spread @ spread.T] * 2, atol=0.003)
    joints = np.repeat([1, 2], 20_000)
    drawn = errors.simulate(joints, rng)
    again = ErrorsOfJoints.of(drawn[:20_000, None])
    np.testing.assert_allclose(again.mean[0], errors.mean[1], atol=0.01)
    np.testing.assert_allclose(again.covariance[0], errors.covariance[1], atol=0.005)
    assert (drawn[20_000:] == 0).all()


def test_a_distribution_without_width_is_simulated_too():
    """All errors along one line, and one measurement alone."""
    line = np.array([[[0.1, 0.2]], [[0.3, 0.6]]])
    errors = ErrorsOfJoints.of(line)
    drawn = errors.simulate(np.zeros(50, int), np.random.default_rng(0))
    np.testing.assert_allclose(drawn[:, 1], 2 * drawn[:, 0], atol=1e-6)
    assert drawn[:, 0].std() == pytest.approx(0.1, rel=0.3)
    alone = ErrorsOfJoints.of(line[:1]).simulate(np.array([0]), np.random.default_rng(0))
    np.testing.assert_allclose(alone, [[0.1, 0.2]], atol=1e-9)


def test_nothing_measured_is_no_error():
    errors = ErrorsOfJoints.of(np.zeros((0, 2, 2)))
    assert errors.simulate(np.array([0, 1]), np.random.default_rng(0)).tolist() == [[0, 0]] * 2
    assert errors.simulate(np.zeros(0, int), np.random.default_rng(0)).shape == (0, 2)
