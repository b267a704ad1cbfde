"""The skeleton: limbs keep their lengths, left and right are the person's."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.person import random_pose


def poses(count=30):
    return [random_pose(np.random.default_rng([4, k])) for k in range(count)]


def test_limbs_keep_their_length_in_every_pose():
    for pose in poses():
        lengths = {}
        for name, a, b in (("thigh", 2, 1), ("shin", 1, 0), ("upper arm", 8, 7), ("forearm", 7, 6)):
            lengths[name] = np.linalg.norm(pose.joints[a] - pose.joints[b])
        np.testing.assert_allclose(list(lengths.values()), [0.225, 0.215, 0.155, 0.14], atol=1e-9)
        for right, left in (
            ((2, 1), (3, 4)),
            ((1, 0), (4, 5)),
            ((8, 7), (9, 10)),
            ((7, 6), (10, 11)),
        ):
            np.testing.assert_allclose(
                np.linalg.norm(np.subtract(*pose.joints[list(right)])),
                np.linalg.norm(np.subtract(*pose.joints[list(left)])),
                atol=1e-9,
            )


def test_right_side_is_left_in_the_picture_when_facing_us():
    facing = back = 0
    for pose in poses(60):
        right, left = pose.joints[2], pose.joints[3]  # hips
        if np.cos(pose.turn) > 0.2:
            assert right[0] < left[0]
            facing += 1
        elif np.cos(pose.turn) < -0.2:
            assert right[0] > left[0]
            back += 1
    assert facing > 10 and back > 5


def test_near_side_of_a_person_who_faces_right_is_the_right_one():
    for pose in poses(60):
        if np.sin(pose.turn) > 0.3:
            assert pose.joints[2, 2] > pose.joints[3, 2]


def test_person_stands_on_the_ground_and_is_about_one_unit_high():
    for pose in poses():
        y = pose.joints[:, 1]
        assert np.isclose(max(y[0], y[5]), -0.045)
        assert -1.3 < y.min() < -0.6
        assert y[13] < y[12] < min(y[2], y[3])  # head over neck over hips
