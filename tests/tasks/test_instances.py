"""The tasks of Mask R-CNN: what is drawn and written, and whose joints the model learns."""

import dataclasses
import json

import numpy as np
import pytest
from coco_scenes import coco_scenes

from minicv.data import Farmyard
from minicv.data.coco import CocoDetection
from minicv.data.sources import Splits, open_data
from minicv.metrics import InstanceMetric, PoseMetric
from minicv.models.detection import FasterRCNNSettings, MaskRCNN
from minicv.tasks import SYSTEMS, Prediction, Spec, build
from minicv.tasks.detection import FASTER_RCNN
from minicv.tasks.instances import (
    INSTANCES,
    INSTANCES_AND_POSES,
    POSES,
    JointRecipe,
    compare,
    instance_results,
)
from minicv.vision import LEEDS_SPORTS_JOINTS
from minicv.vision.run_lengths import decode_runs, expand_counts

CLASSES = ("cow", "person")
IMAGE = np.zeros((3, 40, 60), np.float32)


def found():
    """A person with three joints, of which the data names two sides and a neck; and a cow."""
    masks = np.zeros((2, 40, 60), bool)
    masks[0, 10:30, 20:24] = masks[1, :3, 5:] = True
    return {
        "boxes": np.array([[20.0, 10, 24, 30], [5, 0, 60, 3]], np.float32),
        "labels": np.array([1, 0]),
        "scores": np.array([0.9, 0.4], np.float32),
        "masks": masks,
        "keypoints": np.array(
            [[[20.5, 10.5, 1], [23.25, 12, 1], [22, 29.123, 1]], [[0, 0, 0]] * 3], np.float32
        ),
        "keypoint_scores": np.array([[3.0, 2, 1], [0, 0, 0]], np.float32),
    }


def prediction(result=None):
    joints = ("left hip", "right hip", "neck")
    return Prediction("b/a.jpg", IMAGE, result or found(), CLASSES, joint_names=joints)


def test_results_are_cocos():
    records = json.loads(json.dumps(instance_results(prediction())))
    assert [record["segmentation"]["size"] for record in records] == [[40, 60], [40, 60]]
    masks = [
        decode_runs(expand_counts(record["segmentation"].pop("counts")), (40, 60), (40, 60))
        for record in records
    ]
    np.testing.assert_array_equal(masks, found()["masks"])
    assert records == [
        {"image_id": "b/a.jpg", "category_id": 2, "category": "person", "bbox": [20, 10, 4, 20],
         "score": 0.9, "segmentation": {"size": [40, 60]},
         # The middle of the first pixel is 0 in COCO's files.
         "keypoints": [20, 10, 1, 22.75, 11.5, 1, 21.5, 28.62, 1]},
        {"image_id": "b/a.jpg", "category_id": 1, "category": "cow", "bbox": [5, 0, 55, 3],
         "score": 0.4, "segmentation": {"size": [40, 60]}, "keypoints": [0] * 9},
    ]  # fmt: skip


def test_only_what_the_model_finds_is_written():
    without = {name: values for name, values in found().items() if not name.startswith("key")}
    assert all("keypoints" not in record for record in instance_results(prediction(without)))
    del without["masks"]
    assert all("segmentation" not in record for record in instance_results(prediction(without)))
    nothing = {name: values[:0] for name, values in found().items()}
    assert instance_results(prediction(nothing)) == []


def test_what_is_read_from_a_coco_file_is_written_as_it_stands_there(tmp_path):
    """The fault before: joints lay half a pixel aside in the file of results."""
    coco_scenes(tmp_path / "set", 3, joints=14)
    file = tmp_path / "set" / "labels.json"
    data = CocoDetection(tmp_path / "set", file, masks=True)
    content = json.loads(file.read_text())
    for index in range(3):
        image, target = data[index]
        result = {**target, "scores": np.ones(len(target["labels"]))}
        wanted = ("boxes", "labels", "scores", "masks", "keypoints")
        result = {name: result[name] for name in wanted}
        written = instance_results(Prediction("x", image, result, data.classes))
        there = [a for a in content["annotations"] if str(a["image_id"]) == target["image_id"]]
        for record, annotation in zip(written, there, strict=True):
            assert record["bbox"] == pytest.approx(annotation["bbox"], abs=0.01)
            numbers = np.array(annotation.get("keypoints", [0] * 42)).reshape(-1, 3)
            numbers[:, 2] = numbers[:, 2] > 0
            assert record["keypoints"] == numbers.reshape(-1).tolist()
            assert data.category_ids[record["category_id"] - 1] == annotation["category_id"]


def test_only_the_sure_ones_are_drawn_and_counted():
    assert INSTANCES.summary(prediction(), 0.5) == "1 person (0.00 s)"
    nothing = {name: values[:0] for name, values in found().items()}
    drawn = {t: np.asarray(POSES.draw(prediction(), t)) for t in (0.0, 0.5, 0.95)}
    blank = np.asarray(POSES.draw(prediction(nothing), 0.0))
    np.testing.assert_array_equal(drawn[0.95], blank)
    assert not np.array_equal(drawn[0.5], blank) and not np.array_equal(drawn[0.0], drawn[0.5])


def test_masks_and_joints_are_drawn():
    whole = np.asarray(INSTANCES_AND_POSES.draw(prediction(), 0.5))
    for name in ("masks", "keypoints"):
        less = {n: values for n, values in found().items() if not n.startswith(name[:8])}
        assert not np.array_equal(
            whole, np.asarray(INSTANCES_AND_POSES.draw(prediction(less), 0.5))
        )


def test_the_truth_stands_beside_the_result():
    target = {name: v for name, v in found().items() if name not in ("scores", "keypoint_scores")}
    nothing = {name: values[:0] for name, values in found().items()}
    wide = np.asarray(compare(prediction(nothing), target, []))
    other = np.asarray(compare(prediction(), target, []))
    half = wide.shape[1] // 2
    np.testing.assert_array_equal(wide[:, : half - 4], other[:, : half - 4])  # the same truth
    assert not np.array_equal(wide[:, half:], other[:, half:])
    # A target with more labels than the model finds is drawn without them.
    boxes = {n: v for n, v in nothing.items() if n in ("boxes", "labels", "scores")}
    assert not np.array_equal(np.asarray(compare(prediction(boxes), target, [])), wide)


def test_the_tasks_judge_by_what_they_need():
    assert set(INSTANCES.needs) - {"boxes", "labels"} == {"masks"}
    assert set(POSES.needs) - {"boxes", "labels"} == {"keypoints"}
    assert set(INSTANCES_AND_POSES.needs) >= {"masks", "keypoints"}
    for system, (masks, joints) in {
        "mask_rcnn": (True, False),
        "keypoint_rcnn": (False, True),
        "mask_keypoint_rcnn": (True, True),
    }.items():
        task = SYSTEMS[system].task
        assert type(task.metric(CLASSES)) is (PoseMetric if joints else InstanceMetric)
        assert ("mask AP50" in task.watched) == masks and ("OKS AP50" in task.watched) == joints
        for settings in SYSTEMS[system].settings.values():
            assert settings.masks == masks and bool(settings.joint_names) == joints


def test_boxes_have_the_numbers_of_faster_rcnn():
    of_boxes = {field.name for field in dataclasses.fields(FasterRCNNSettings)}
    for backbone, settings in SYSTEMS["mask_keypoint_rcnn"].settings.items():
        for name in of_boxes:
            assert getattr(settings, name) == getattr(FASTER_RCNN[backbone], name), name
    assert set(SYSTEMS["mask_rcnn"].options) == set(SYSTEMS["faster_rcnn"].options)


def test_joints_come_from_the_data(tmp_path):
    recipe = SYSTEMS["keypoint_rcnn"].recipes["small_fpn"]
    assert isinstance(recipe, JointRecipe)
    settings = SYSTEMS["keypoint_rcnn"].settings["small_fpn"]
    source = coco_scenes(tmp_path / "set", 2, joints=6)
    prepared = recipe.prepare(open_data(source, ("boxes", "labels", "keypoints")), settings)
    assert prepared.settings.joint_names == (
        "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle",
    )  # fmt: skip
    assert prepared.settings.joint_classes == ("person",)
    assert dataclasses.replace(prepared.settings, joint_names=settings.joint_names,
                               joint_classes=()) == settings  # fmt: skip
    scenes = Farmyard(1, size=(48, 48))
    splits = Splits(lambda: scenes, lambda: scenes, lambda: None)
    assert recipe.prepare(splits, settings).settings.joint_names == LEEDS_SPORTS_JOINTS
    boxes = CocoDetection(tmp_path / "set", tmp_path / "set" / "labels.json", joint_names=())
    with pytest.raises(ValueError, match="the training images name no joints"):
        recipe.prepare(Splits(lambda: boxes, lambda: boxes, lambda: None), settings)


@pytest.mark.parametrize("system", ["mask_rcnn", "keypoint_rcnn", "mask_keypoint_rcnn"])
def test_the_systems_build_mask_rcnn(system):
    settings = SYSTEMS[system].settings["small_fpn"]
    model = build(Spec(system, CLASSES, settings, "small_fpn"), np.random.default_rng(0))
    assert type(model) is MaskRCNN and model.settings == settings
    assert len(model.backbone.out_channels) == 4  # three levels of the body, and one above
