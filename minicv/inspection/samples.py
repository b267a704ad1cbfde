"""Samples of a data set with their labels drawn on them, as a contact sheet shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.data.transforms import resize
from minicv.inspection.canvas import enlarged
from minicv.inspection.detections import draw_detections
from minicv.inspection.keypoints import draw_keypoints
from minicv.inspection.label_maps import draw_segmentation
from minicv.inspection.label_pictures import background_labels
from minicv.inspection.skeletons import skeleton_of

LONGER_SIDE = 560  # pixels of a drawn picture, so that names can be read on a sheet


def draw_sample(
    image: np.ndarray,
    target: Mapping[str, Any],
    classes: Sequence[str] = (),
    pixel_classes: Sequence[str] = (),
    colours: np.ndarray | None = None,
    joint_names: Sequence[str] = (),
) -> list[Image.Image]:
    """A picture of the labelled objects and one of the labelled pixels; of what the target has.

    A large photograph is made small first, so that lines and letters suit the sheet.

    Args:
        image: (3, H, W) floats in 0..1.
        target: of a data set; boxes and labels with masks and keypoints, or the joints of one
            person, or a segmentation, or nothing of these, which gives the photograph alone.
        classes, pixel_classes: names of the labels of objects and of pixels.
        colours: (K, 3) of the pixels' classes; by default those of `class_palette`.
        joint_names: of the keypoints or joints; they say which limbs are drawn, see `skeleton_of`.

    >>> target = {"boxes": np.array([[9.0, 9, 60, 50]]), "labels": np.array([0])}
    >>> [p.size for p in draw_sample(np.ones((3, 900, 1120), np.float32), target, ["cow"])]
    [(560, 450)]
    """
    height, width = image.shape[1:]
    share = LONGER_SIDE / max(height, width)
    known = ("boxes", "masks", "keypoints", "joints", "segmentation")
    target = {**target, **{name: np.asarray(target[name]) for name in known if name in target}}
    if share < 1:
        size = max(1, int(height * share + 0.5)), max(1, int(width * share + 0.5))
        image, target = resize(image, dict(target), size)
    pictures = []
    if "boxes" in target:
        keypoints = target.get("keypoints")
        joints = 0 if keypoints is None else keypoints.shape[1]
        pictures.append(
            draw_detections(
                image,
                target["boxes"],
                target["labels"],
                class_names=classes,
                masks=target.get("masks"),
                keypoints=keypoints,
                skeleton=skeleton_of(joint_names, joints),
            )
        )
    if "joints" in target:
        skeleton = skeleton_of(joint_names, len(target["joints"]))
        pictures.append(draw_keypoints(image, target["joints"][None], skeleton))
    if "segmentation" in target:
        pictures.append(
            draw_segmentation(
                image,
                target["segmentation"],
                pixel_classes,
                colours,
                clear=background_labels(pixel_classes),
            )
        )
    return pictures or [enlarged(image)[0]]
