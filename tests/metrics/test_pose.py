"""PCK, PDJ and strict PCP: by hand, against loops, and what is left out."""

import math

import numpy as np
import pytest

from minicv.metrics.pose import JointMetric
from minicv.vision.keypoints import COCO_JOINTS, LEEDS_SPORTS_JOINTS

HIP, SHOULDER = LEEDS_SPORTS_JOINTS.index("right hip"), LEEDS_SPORTS_JOINTS.index("left shoulder")


def person(seed=0):
    """(14, 3), whose torso has a diameter of 50."""
    joints = np.random.default_rng(seed).uniform(0, 100, (14, 3))
    joints[:, 2] = 1
    joints[SHOULDER, :2] = joints[HIP, :2] + (30, 40)
    return joints


def values_of(found, truth, **options):
    metric = JointMetric(**options)
    metric.add({"joints": found}, {"joints": truth, "image_id": "im1"})
    return metric.values()


def test_pck_counts_up_to_a_fifth_of_the_torso():
    truth = person()
    found = truth[:, :2].copy()
    found[0] += (10, 0)  # exactly a fifth
    found[1] += (0, 10.01)
    values = values_of(found, truth)
    assert values["PCK@0.2"] == pytest.approx(13 / 14)
    assert values["PCK@0.2 right ankle"] == 1 and values["PCK@0.2 right knee"] == 0
    assert values["PCK@0.1"] == pytest.approx(12 / 14)
    assert values["error"] == pytest.approx((0.2 + 0.2002) / 14)


def test_all_values_against_loops():
    rng = np.random.default_rng(3)
    metric = JointMetric()
    right = counted = 0
    limbs = []
    for seed in range(20):
        truth = person(seed)
        truth[rng.uniform(size=14) < 0.1, 2] = 0
        found = truth[:, :2] + rng.normal(0, 8, (14, 2))
        metric.add({"joints": found}, {"joints": truth})
        has_torso = truth[HIP, 2] > 0 and truth[SHOULDER, 2] > 0
        for j in range(14):
            if has_torso and truth[j, 2] > 0:
                counted += 1
                right += math.dist(found[j], truth[j, :2]) <= 0.2 * 50
        for a, b in ((0, 1), (1, 2), (6, 7), (7, 8), (12, 13)):
            if truth[a, 2] > 0 and truth[b, 2] > 0:
                half = math.dist(truth[a, :2], truth[b, :2]) / 2
                limbs.append(max(math.dist(found[j], truth[j, :2]) for j in (a, b)) <= half)
            else:
                limbs.append(math.nan)
    values = metric.values()
    assert values["PCK@0.2"] == pytest.approx(right / counted)
    assert 0.3 < values["PCK@0.2"] < 0.9
    names = ("right lower leg", "right upper leg", "right forearm", "right upper arm", "head")
    expected = np.nanmean(np.array(limbs, float).reshape(20, 5), axis=0)
    assert [values[f"PCP {name}"] for name in names] == pytest.approx(expected.tolist())
    assert [sum(part) for part in metric.pck_of_images()] == [right, counted]


def test_pcp_is_strict_and_the_torso_ends_between_the_sides():
    truth = person()
    ankle, knee = 0, 1
    truth[ankle, :2], truth[knee, :2] = (0, 0), (0, 20)
    found = truth[:, :2].copy()
    found[ankle] = (10, 0)
    assert values_of(found, truth)["PCP right lower leg"] == 1
    found[ankle] = (10.1, 0)  # the mean of both ends is close still
    assert values_of(found, truth)["PCP right lower leg"] == 0
    # Both hips far off, in opposite directions: the end between them does not move.
    found = truth[:, :2].copy()
    found[2] += (500, 0)
    found[3] -= (500, 0)
    values = values_of(found, truth)
    assert values["PCP torso"] == 1 and values["PCP left upper leg"] == 0


def test_pdj_is_the_curve_of_pck():
    truth = person()
    found = truth[:, :2] + np.array([[5.0 * j / 13, 0] for j in range(14)])
    metric = JointMetric()
    metric.add({"joints": found}, {"joints": truth})
    curve = metric.pdj([0.0, 0.0501, 0.1, 0.2])
    assert curve.tolist() == pytest.approx([1 / 14, 7 / 14, 1, 1])
    assert metric.values()["PCK@0.2"] == curve[3]


def test_a_person_without_a_ruler_is_left_out_of_pck_and_stays_in_pcp():
    truth = person()
    truth[HIP, 2] = 0
    metric = JointMetric()
    metric.add({"joints": truth[:, :2]}, {"joints": truth})
    values = metric.values()
    assert math.isnan(values["PCK@0.2"]) and math.isnan(values["error"])
    assert values["PCP"] == 1 and metric.left_out() == 1
    assert math.isnan(values["PCP torso"]) and math.isnan(values["PCP right upper leg"])
    whole = person(1)
    metric.add({"joints": whole[:, :2] + 100}, {"joints": whole})
    assert metric.values()["PCK@0.2"] == 0 and metric.left_out() == 1


def test_a_torso_without_length_is_no_ruler():
    truth = person()
    truth[SHOULDER, :2] = truth[HIP, :2]
    assert math.isnan(values_of(truth[:, :2], truth)["PCK@0.2"])


def test_nobody_with_a_joint_and_nobody_at_all():
    truth = person()
    truth[:, 2] = 0
    assert all(math.isnan(value) for value in values_of(truth[:, :2], truth).values())
    assert all(math.isnan(value) for value in JointMetric().values().values())


def test_stages_have_values_of_their_own():
    truth = person()
    stages = np.stack([truth[:, :2] + 20, truth[:, :2]])
    metric = JointMetric()
    metric.add({"joints": stages[1], "joints by stage": stages}, {"joints": truth})
    values = metric.values()
    assert values["PCK@0.2 stage 1"] == 0 and values["PCK@0.2 stage 2"] == 1
    assert metric.pdj([0.6], stage=1).tolist() == [1.0]
    assert metric.pck_of_images(stage=1)[0].tolist() == [0]


def test_names_come_from_the_result_from_the_caller_or_by_number():
    truth = np.ones((17, 3))
    truth[:, :2] = np.random.default_rng(0).uniform(0, 90, (17, 2))
    metric = JointMetric()
    metric.add({"joints": truth}, {"joints": truth})
    assert metric.joint_names == COCO_JOINTS and metric.values()["PCK@0.2 left_ear"] == 1
    two = np.array([[0.0, 0, 1], [3, 4, 1]])
    named = JointMetric()
    named.add(
        {"joints": two, "joint_names": np.array(["left shoulder", "right hip"])}, {"joints": two}
    )
    assert named.values()["PCK@0.2 right hip"] == 1 and named.limbs == ()
    unnamed = values_of(two, two)
    assert math.isnan(unnamed["PCK@0.2"]) and "PCK@0.2 left shoulder" not in unnamed
    assert values_of(two, two, joint_names=("right hip", "left shoulder"))["PCK@0.2"] == 1


@pytest.mark.parametrize(
    ("result", "target", "message"),
    [
        ({}, {"joints": person()}, "image 0, result has no 'joints'; it has nothing"),
        ({"joints": person()}, {"boxes": 1}, "image 0, target has no 'joints'; it has boxes"),
        ({"joints": person()[:5]}, {"joints": person()}, "5 joints but 14 in the truth"),
        ({"joints": person()}, {"joints": person()[:, :2]}, r"\(14, 2\); expected \(J, 3\)"),
        ({"joints": person() * np.nan}, {"joints": person()}, "NaN or infinity"),
        (
            {"joints": person(), "joints by stage": person()[None, :3, :2]},
            {"joints": person()},
            "3 joints but 14",
        ),
    ],
)
def test_what_cannot_be_judged_is_named(result, target, message):
    with pytest.raises(ValueError, match=message):
        JointMetric().add(result, target)


def test_another_number_of_names_is_refused():
    with pytest.raises(ValueError, match="2 joint_names for 14 joints"):
        values_of(person()[:, :2], person(), joint_names=("a", "b"))
