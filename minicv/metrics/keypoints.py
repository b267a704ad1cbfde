"""The input of the keypoint metric, and the object keypoint similarity (OKS).

OKS is to joints what IoU is to boxes: 1 where all joints are in place, towards 0 where they are
far off. With the distance d_j of a detection's joint j from the truth's, the object's area s^2, and
a constant sigma_j that says how much people differ when they mark the joint,

    OKS = mean over the visible joints of exp(-d_j^2 / (2 s^2 k_j^2)),   k_j = 2 sigma_j

so that a joint k_j s away counts 0.61. A hip is marked four times as loosely as an eye.

``predictions`` and ``targets`` are lists with one dict per image, in the same order:

    prediction  keypoints (n, J, 3)  x, y in pixels; the third number is not looked at
                scores (n,), labels (n,)
    target      keypoints (m, J, 3)  x, y, visible; visible > 0 where the joint is annotated
                boxes (m, 4)         x1, y1, x2, y2
                labels (m,)
                difficult (m,), iscrowd (m,)  bool, need not be found
                area (m,)            of the object's mask; where it is absent that of ``masks``, if
                                     there are any, else of the box

The last three may be absent, and other keys are ignored. n and m may be 0; an empty list will do.

Source: the keypoint evaluation page of COCO; the constants of CrowdPose, Li et al. (2019).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minicv.metrics.detections import (
    check_lengths,
    read_areas,
    read_boxes,
    read_field,
    read_labels,
    read_marks,
    read_values,
)
from minicv.metrics.masks import read_mask_field
from minicv.vision import COCO_JOINTS, LEEDS_SPORTS_JOINTS, box_area

# Ten times sigma. COCO measured them over 5000 images that several people marked. Neck and head top
# are not among COCO's joints; CrowdPose gave them the shoulder's.
_TENFOLD = {
    "nose": 0.26, "eye": 0.25, "ear": 0.35, "shoulder": 0.79, "elbow": 0.72, "wrist": 0.62,
    "hip": 1.07, "knee": 0.87, "ankle": 0.89, "neck": 0.79, "head top": 0.79, "top head": 0.79,
}  # fmt: skip
_BY_NUMBER = {len(joints): joints for joints in (COCO_JOINTS, LEEDS_SPORTS_JOINTS)}
_SIDES = {"left", "right", "l", "r"}


class KeypointPredictions(NamedTuple):
    """The predictions of one image, best score first: keypoints (n, J, 3), scores, labels (n,)."""

    keypoints: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


class KeypointTargets(NamedTuple):
    """The ground truth of one image: keypoints (m, J, 3), boxes (m, 4); the others (m,)."""

    keypoints: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    difficult: np.ndarray
    iscrowd: np.ndarray
    area: np.ndarray


def oks_sigmas(joints: int | Sequence[str]) -> np.ndarray:
    """The published constants sigma of joints, (J,) float64.

    Args:
        joints: the joints' names, with their sides in any spelling; or their number alone, which
            tells COCO's 17 joints (`COCO_JOINTS`) from the 14 of Leeds Sports Pose, each in its
            order. (CrowdPose too has 14, in another order: give the names.)

    Raises:
        ValueError: a joint has no published constant, or the number is another.

    >>> oks_sigmas(["left_hip", "neck"]).round(3).tolist()
    [0.107, 0.079]
    >>> oks_sigmas(17)[:2].round(3).tolist()
    [0.026, 0.025]
    """
    if isinstance(joints, int):
        if joints not in _BY_NUMBER:
            raise ValueError(
                f"oks_sigmas: {joints} joints; there are published constants for COCO's 17 joints "
                "and the 14 of Leeds Sports Pose; give the joints' names, or your own sigmas"
            )
        joints = _BY_NUMBER[joints]
    return np.array([_tenfold(name) for name in joints]) / 10.0


def sigmas_of_any(joints: int) -> np.ndarray:
    """The constants by which a training judges that many joints, (J,) float64.

    Those of `oks_sigmas` for 17 and 14 joints. Other joints, such as the 21 of a hand, have no
    published constants; each gets the mean of COCO's 17, so that the values of one training can be
    compared with each other, but not with published ones.

    >>> sigmas_of_any(3).round(4).tolist()
    [0.0669, 0.0669, 0.0669]
    """
    if joints in _BY_NUMBER:
        return oks_sigmas(joints)
    return np.full(joints, oks_sigmas(COCO_JOINTS).mean())


def _tenfold(name: str) -> float:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # leftEye
    words = re.findall(r"[^\W_]+", spaced.casefold())
    part = " ".join(word for word in words if word not in _SIDES)
    if part not in _TENFOLD:
        raise ValueError(
            f"oks_sigmas: joint {name!r} has no published constant; there are those of "
            f"{', '.join(sorted(_TENFOLD))}; give your own sigmas"
        )
    return _TENFOLD[part]


def object_keypoint_similarity(
    found: np.ndarray, truth: np.ndarray, boxes: np.ndarray, area: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """OKS of every pair of a detection and a true object, as pycocotools computes it.

    For an object without a visible joint, the distance of a joint is how far it lies outside of the
    object's box with a margin as wide and as high as the box on every side; the mean is over all
    joints. (In COCO's files boxes are in continuous coordinates, and joints are numbers of pixels.
    Here both are continuous, so that this distance differs by half a pixel from what pycocotools
    says of the same file. Objects without a visible joint need not be found, whatever overlaps
    them.)

    Args:
        found: (D, J, 2 or more), x and y.
        truth: (G, J, 3), x, y and visible.
        boxes: (G, 4), x1, y1, x2, y2.
        area: (G,), square pixels.
        sigmas: (J,).

    Returns:
        (D, G) float64, from 0 to 1.

    >>> truth = np.array([[[0.0, 0.0, 1.0], [9.0, 9.0, 0.0]]])  # the second joint is not annotated
    >>> found = np.array([[[3.0, 4.0], [0.0, 0.0]]])
    >>> box, area = np.array([[0.0, 0.0, 9.0, 9.0]]), np.array([50.0])
    >>> sigmas = np.array([0.5, 0.5])  # k = 1, so that exp(-25 / (2 * 50)) is the similarity
    >>> object_keypoint_similarity(found, truth, box, area, sigmas).round(4).tolist()
    [[0.7788]]
    """
    similarity = np.zeros((len(found), len(truth)))
    x, y = found[..., 0], found[..., 1]  # (D, J) each
    variances = (sigmas * 2) ** 2
    for number, (joints, box) in enumerate(zip(truth, boxes, strict=True)):
        counted = joints[:, 2] > 0
        if counted.any():
            dx, dy = x - joints[:, 0], y - joints[:, 1]
        else:
            width, height = box[2] - box[0], box[3] - box[1]
            dx = _outside(x, box[0] - width, box[0] + width * 2)
            dy = _outside(y, box[1] - height, box[1] + height * 2)
            counted = np.ones(len(joints), bool)
        with np.errstate(over="ignore"):  # infinitely far is a similarity of 0
            spread = (dx**2 + dy**2) / variances / (area[number] + np.spacing(1)) / 2
        each = np.exp(-np.ascontiguousarray(spread[:, counted]))  # (D, visible joints)
        similarity[:, number] = each.sum(axis=1) / counted.sum()
    return similarity


def _outside(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.maximum(0, low - values) + np.maximum(0, values - high)


def read_keypoints(
    predictions: Sequence[Mapping], targets: Sequence[Mapping], operation: str
) -> tuple[list[KeypointPredictions], list[KeypointTargets], int]:
    """Check both lists and bring them to float64 on the host, best scores first.

    Args:
        predictions, targets: see the docstring of this module.
        operation: the metric's name, for the messages.

    Returns:
        predictions, targets, and J, which the first target that has joints tells; 0 if none has.

    Raises:
        ValueError: the lists differ in length, a field is not as it should be, or an image has
            another number of joints; the message names image and field.

    >>> truth = {"keypoints": np.ones((1, 2, 3)), "boxes": np.ones((1, 4)), "labels": [0]}
    >>> found = {"keypoints": np.ones((1, 2, 3)), "scores": [0.5], "labels": [0]}
    >>> read, there, joints = read_keypoints([found], [truth], "doctest")
    >>> read[0].keypoints.shape, joints
    ((1, 2, 3), 2)
    """
    check_lengths(predictions, targets, operation)
    numbers = range(len(targets))
    names = [(f"{operation}: predictions[{n}]", f"{operation}: targets[{n}]") for n in numbers]
    found = [read_keypoint_predictions(predictions[n], names[n][0]) for n in numbers]
    there = [read_keypoint_targets(targets[n], names[n][1]) for n in numbers]
    joints = next((of.keypoints.shape[1] for of in there if of.keypoints.shape[1]), 0)
    for (found_name, there_name), of_found, of_there in zip(names, found, there, strict=True):
        check_joints(of_there.keypoints, joints, f"{there_name}['keypoints']")
        check_joints(of_found.keypoints, joints, f"{found_name}['keypoints']")
    return found, there, joints


def read_keypoint_field(image: Mapping, where: str) -> np.ndarray:
    """The field "keypoints" as (n, J, 3) float64; no objects at all may be an empty list.

    Raises:
        ValueError: it is missing, has another shape, or holds a number that is not finite.
    """
    keypoints = read_field(image, "keypoints", where).astype(np.float64)
    if keypoints.shape == (0,):
        keypoints = keypoints.reshape(0, 0, 3)
    if keypoints.ndim != 3 or keypoints.shape[2] != 3:
        raise ValueError(
            f"{where}['keypoints'] expects shape (n, J, 3) but has shape {keypoints.shape}"
        )
    if not np.isfinite(keypoints).all():
        raise ValueError(f"{where}['keypoints'] holds a number that is not finite")
    return keypoints


def check_joints(keypoints: np.ndarray, joints: int, where: str) -> None:
    """Refuse keypoints (n, J, 3) of another number of joints; no objects fit any number.

    With ``joints`` 0, where no target tells the number, any is right.

    Raises:
        ValueError: J differs.

    >>> check_joints(np.zeros((0, 0, 3)), 14, "doctest")
    """
    if keypoints.shape[1] != joints and len(keypoints) and joints:
        raise ValueError(
            f"{where} are of {keypoints.shape[1]} joints, but the first target has {joints}; "
            "expected one number of joints in all images"
        )


def read_keypoint_predictions(image: Mapping, where: str) -> KeypointPredictions:
    """The predictions of one image, checked.

    Args:
        image: keypoints, scores and labels; see the docstring of this module.
        where: begins the message of an error.

    Raises:
        ValueError: a field is missing or wrong.
    """
    keypoints = read_keypoint_field(image, where)
    scores = read_values(image, "scores", len(keypoints), where, np.float64)
    labels = read_labels(image, len(keypoints), where)
    best_first = np.argsort(-scores, kind="stable")
    return KeypointPredictions(keypoints[best_first], scores[best_first], labels[best_first])


def read_keypoint_targets(image: Mapping, where: str) -> KeypointTargets:
    """The targets of one image, checked.

    Args:
        image: keypoints, boxes and labels; see the docstring of this module.
        where: begins the message of an error.

    Raises:
        ValueError: a field is missing or wrong.
    """
    keypoints, boxes = read_keypoint_field(image, where), read_boxes(image, where)
    count = len(boxes)
    if len(keypoints) != count:
        raise ValueError(f"{where} has {len(keypoints)} keypoints but {count} boxes")
    area = box_area(boxes)
    if image.get("masks") is not None and image.get("area") is None:
        area = read_mask_field(image, where).area()
        if len(area) != count:
            raise ValueError(f"{where} has {len(area)} masks but {count} boxes")
    return KeypointTargets(
        keypoints=keypoints,
        boxes=boxes,
        labels=read_labels(image, count, where),
        difficult=read_marks(image, "difficult", count, where),
        iscrowd=read_marks(image, "iscrowd", count, where),
        area=read_areas(image, area, where),
    )
