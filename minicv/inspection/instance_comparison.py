"""The truth beside what was found, for instances and poses, in the same colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.backend import descending
from minicv.inspection.instance_masks import part_of
from minicv.inspection.instances import draw_instances, instance_colours
from minicv.inspection.palette import GREY
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stage_sizes import MOST_SIDE, image_at, nearest, size_within
from minicv.vision.boxes import box_iou

FOUND = 0.5  # IoU from which an object is found

Objects = Mapping[str, Any]


def draw_instances_beside_truth(
    image: np.ndarray,
    truth: Objects,
    detections: Objects,
    class_names: Sequence[str] | None = None,
    *,
    joint_names: Sequence[str] = (),
) -> Image.Image:
    """The ground truth, and the detections beside it, each as `draw_instances` draws them.

    An object and its detection have the same colour: surest first, each detection takes the object
    of its class with the greatest IoU, if that is 0.5 at least, of masks or else of boxes. Masks
    and skeletons are drawn where both sides have them. Regions that are crowds are grey. Large
    photographs are drawn smaller, 1200 pixels on the longer side.

    Args:
        image: (3, H, W) floats in 0..1.
        truth: ``boxes`` (G, 4), ``labels`` (G,), and maybe ``masks`` (G, H, W), ``keypoints``
            (G, J, 3) and ``iscrowd`` (G,).
        detections: ``boxes`` (D, 4), ``labels`` (D,), ``scores`` (D,), and maybe ``masks``,
            ``keypoints`` and ``keypoint_scores`` (D, J).
        class_names: K names.
        joint_names: J names.

    Raises:
        ValueError: see `draw_instances`.

    >>> nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    >>> sheet = draw_instances_beside_truth(np.ones((3, 40, 40), np.float32), nothing, nothing)
    >>> sheet.width > 2 * 512
    True
    """
    both = [name for name in ("masks", "keypoints") if name in truth and name in detections]
    if "keypoints" in both and "keypoint_scores" in detections:
        both.append("keypoint_scores")
    height, width = image.shape[1:]
    size = size_within(height, width, MOST_SIDE)
    truth, detections = (_at(side, both, (height, width), size) for side in (truth, detections))
    if size != (height, width):
        image = image_at(image, size)
    matched = match_instances(truth, detections)
    crowds = np.flatnonzero(truth.get("iscrowd", ())).tolist()
    others = [d for d, g in enumerate(matched) if g < 0]
    palette = instance_colours(len(truth["boxes"]) + len(others))
    of_truth = [GREY if g in crowds else palette[g] for g in range(len(truth["boxes"]))]
    of_others = dict(zip(others, palette[len(of_truth) :], strict=True))
    of_found = [of_truth[g] if g >= 0 else of_others[d] for d, g in enumerate(matched)]
    drawn = [name for name in both if name != "keypoint_scores"]
    pictures = [
        draw_instances(
            image,
            side["boxes"],
            side["labels"],
            side["scores"] if side is detections else None,
            class_names=class_names,
            colours=colours,
            joint_names=joint_names,
            keypoint_scores=side.get("keypoint_scores") if side is detections else None,
            **{name: side[name] for name in drawn},
        )
        for side, colours in ((truth, of_truth), (detections, of_found))
    ]
    objects = len(of_truth) - len(crowds)
    captions = [
        f"Ground truth\n{_counted(objects, 'object')}"
        + (f", {_counted(len(crowds), 'crowd')} in grey" if crowds else ""),
        f"Detections\n{len(matched) - len(others)} of {_counted(objects, 'object')} found, "
        "in the same colours" + (f"; {_counted(len(others), 'more detection')}" if others else ""),
    ]
    return contact_sheet(pictures, captions, columns=2)


def match_instances(truth: Objects, detections: Objects) -> list[int]:
    """For each of D detections the number of its object, or -1; each object is taken once.

    The IoU is that of masks where both sides have them. Crowds are no objects.

    >>> truth = {"boxes": np.array([[0.0, 0, 8, 8]]), "labels": np.array([1])}
    >>> match_instances(truth, {**truth, "scores": np.array([0.9])})
    [0]
    >>> match_instances(truth, {"boxes": np.array([[5.0, 0, 8, 8]]), "labels": np.array([1]),
    ...                         "scores": np.array([0.9])})
    [-1]
    """
    matched = [-1] * len(detections["boxes"])
    if not matched or not len(truth["boxes"]):
        return matched
    overlap = box_iou(
        np.asarray(detections["boxes"], np.float64), np.asarray(truth["boxes"], np.float64)
    )  # (D, G)
    if "masks" in truth and "masks" in detections:
        overlap = _mask_iou(detections["masks"], truth["masks"], overlap > 0)
    same = np.asarray(detections["labels"])[:, None] == np.asarray(truth["labels"])
    overlap = np.where(same, overlap, 0.0)
    overlap[:, np.flatnonzero(truth.get("iscrowd", ()))] = 0
    for d in descending(np.asarray(detections["scores"])).tolist():
        best = int(overlap[d].argmax())
        if overlap[d, best] >= FOUND:
            matched[d] = best
            overlap[:, best] = 0
    return matched


def _mask_iou(some: np.ndarray, others: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(D, G) IoU of the pairs whose boxes meet, from their windows alone."""
    result = np.zeros(near.shape)
    parts = [[part_of(np.asarray(mask, bool)) for mask in masks] for masks in (some, others)]
    for d, g in np.argwhere(near).tolist():
        a, b = parts[0][d], parts[1][g]
        if a is None or b is None:
            continue
        ends = [np.add(p.corner, p.mask.shape[::-1]) for p in (a, b)]
        left, top = np.maximum(a.corner, b.corner).tolist()
        right, bottom = np.minimum(*ends).tolist()
        if right <= left or bottom <= top:
            continue
        cut = [
            p.mask[
                top - p.corner[1] : bottom - p.corner[1], left - p.corner[0] : right - p.corner[0]
            ]
            for p in (a, b)
        ]
        shared = np.count_nonzero(cut[0] & cut[1])
        result[d, g] = shared / (np.count_nonzero(a.mask) + np.count_nonzero(b.mask) - shared)
    return result


def _at(
    objects: Objects, names: Sequence[str], old: tuple[int, int], size: tuple[int, int]
) -> dict[str, Any]:
    """Boxes, labels and scores of the objects, and what ``names`` says, on an image of ``size``."""
    kept = {"boxes", "labels", "scores", "iscrowd", *names}
    result = {name: np.asarray(objects[name]) for name in objects if name in kept}
    return scaled_instances(result, old, size)


def scaled_instances(
    objects: Objects, old: tuple[int, int], size: tuple[int, int]
) -> dict[str, Any]:
    """Objects of an image of the size ``old``, in the pixels of one of another size.

    >>> scaled_instances({"boxes": np.array([[2.0, 4.0, 6.0, 8.0]])}, (10, 10), (5, 10))["boxes"]
    array([[2., 2., 6., 4.]])
    """
    result = dict(objects)
    if old == size:
        return result
    down, across = size[0] / old[0], size[1] / old[1]
    result["boxes"] = np.asarray(result["boxes"]) * np.array([across, down, across, down])
    if "keypoints" in result:
        result["keypoints"] = np.asarray(result["keypoints"]) * np.array([across, down, 1])
    if "masks" in result:
        masks = np.empty((len(result["masks"]), *size), bool)
        for small, mask in zip(masks, result["masks"], strict=True):
            small[:] = nearest(np.asarray(mask), size)
        result["masks"] = masks
    return result


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
