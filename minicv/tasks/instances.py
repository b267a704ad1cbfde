"""Instances and poses: Mask R-CNN's tasks, their recipes, the systems and their numbers.

One model class, `minicv.models.detection.MaskRCNN`, is three systems, by what it predicts beside
boxes: masks, joints, or both.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Dataset
from minicv.data.sources import Splits
from minicv.inspection import draw_instances, draw_instances_beside_truth
from minicv.inspection.stage_regions import DRAWN_SCORE
from minicv.metrics.instances import InstanceMetric, PoseMetric
from minicv.models.detection import FasterRCNNSettings, MaskRCNN, MaskRCNNSettings
from minicv.models.model import Target
from minicv.tasks.detection import (
    CELLS,
    FASTER_RCNN,
    JOINT_RECIPES,
    LIGHT,
    LIGHT_PYRAMIDS,
    OPTIONS,
    DetectionRecipe,
    build_on_maps,
    coco_results,
    count_found,
    sure,
)
from minicv.tasks.task import Prediction, System, Task
from minicv.training import Preparation, Recipe
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS
from minicv.vision.run_lengths import compress_counts, encode_runs


def _draw(prediction: Prediction, threshold: float) -> Image.Image:
    found = sure(prediction.result, threshold)
    return draw_instances(
        prediction.image,
        found["boxes"],
        found["labels"],
        found["scores"],
        class_names=prediction.classes,
        masks=found.get("masks"),
        keypoints=found.get("keypoints"),
        keypoint_scores=found.get("keypoint_scores"),
        joint_names=prediction.joint_names,
    )


def compare(prediction: Prediction, target: Target, dataset: Dataset) -> Image.Image:
    """The truth on the left, and on the right the instances that score at least `DRAWN_SCORE`."""
    found = sure(prediction.result, DRAWN_SCORE)
    shown = [name for name in ("masks", "keypoints") if name in found]
    drawn = ("boxes", "labels", "iscrowd", *shown)
    truth = {name: target[name] for name in drawn if name in target}
    return draw_instances_beside_truth(
        prediction.image, truth, found, prediction.classes, joint_names=prediction.joint_names
    )


def instance_results(prediction: Prediction) -> list[dict[str, Any]]:
    """Instances as entries of COCO's result form: boxes, compressed run lengths, joints.

    Joints are numbers of pixels there: the middle of the first pixel is 0, and 0.5 in
    ``result["keypoints"]``. COCO's own files of masks or joints have no "bbox"; pycocotools reads
    them with it, and takes the size of an object from its box then, which shows in the values by
    size alone.

    >>> found = {"boxes": np.array([[0.0, 0.0, 2.0, 2.0]]), "labels": np.array([0]),
    ...          "scores": np.array([0.75]), "masks": np.array([[[1, 1, 0], [1, 1, 0]]], bool)}
    >>> prediction = Prediction("a.jpg", np.zeros((3, 2, 3)), found, ("cow",))
    >>> instance_results(prediction)[0]["segmentation"]
    {'size': [2, 3], 'counts': '042'}
    """
    found, entries = prediction.result, coco_results(prediction)
    for index, mask in enumerate(found.get("masks", ())):
        counts = compress_counts(encode_runs(mask))
        entries[index]["segmentation"] = {"size": list(mask.shape), "counts": counts}
    for index, joints in enumerate(found.get("keypoints", ())):
        there = joints[:, 2:] > 0  # none is of an object whose class has no joints
        numbers = joints - np.where(there, [0.5, 0.5, 0.0], 0.0)  # (J, 3)
        entries[index]["keypoints"] = [round(float(v), 2) for v in numbers.reshape(-1)]
    return entries


_COMMON: dict[str, Any] = {
    "draw": _draw,
    "to_json": instance_results,
    "summary": count_found,
    "picture": "instances",
    "results": "instances",
    "compare": compare,
}
INSTANCES = Task(
    name="instances",
    needs=("boxes", "labels", "masks"),
    metric=InstanceMetric,
    best_by="mask AP",
    watched=("AP50", "mask AP50"),
    **_COMMON,
)
POSES = Task(
    name="pose from boxes",
    needs=("boxes", "labels", "keypoints"),
    metric=PoseMetric,
    best_by="OKS AP",
    watched=("AP50", "OKS AP50"),
    **_COMMON,
)
INSTANCES_AND_POSES = Task(
    name="instances and poses",
    needs=("boxes", "labels", "masks", "keypoints"),
    metric=PoseMetric,
    best_by="OKS AP",
    watched=("AP50", "mask AP50", "OKS AP50"),
    **_COMMON,
)


@dataclass(frozen=True)
class JointRecipe(DetectionRecipe):
    """`DetectionRecipe` for a model of joints, whose names are those of the data."""

    def prepare(self, splits: Splits, settings: Any, *, workers: int = 1) -> Preparation:
        """The joints' names go into the settings; else as `DetectionRecipe.prepare`.

        Raises:
            ValueError: the data has no names of joints.
        """
        names = tuple(getattr(splits.train, "joint_names", None) or ())
        if not names:
            raise ValueError("the training images name no joints; a model of poses needs some")
        classes = tuple(getattr(splits.train, "joint_classes", ()))
        settings = dataclasses.replace(settings, joint_names=names, joint_classes=classes)
        return super().prepare(splits, settings, workers=workers)


# The heads by backbone: channels of the convolutions for masks, and for joints. The small backbones
# are for pictures in which a person has about forty pixels: heat maps of 28 x 28 are as fine, and a
# place among 784 is learnt sooner than one among 3,136.
_HEADS = {
    "small_fpn": ((32,) * 3, (64,) * 3),
    **dict.fromkeys((*LIGHT_PYRAMIDS, *LIGHT), ((64,) * 4, (128,) * 4)),
    "small": ((32,) * 3, (64,) * 3),
    "resnet50_fpn": ((256,) * 4, (512,) * 8),
}


def _settings(masks: bool, joints: bool) -> dict[str | None, MaskRCNNSettings]:
    found: dict[str | None, MaskRCNNSettings] = {}
    for backbone, (mask_channels, keypoint_channels) in _HEADS.items():
        boxes: FasterRCNNSettings = FASTER_RCNN[backbone]
        found[backbone] = MaskRCNNSettings(
            **{f.name: getattr(boxes, f.name) for f in dataclasses.fields(boxes)},
            masks=masks,
            mask_channels=mask_channels,
            mask_predictor_channels=mask_channels[-1],
            joint_names=LEEDS_SPORTS_JOINTS if joints else (),
            keypoint_channels=keypoint_channels,
            keypoint_pooled_size=7 if backbone in ("small", "small_fpn") else 14,
        )
    return found


MASK_RCNN = _settings(masks=True, joints=False)
KEYPOINT_RCNN = _settings(masks=False, joints=True)
MASK_KEYPOINT_RCNN = _settings(masks=True, joints=True)

MASK_RECIPES: dict[str | None, Recipe] = {name: JOINT_RECIPES[name] for name in _HEADS}
POSE_RECIPES: dict[str | None, Recipe] = {
    name: JointRecipe(**{f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)})
    for name, recipe in MASK_RECIPES.items()
}
# One of the Farmyard's five classes has joints, so an epoch shows few of them.
POSE_RECIPES["small_fpn"] = POSE_RECIPES["small_fpn"].changed(epochs=14)

SYSTEMS = (
    System(
        "mask_rcnn", "Mask R-CNN", "He 2017", INSTANCES, build_on_maps(MaskRCNN),
        MASK_RCNN, MASK_RECIPES, cells=CELLS, options=OPTIONS,
    ),
    System(
        "keypoint_rcnn", "Mask R-CNN for joints", "He 2017", POSES, build_on_maps(MaskRCNN),
        KEYPOINT_RCNN, POSE_RECIPES, cells=CELLS, options=OPTIONS,
    ),
    System(
        "mask_keypoint_rcnn", "Mask R-CNN for masks and joints", "He 2017", INSTANCES_AND_POSES,
        build_on_maps(MaskRCNN), MASK_KEYPOINT_RCNN, POSE_RECIPES, cells=CELLS,
        options=OPTIONS,
    ),
)  # fmt: skip
