"""Metrics of models that find more of an object than its box: its mask, its joints, or both.

As those in `minicv.metrics.metric` they take one image after another. Of a mask they keep the runs
alone, some 2 kB where the mask has 300 kB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minicv.metrics.average_precision_coco import coco_mask_average_precision
from minicv.metrics.average_precision_keypoints import check_sigmas, coco_keypoint_average_precision
from minicv.metrics.keypoints import (
    check_joints,
    read_keypoint_predictions,
    read_keypoint_targets,
    sigmas_of_any,
)
from minicv.metrics.masks import check_sizes, read_mask_predictions, read_mask_targets
from minicv.metrics.metric import DetectionMetric

Pair = tuple[dict[str, Any], dict[str, Any]]  # result and target of one image


class InstanceMetric:
    """Average precision of boxes and of masks, as the COCO challenge defines it.

    Objects marked difficult (VOC) or iscrowd (COCO) count in no value, as in `DetectionMetric`.

    Args:
        classes: the K names; a label k means ``classes[k]``.

    Raises:
        ValueError: a name is there twice.

    >>> masks = np.zeros((2, 60, 60), dtype=bool)
    >>> masks[0, :40, :40] = masks[1, 50:, 50:] = True
    >>> boxes, labels = np.array([[0, 0, 40, 40], [50, 50, 60, 60]]), np.array([0, 1])
    >>> found = {"boxes": boxes, "labels": labels, "scores": np.array([0.9, 0.8])}
    >>> half = masks.copy()
    >>> half[0, 10:20, :40] = False  # IoU 0.75
    >>> metric = InstanceMetric(["cow", "cat"])
    >>> metric.add({**found, "masks": half}, {"boxes": boxes, "labels": labels, "masks": masks})
    >>> values = metric.values()
    >>> values["AP"], round(values["mask AP"], 4), values["mask AP50 cow"], values["mask AP75"]
    (1.0, 0.8, 1.0, 1.0)
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._boxes = DetectionMetric(classes)
        self.classes = self._boxes.classes
        self._masks: list[Pair] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: boxes (n, 4), scores (n,), labels (n,) and n masks: (n, H, W) bool or run
                lengths, see `minicv.vision.mask_runs`.
            target: boxes (m, 4), labels (m,), m masks, and perhaps difficult, iscrowd, area, and
                image_id, for messages.

        Raises:
            ValueError: masks are missing, are no masks, or are of two sizes; names the image.
        """
        masks = _masks_of(result, target, _name(target, len(self._masks)))
        self._boxes.add(result, target)
        self._masks.append(masks)

    def values(self) -> dict[str, float]:
        """Those of `DetectionMetric` for the boxes, and COCO's for the masks, in 0..1.

        "mask AP" is the mean over IoU 0.50, 0.55 .. 0.95; "mask AP50" and "mask AP75" are at one
        IoU; "mask APs", "mask APm" and "mask APl" are of small, medium and large objects; "mask
        AP50 NAME" is of one class. They are -1 where there is nothing to find.

        Raises:
            ValueError: a field of the boxes is wrong, or a label is no class.
        """
        return {**self._boxes.values(), **_mask_values(self._masks, self.classes)}


class PoseMetric:
    """Average precision of boxes and of keypoints; of masks too, if both sides have any.

    The first image says whether there are masks, and the first target how many joints an object
    has. Objects marked difficult or iscrowd count in no value, and those without a visible joint
    count in none of the keypoints.

    Args:
        classes: the K names; a label k means ``classes[k]``.
        sigmas: (J,), how loosely each joint is marked, as from `oks_sigmas`; None takes the
            published constants of COCO's 17 joints or the 14 of Leeds Sports Pose. Joints of
            another number have none: each gets the mean of COCO's, see `sigmas_of_any`.

    Raises:
        ValueError: a name is there twice.

    >>> joints = np.ones((1, 14, 3))
    >>> joints[0, :, :2] = np.random.default_rng(0).uniform(0, 90, (14, 2))
    >>> target = {"boxes": np.array([[0, 0, 90, 90]]), "labels": [1], "keypoints": joints}
    >>> metric = PoseMetric(["cow", "person"])
    >>> metric.add({**target, "scores": [0.9]}, target)
    >>> values = metric.values()
    >>> values["AP50 person"], values["OKS AP"], values["OKS AP50 person"]
    (1.0, 1.0, 1.0)
    >>> "OKS AP50 cow" in values, "mask AP" in values
    (False, False)
    """

    def __init__(
        self, classes: Sequence[str], *, sigmas: np.ndarray | Sequence[float] | None = None
    ) -> None:
        self._boxes = DetectionMetric(classes)
        self.classes = self._boxes.classes
        self.sigmas = sigmas
        self._joints = 0  # J; 0 until a target tells it
        self._keypoints: list[Pair] = []
        self._masks: list[Pair] = []

    def add(self, result: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take one image.

        Args:
            result: boxes (n, 4), scores (n,), labels (n,), keypoints (n, J, 3) and perhaps n masks.
            target: boxes (m, 4), labels (m,), keypoints (m, J, 3), and perhaps m masks, difficult,
                iscrowd, area, and image_id, for messages.

        Raises:
            ValueError: a field is missing or wrong, there is another number of joints than in the
                first target, sigmas are of another number, or masks are missing though the first
                image had them; names the image.
        """
        name = _name(target, len(self._keypoints))
        found = read_keypoint_predictions(result, f"{name}, result")
        there = read_keypoint_targets(target, f"{name}, target")
        joints = self._joints or there.keypoints.shape[1]
        if self.sigmas is not None:
            check_sigmas(self.sigmas, joints, f"{name}: PoseMetric")
        check_joints(there.keypoints, joints, f"{name}, target['keypoints']")
        check_joints(found.keypoints, joints, f"{name}, result['keypoints']")
        is_first = len(self._keypoints) == 0
        with_masks = "masks" in result and "masks" in target if is_first else len(self._masks) > 0
        masks = [_masks_of(result, target, name)] if with_masks else []
        self._boxes.add(result, target)
        self._joints = joints
        self._keypoints.append((found._asdict(), there._asdict()))
        self._masks += masks

    def values(self) -> dict[str, float]:
        """Those of `DetectionMetric` for the boxes, and COCO's for the keypoints, in 0..1.

        "OKS AP" is the mean over OKS 0.50, 0.55 .. 0.95; "OKS AP50" and "OKS AP75" are at one OKS;
        "OKS APm" and "OKS APl" are of medium and large objects. They are -1 where there is nothing
        to find. "OKS AP50 NAME" is of one class, and there for those classes alone of which an
        object has a visible joint; the others are in no mean. With masks also the values of
        `InstanceMetric`.

        Raises:
            ValueError: a field of the boxes is wrong, or a label is no class.
        """
        values = self._boxes.values()
        if self._masks:
            values |= _mask_values(self._masks, self.classes)
        coco = coco_keypoint_average_precision(
            *_sides(self._keypoints),
            sigmas=sigmas_of_any(self._joints) if self.sigmas is None else self.sigmas,
            number_of_classes=len(self.classes),
        )
        values |= {
            "OKS AP": coco.ap,
            "OKS AP50": coco.ap50,
            "OKS AP75": coco.ap75,
            "OKS APm": coco.ap_medium,
            "OKS APl": coco.ap_large,
        }
        of_classes = zip(self.classes, coco.ap50_per_class.tolist(), strict=True)
        values |= {f"OKS AP50 {name}": ap for name, ap in of_classes if ap >= 0}
        return values


def _name(target: Mapping[str, Any], number: int) -> str:
    return f"image {target.get('image_id', number)!r}"


def _masks_of(result: Mapping[str, Any], target: Mapping[str, Any], name: str) -> Pair:
    """What the values of the masks depend on, with runs for masks."""
    names = f"{name}, result", f"{name}, target"
    found = read_mask_predictions(result, names[0])
    there = read_mask_targets(target, names[1])
    check_sizes(found.masks, there.masks, *[f"{side}['masks']" for side in names])
    return found._asdict(), there._asdict()


def _mask_values(pairs: list[Pair], classes: Sequence[str]) -> dict[str, float]:
    coco = coco_mask_average_precision(*_sides(pairs), number_of_classes=len(classes))
    values = {
        "mask AP": coco.ap,
        "mask AP50": coco.ap50,
        "mask AP75": coco.ap75,
        "mask APs": coco.ap_small,
        "mask APm": coco.ap_medium,
        "mask APl": coco.ap_large,
    }
    by_class = zip(classes, coco.ap50_per_class.tolist(), strict=True)
    return {**values, **{f"mask AP50 {name}": ap for name, ap in by_class}}


def _sides(pairs: list[Pair]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return [result for result, _ in pairs], [target for _, target in pairs]
