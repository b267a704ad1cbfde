"""Metrics of instances and poses: their values by name, what they keep, and what they refuse."""

import coco_instances
import numpy as np
import pytest

from minicv.metrics import (
    DetectionMetric,
    InstanceMetric,
    PoseMetric,
    coco_keypoint_average_precision,
    coco_mask_average_precision,
    oks_sigmas,
)
from minicv.vision import masks_to_boxes
from minicv.vision.mask_runs import MaskRuns

CLASSES = ("cow", "person", "duck")


def target(seed=0, joints=14, **fields):
    """A cow without joints, and a person; 120 x 160 pixels."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((2, 120, 160), bool)
    masks[0, 10:40, 5:55] = masks[1, 20:110, 80:140] = True
    keypoints = np.zeros((2, joints, 3))
    keypoints[1, :, :2], keypoints[1, :, 2] = rng.uniform([80, 20], [140, 110], (joints, 2)), 1
    boxes = masks_to_boxes(masks)
    labels = np.array([0, 1])
    return {"boxes": boxes, "labels": labels, "masks": masks, "keypoints": keypoints, **fields}


def result(truth, *numbers, **fields):
    """Those objects of a target, found; the best first."""
    names = ("boxes", "labels", "masks", "keypoints")
    found = {name: truth[name][list(numbers)] for name in names if name in truth}
    return {**found, "scores": np.linspace(0.9, 0.5, len(numbers)), **fields}


def values(metric, pairs):
    for found, truth in pairs:
        metric.add(found, truth)
    return metric.values()


MASK_NAMES = ["mask AP", "mask AP50", "mask AP75", "mask APs", "mask APm", "mask APl"]
OKS_NAMES = ["OKS AP", "OKS AP50", "OKS AP75", "OKS APm", "OKS APl"]


def test_names_and_values_of_instances():
    truth = target()
    of_instances = values(InstanceMetric(CLASSES), [(result(truth, 0, 1), truth)])
    of_boxes = values(DetectionMetric(CLASSES), [(result(truth, 0, 1), truth)])
    by_class = [f"mask AP50 {name}" for name in CLASSES]
    assert list(of_instances) == [*of_boxes, *MASK_NAMES, *by_class]
    for name, value in of_boxes.items():
        assert of_instances[name] == value or np.isnan(value)
    assert [of_instances[name] for name in MASK_NAMES] == pytest.approx([1, 1, 1, -1, 1, -1])
    assert [of_instances[name] for name in by_class] == pytest.approx([1, 1, -1])
    assert all(type(value) is float for value in of_instances.values())


def test_names_and_values_of_poses():
    truth = target()
    found = [result(truth, 0, 1), result(truth, 0)]
    of_poses = values(PoseMetric(CLASSES), [(of_image, truth) for of_image in found])
    of_instances = values(InstanceMetric(CLASSES), [(of_image, truth) for of_image in found])
    assert list(of_poses) == [*of_instances, *OKS_NAMES, "OKS AP50 person"]
    half = 51 / 101  # one of two people; cows have no joints, and no part in it
    oks = [of_poses[name] for name in OKS_NAMES]
    assert oks == pytest.approx([half, half, half, half, -1])
    assert of_poses["OKS AP50 person"] == pytest.approx(half)
    assert of_poses["mask AP50 cow"] == 1 and of_poses["mask AP50 person"] == pytest.approx(half)
    assert all(type(value) is float for value in of_poses.values())


def test_masks_of_poses_are_judged_if_both_sides_have_any():
    truth = target()
    bare = {name: value for name, value in truth.items() if name != "masks"}
    for found, there, judged in (
        (result(truth, 1), truth, True),
        (result(bare, 1), truth, False),
        (result(truth, 1), bare, False),
    ):
        metric = PoseMetric(CLASSES)
        names = values(metric, [(found, there)] * 2)
        assert ("mask AP" in names) == judged
    metric = PoseMetric(CLASSES)
    metric.add(result(truth, 1), truth)
    with pytest.raises(ValueError, match=r"image 1, target has no field 'masks'"):
        metric.add(result(truth, 1), bare)
    assert metric.values() == pytest.approx(
        values(PoseMetric(CLASSES), [(result(truth, 1), truth)]), nan_ok=True
    )


@pytest.mark.parametrize("kind", [InstanceMetric, PoseMetric])
def test_only_runs_are_kept(kind):
    metric, truth = kind(CLASSES), target(image_id="a", name="cow.jpg")
    metric.add(result(truth, 0, 1), truth)
    for side in metric._masks[0]:
        assert isinstance(side["masks"], MaskRuns)
        assert side["masks"].starts.nbytes < truth["masks"].nbytes / 20
    truth["masks"][:] = False  # what the caller does later with the arrays changes nothing
    assert metric.values()["mask AP"] == 1


@pytest.mark.parametrize(("kind", "metric"), [("masks", InstanceMetric), ("coco", PoseMetric)])
def test_the_values_are_those_of_the_functions(kind, metric):
    case = coco_instances.case_of(kind, "crowds")
    found, truths = coco_instances.images_of(case)
    for image in [*found, *truths]:
        image.setdefault("boxes", np.zeros((len(image["labels"]), 4)))
    got = values(metric("ab"), zip(found, truths, strict=True))
    if kind == "masks":
        stats = coco_mask_average_precision(found, truths).stats()
        assert [got[name] for name in MASK_NAMES] == stats[:6] == pytest.approx(case["stats"][:6])
    else:
        stats = coco_keypoint_average_precision(found, truths).stats()
        assert [got[name] for name in OKS_NAMES] == stats[:5] == pytest.approx(case["stats"][:5])


@pytest.mark.parametrize("mark", ["difficult", "iscrowd"])
def test_an_object_that_need_not_be_found(mark):
    truth = target(**{mark: [False, True]})
    for numbers in ([0], [0, 1], [1, 1, 0]):
        got = values(PoseMetric(CLASSES), [(result(truth, *numbers), truth)])
        assert got["mask AP"] == got["mask AP50 cow"] == 1
        assert got["mask AP50 person"] == got["OKS AP"] == -1 and "OKS AP50 person" not in got


def test_no_detections_no_truth_and_no_images():
    truth = target()
    names = ("boxes", "labels", "masks", "keypoints")
    empty = {name: truth[name][:0] for name in names}
    bare = {"boxes": [], "labels": [], "masks": [], "keypoints": []}
    for nothing in (empty, bare):
        missed = values(PoseMetric(CLASSES), [({**nothing, "scores": []}, truth)])
        assert missed["mask AP"] == missed["OKS AP"] == missed["OKS AP50 person"] == 0
        none = values(PoseMetric(CLASSES), [(result(truth, 1), nothing)])
        assert none["mask AP"] == none["OKS AP"] == none["AP"] == -1
    assert PoseMetric(CLASSES).values()["OKS AP"] == -1
    assert InstanceMetric(CLASSES).values()["mask AP50 cow"] == -1


def test_masks_of_another_size_name_the_image():
    truth = target(image_id="0042")
    other = result(truth, 0, 1, masks=np.ones((2, 120, 150), bool))
    for kind in (InstanceMetric, PoseMetric):
        metric = kind(CLASSES)
        with pytest.raises(
            ValueError, match=r"image '0042', result\['masks'\] are of 120 x 150 pixels"
        ):
            metric.add(other, truth)
        metric.add(result(truth, 0, 1), truth)  # nothing of the refused image is left
        assert metric.values()["mask AP"] == metric.values()["AP"] == 1
    with pytest.raises(ValueError, match="image 0, result has no field 'masks'"):
        InstanceMetric(CLASSES).add({"boxes": [], "labels": [], "scores": []}, target())


def test_another_number_of_joints_names_the_image():
    metric, truth = PoseMetric(CLASSES), target()
    metric.add(result(truth, 1), truth)
    coco = target(joints=17, image_id="b")
    with pytest.raises(ValueError, match=r"image 'b', target\['keypoints'\] are of 17 joints, but"):
        metric.add(result(truth, 1), coco)
    with pytest.raises(ValueError, match=r"image 1, result\['keypoints'\] are of 17 joints, but"):
        metric.add(result(coco, 1), truth)
    assert metric.values()["OKS AP"] == 1


def test_joints_without_published_constants():
    """The fault before: a training on the 21 joints of a hand ended at its first validation."""
    truth = target(joints=5)
    found = result(truth, 1)
    # Each joint k s away, with the mean of COCO's constants: OKS 0.61, right at 0.50, 0.55, 0.60.
    area = np.prod(truth["boxes"][:, 2:] - truth["boxes"][:, :2], axis=1)
    area = np.asarray(truth.get("area", area), float)
    aside = 2 * oks_sigmas(17).mean() * np.sqrt(area[1])
    found["keypoints"] = found["keypoints"] + [aside, 0, 0]
    measured = values(PoseMetric(CLASSES), [(found, truth)])
    assert measured["OKS AP"] == pytest.approx(0.3)
    with pytest.raises(ValueError, match="image 0: PoseMetric: sigmas expects a positive number"):
        PoseMetric(CLASSES, sigmas=[0.1]).add(result(truth, 1), truth)
    sigmas = oks_sigmas(["nose", "neck", "head top", "left hip", "right hip"])
    assert values(PoseMetric(CLASSES, sigmas=sigmas), [(result(truth, 1), truth)])["OKS AP"] == 1


@pytest.mark.parametrize("kind", [InstanceMetric, PoseMetric])
def test_bad_classes_and_labels(kind):
    with pytest.raises(ValueError, match="classes holds 'cow' more than"):
        kind(["cow", "cow"])
    metric, truth = kind(("cow",)), target()
    metric.add(result(truth, 0, 1), truth)
    with pytest.raises(ValueError, match="label 1 occurs but number_of_classes is 1"):
        metric.values()
