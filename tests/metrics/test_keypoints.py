"""Object keypoint similarity: by hand, in loops, and the constants of joints."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.keypoints import (
    object_keypoint_similarity,
    oks_sigmas,
    read_keypoints,
    sigmas_of_any,
)
from minicv.vision import COCO_JOINTS, LEEDS_SPORTS_JOINTS

# As pycocotools and CrowdPose write them.
COCO = [
    *(0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07),
    *(0.87, 0.87, 0.89, 0.89),
]
CROWD_POSE = {
    "left_shoulder": 0.79, "right_shoulder": 0.79, "left_elbow": 0.72, "right_elbow": 0.72,
    "left_wrist": 0.62, "right_wrist": 0.62, "left_hip": 1.07, "right_hip": 1.07,
    "left_knee": 0.87, "right_knee": 0.87, "left_ankle": 0.89, "right_ankle": 0.89,
    "top_head": 0.79, "neck": 0.79,
}  # fmt: skip


def test_constants_by_number_and_by_name():
    expected = (np.array(COCO) / 10.0).tolist()
    assert oks_sigmas(17).tolist() == oks_sigmas(COCO_JOINTS).tolist() == expected
    assert oks_sigmas(14).tolist() == oks_sigmas(LEEDS_SPORTS_JOINTS).tolist()
    crowd_pose = (np.array(list(CROWD_POSE.values())) / 10.0).tolist()
    assert oks_sigmas(list(CROWD_POSE)).tolist() == crowd_pose
    by_name = {name.replace("top_head", "head_top"): s for name, s in CROWD_POSE.items()}
    leeds = [by_name[name.replace(" ", "_")] / 10.0 for name in LEEDS_SPORTS_JOINTS]
    assert oks_sigmas(14).tolist() == leeds
    spelled = oks_sigmas(["leftEye", "R-Knee", "Nose", "hip.L", "RIGHT ANKLE"])
    assert spelled.round(3).tolist() == [0.025, 0.087, 0.026, 0.107, 0.089]
    assert oks_sigmas([]).shape == (0,)


def test_joints_without_constants():
    with pytest.raises(ValueError, match="oks_sigmas: 16 joints; there are published constants"):
        oks_sigmas(16)
    with pytest.raises(ValueError, match=r"joint 'left paw' has no published constant; .*wrist"):
        oks_sigmas(["nose", "left paw"])


def test_a_training_judges_joints_without_constants_too():
    assert sigmas_of_any(17).tolist() == oks_sigmas(17).tolist()
    assert sigmas_of_any(14).tolist() == oks_sigmas(14).tolist()
    np.testing.assert_allclose(sigmas_of_any(21), [sum(COCO) / 170] * 21, rtol=1e-12)
    assert sigmas_of_any(0).shape == (0,)


def similarity_in_loops(found, truth, boxes, area, sigmas):
    result = np.zeros((len(found), len(truth)))
    for i, points in enumerate(found):
        for j, joints in enumerate(truth):
            x1, y1, x2, y2 = boxes[j]
            seen = [k for k in range(len(sigmas)) if joints[k, 2] > 0]
            total = 0.0
            for k in seen or range(len(sigmas)):
                dx, dy = points[k, 0] - joints[k, 0], points[k, 1] - joints[k, 1]
                if not seen:  # how far from the box, widened by itself on every side
                    w, h = x2 - x1, y2 - y1
                    dx = max(x1 - w - points[k, 0], points[k, 0] - (x2 + w), 0)
                    dy = max(y1 - h - points[k, 1], points[k, 1] - (y2 + h), 0)
                variance = area[j] * (2 * sigmas[k]) ** 2
                total += math.exp(-(dx * dx + dy * dy) / (2 * variance))
            result[i, j] = total / (len(seen) or len(sigmas))
    return result


@given(seed=st.integers(0, 100_000), joints=st.sampled_from([1, 3, 14, 17]))
def test_against_loops(seed, joints):
    rng = np.random.default_rng(seed)
    found = rng.uniform(0, 60, (3, joints, 3))
    truth = rng.uniform(0, 60, (4, joints, 3))
    truth[..., 2] = rng.random((4, joints)) < 0.5
    truth[0, :, 2] = 0
    corner = rng.uniform(0, 30, (4, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 9, (4, 2))], axis=1)
    area, sigmas = rng.uniform(20, 900, 4), rng.uniform(0.02, 0.2, joints)
    similarity = object_keypoint_similarity(found, truth, boxes, area, sigmas)
    expected = similarity_in_loops(found, truth, boxes, area, sigmas)
    np.testing.assert_allclose(similarity, expected, rtol=1e-12, atol=1e-15)


def test_by_hand():
    """One joint k s away counts exp(-1/2), one that is in place 1; the third is not annotated."""
    truth = np.array([[[10.0, 10, 1], [20, 10, 2], [0, 0, 0]]])
    found = np.array([[[10.0 + 3, 10 + 4, 1], [20, 10, 1], [500, 500, 1]]])
    args = truth, np.array([[0.0, 0, 30, 30]]), np.array([100.0]), np.array([0.25, 0.1, 0.1])
    assert object_keypoint_similarity(found, *args) == pytest.approx((math.exp(-0.5) + 1) / 2)
    assert object_keypoint_similarity(found[:0], *args).shape == (0, 1)


def test_an_object_without_a_visible_joint_has_a_margin_of_its_own_size():
    truth, box = np.zeros((1, 2, 3)), np.array([[10.0, 10, 20, 30]])
    area, sigmas = np.array([100.0]), np.array([0.25, 0.25])
    inside = np.array([[[0.0, -10, 1], [30, 50, 1]]])  # both on the widened border
    assert object_keypoint_similarity(inside, truth, box, area, sigmas).tolist() == [[1.0]]
    beyond = inside + [[[0, 0, 0], [3, 4, 0]]]  # the second k s away from its corner
    similarity = object_keypoint_similarity(beyond, truth, box, area, sigmas)
    assert similarity == pytest.approx((1 + math.exp(-0.5)) / 2)


def test_no_area_and_infinite_distance():
    truth, box = np.array([[[5.0, 5, 1]]]), np.array([[5.0, 5, 5, 5]])
    found = np.array([[[5.0, 5, 1]], [[5.1, 5, 1]], [[1e300, 5, 1]]])
    similarity = object_keypoint_similarity(found, truth, box, np.zeros(1), np.array([0.1]))
    assert similarity.tolist() == [[1.0], [0.0], [0.0]]


def prediction(**changes):
    return {"keypoints": np.ones((2, 3, 3)), "scores": [0.1, 0.5], "labels": [0, 1], **changes}


def target(**changes):
    boxes = np.array([[0, 0, 4, 2.0]])
    return {"keypoints": np.ones((1, 3, 3)), "boxes": boxes, "labels": [2], **changes}


def test_the_area_is_the_given_one_or_the_masks_or_the_boxes():
    masks = np.zeros((1, 4, 4), bool)
    masks[0, 0, :3] = True
    for fields, area in (({}, 8), ({"masks": masks}, 3), ({"masks": masks, "area": [5]}, 5)):
        found, (there,), joints = read_keypoints([prediction()], [target(**fields)], "test")
        assert there.area.tolist() == [area] and joints == 3
    assert found[0].labels.tolist() == [1, 0]
    assert there.difficult.tolist() == there.iscrowd.tolist() == [False]


def test_no_objects_tell_no_number_of_joints():
    nothing = {"keypoints": [], "boxes": [], "labels": [], "scores": []}
    assert read_keypoints([nothing], [nothing], "test")[2] == 0
    assert read_keypoints([nothing, prediction()], [nothing, target()], "test")[2] == 3
    shaped = {**nothing, "keypoints": np.zeros((0, 14, 3))}
    assert read_keypoints([nothing], [shaped], "test")[2] == 14


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"keypoints": np.ones((2, 3))},
            r"predictions\[1\]\['keypoints'\] expects shape \(n, J, 3",
        ),
        ({"keypoints": np.ones((2, 3, 2))}, r"\['keypoints'\] expects shape \(n, J, 3\)"),
        (
            {"keypoints": np.full((2, 3, 3), np.nan)},
            "keypoints'] holds a number that is not finite",
        ),
        (
            {"keypoints": np.ones((2, 4, 3))},
            r"predictions\[1\]\['keypoints'\] are of 4 joints, but",
        ),
        ({"scores": [1.0]}, r"predictions\[1\]\['scores'\] expects one value per object"),
    ],
)
def test_a_bad_prediction_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        read_keypoints([prediction(), prediction(**changes)], [target()] * 2, "test")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"keypoints": np.ones((1, 4, 3))},
            r"targets\[1\]\['keypoints'\] are of 4 joints, but the",
        ),
        ({"keypoints": np.ones((2, 3, 3))}, r"targets\[1\] has 2 keypoints but 1 boxes"),
        ({"masks": np.ones((2, 4, 4), bool)}, r"targets\[1\] has 2 masks but 1 boxes"),
        ({"labels": [0.5]}, r"targets\[1\]\['labels'\] expects whole numbers"),
    ],
)
def test_a_bad_target_is_named(changes, message):
    with pytest.raises(ValueError, match=f"test: {message}"):
        read_keypoints([prediction()] * 2, [target(), target(**changes)], "test")
