"""COCO's average precision of keypoints: equal to pycocotools, and to small cases by hand."""

import coco_instances
import numpy as np
import pytest

from minicv.metrics import coco_keypoint_average_precision
from minicv.metrics.average_precision_keypoints import check_sigmas

RECORDED = [("coco", name) for name in coco_instances.NAMES]
RECORDED += [("leeds", "plain"), ("leeds", "crowds")]


@pytest.mark.parametrize(("kind", "name"), RECORDED)
def test_equal_to_pycocotools(kind, name):
    case = coco_instances.case_of(kind, name)
    images = coco_instances.images_of(case)
    result = coco_keypoint_average_precision(*images, number_of_classes=int(case["classes"]))
    np.testing.assert_allclose(result.stats(), case["stats"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.recall, case["recall"][..., 0], rtol=0, atol=1e-12)
    mean_precision = result.precision.mean(axis=1)  # (T, R, K, A) -> (T, K, A)
    np.testing.assert_allclose(mean_precision, case["mean_precision"], rtol=0, atol=1e-12)
    per_class = mean_precision[:, :, 0].mean(axis=0)
    np.testing.assert_allclose(result.ap_per_class, per_class, rtol=0, atol=1e-12)


def test_the_recorded_cases_hold_what_they_are_named_for():
    case = coco_instances.case_of("coco", "many_detections")
    assert (np.bincount(case["detection_image"]) > 20).any()
    case = coco_instances.case_of("coco", "plain")
    seen = (case["target_keypoints"][..., 2] > 0).any(axis=1)
    assert 0 < seen.sum() < len(seen)
    assert len(np.unique(case["detection_scores"])) < len(case["detection_scores"])
    assert coco_instances.case_of("leeds", "crowds")["target_iscrowd"].any()
    assert coco_instances.case_of("leeds", "crowds")["target_keypoints"].shape[1] == 14


def people(count, seed=0, side=50.0):
    """Boxes side by side, with 17 visible joints in each."""
    rng = np.random.default_rng(seed)
    corner = np.array([[100.0 * n, 0] for n in range(count)]).reshape(-1, 2)
    points = corner[:, None] + rng.uniform(0, side, (count, 17, 2))
    points[:, :2] = corner[:, None] + [[0, 0], [side, side]]
    keypoints = np.concatenate([points, np.ones((count, 17, 1))], axis=2)
    boxes = np.concatenate([corner, corner + side], axis=1)
    return {"keypoints": keypoints, "boxes": boxes, "labels": [0] * count}


def shown(truth, *numbers, scores=None, away=0):
    """Those people as detections, the first ``away`` joints of each far off."""
    numbers = list(numbers)
    keypoints = truth["keypoints"][numbers].copy()
    keypoints[:, :away, :2] += 1e4
    scores = np.linspace(0.9, 0.1, len(numbers)) if scores is None else scores
    return {"keypoints": keypoints, "labels": [0] * len(numbers), "scores": scores}


def ap(found, truth, **options):
    return coco_keypoint_average_precision([found], [truth], **options)


def test_perfect_detections():
    truth = people(2)
    result = ap(shown(truth, 0, 1), truth)
    assert result.stats() == pytest.approx([1, 1, 1, 1, -1, 1, 1, 1, 1, -1])
    large = people(2, side=200.0)
    assert ap(shown(large, 0, 1), large).stats() == pytest.approx([1, 1, 1, -1, 1, 1, 1, 1, -1, 1])


def test_the_share_of_joints_in_place_decides_which_thresholds_are_met():
    """12 of 17 joints: 0.7058, which meets 0.5, 0.55, 0.6, 0.65, 0.7."""
    truth = people(1)
    result = ap(shown(truth, 0, away=5), truth)
    assert (result.ap, result.ap50, result.ap75) == pytest.approx((0.5, 1, 0))
    assert (result.ar, result.ar50, result.ar75) == pytest.approx((0.5, 1, 0))


def test_one_of_two_found():
    truth = people(2)
    result = ap(shown(truth, 0), truth)
    assert result.ap == pytest.approx(51 / 101) and result.ar == 0.5


def test_joints_that_are_not_annotated_do_not_count():
    truth = people(1)
    truth["keypoints"][0, :5, 2] = 0
    assert ap(shown(truth, 0, away=5), truth).ap == pytest.approx(1)


@pytest.mark.parametrize("mark", ["iscrowd", "difficult", "joints"])
def test_people_who_need_not_be_found(mark):
    truth = people(2)
    if mark == "joints":
        truth["keypoints"][1, :, 2] = 0
    else:
        truth[mark] = [False, True]
    for numbers in ([0], [0, 1], [1, 0]):
        assert ap(shown(truth, *numbers), truth).ap == pytest.approx(1)
    # A crowd is taken twice; a person without visible joints once, and the other is wrong.
    twice = ap(shown(truth, 1, 1, 0), truth).ap
    assert twice == pytest.approx(0.5 if mark == "joints" else 1)
    only = {**people(1), **({} if mark == "joints" else {mark: [True]})}
    only["keypoints"][..., 2] = mark != "joints"
    assert ap(shown(only, 0), only).stats() == [-1] * 10


def test_a_class_without_joints_has_no_value_and_no_part_in_the_mean():
    truth = people(2)
    truth["labels"], truth["keypoints"][1] = [0, 2], 0
    found = shown(truth, 0)
    found = {
        "keypoints": np.concatenate([found["keypoints"], found["keypoints"] + 7]),
        "labels": [0, 2],
        "scores": [0.5, 0.9],
    }
    result = ap(found, truth, number_of_classes=4)
    assert result.ap == pytest.approx(1)
    assert result.ap_per_class == pytest.approx([1, -1, -1, -1])
    assert result.ap50_per_class == pytest.approx([1, -1, -1, -1])


def test_twenty_detections_count():
    truth = people(1)
    wrong = shown(truth, *[0] * 20, away=17)
    for before, expected in ((19, 1), (20, 0)):
        found = {
            "keypoints": np.concatenate([wrong["keypoints"][:before], truth["keypoints"]]),
            "labels": [0] * (before + 1),
            "scores": np.linspace(0.9, 0.1, before + 1),
        }
        assert ap(found, truth).ar == expected


def test_sizes_are_by_the_truths_area_and_the_extent_of_the_joints():
    """A wrong detection larger or smaller than the range is no error in it."""
    truth = people(1)  # medium
    for side, medium in ((50.0, 0.5), (20.0, 1.0), (200.0, 1.0)):
        wrong = people(1, side=side)["keypoints"] + [1e4, 0, 0]
        found = {"keypoints": np.concatenate([wrong, truth["keypoints"]]), "labels": [0, 0]}
        result = ap({**found, "scores": [0.9, 0.1]}, truth)
        assert (result.ap, result.ap_medium) == pytest.approx((0.5, medium))
    assert ap(shown(truth, 0), {**truth, "area": [1e4]}).ap_large == 1


def test_nothing_on_one_side_or_both():
    truth = people(1)
    none = {"keypoints": np.zeros((0, 17, 3)), "boxes": np.zeros((0, 4)), "labels": []}
    nothing = {"keypoints": [], "boxes": [], "labels": []}
    for empty in (none, nothing):
        assert ap({**empty, "scores": []}, truth).ap == 0
        assert ap({**empty, "scores": []}, empty).stats() == [-1] * 10
        assert ap(shown(truth, 0), empty).stats() == [-1] * 10


def test_other_joints_need_constants_of_their_own():
    truth = people(1)
    truth["keypoints"] = truth["keypoints"][:, :5]
    found = {"keypoints": truth["keypoints"] + [5.0, 0, 0], "labels": [0], "scores": [1.0]}
    with pytest.raises(ValueError, match="oks_sigmas: 5 joints; there are published constants"):
        ap(found, truth)
    # 5 pixels are 0.1 s: exp(-0.01 / 2 (2 sigma)^2) is 0.61 for sigma 0.05, 0.9 for 0.1089.
    assert ap(found, truth, sigmas=[0.05] * 5).ap == pytest.approx(0.3)
    assert ap(found, truth, sigmas=[0.11] * 5).ap == pytest.approx(0.9)


@pytest.mark.parametrize("sigmas", [[0.1], [0.1, 0.0], [0.1, np.nan], [[0.1, 0.1]]])
def test_bad_sigmas(sigmas):
    with pytest.raises(
        ValueError, match="here: sigmas expects a positive number for each of the 2"
    ):
        check_sigmas(sigmas, 2, "here")
