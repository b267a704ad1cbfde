"""Mirror a picture and its labels left to right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.photograph import check_photograph
from minicv.vision.boxes import flip_boxes
from minicv.vision.keypoints import flip_keypoints


def hflip(
    image: np.ndarray, target: dict, keypoint_permutation: Sequence[int] | None = None
) -> tuple[np.ndarray, dict]:
    """Mirror left to right.

    In half-open pixel coordinates x -> W - x, so a box x1, x2 becomes W - x2, W - x1. Left and
    right joints also change places: see `minicv.vision.keypoints.flip_keypoints`.

    Args:
        image: (C, H, W).
        target: labels of the picture.
        keypoint_permutation: see `mirror_permutation`; needed where the target has keypoints or
            joints.

    Raises:
        ValueError: the target has keypoints or joints but no permutation, or one that does not fit,
            is given.

    Example:
        >>> image = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
        >>> image, target = hflip(image, {"boxes": np.array([[0.0, 0.0, 1.0, 1.0]], np.float32)})
        >>> image.tolist(), target["boxes"].tolist()
        ([[[3.0, 2.0, 1.0, 0.0]]], [[3.0, 0.0, 4.0, 1.0]])
    """
    check_photograph("hflip", image)
    width, permutation = image.shape[2], keypoint_permutation or ()
    target = dict(target)
    if "boxes" in target:
        target["boxes"] = flip_boxes(target["boxes"], width)
    if "box" in target:
        target["box"] = flip_boxes(target["box"][None], width)[0]
    for key in ("masks", "segmentation"):
        if key in target:
            target[key] = np.ascontiguousarray(target[key][..., ::-1])
    for key in ("keypoints", "joints"):
        if key in target and keypoint_permutation is None:
            raise ValueError(
                f"hflip: keypoint_permutation is None but the target has {key}; give "
                "mirror_permutation(dataset.joint_names), so that left and right are exchanged too"
            )
    if "keypoints" in target:
        target["keypoints"] = flip_keypoints(target["keypoints"], width, permutation)
    if "joints" in target:
        target["joints"] = flip_keypoints(target["joints"][None], width, permutation)[0]
    return np.ascontiguousarray(image[:, :, ::-1]), target


class RandomHorizontalFlip:
    """Mirror with probability `p`; see `hflip`.

    Example:
        >>> flip = RandomHorizontalFlip(p=1.0)
        >>> image, target = flip(np.zeros((3, 2, 5), np.float32), {}, np.random.default_rng(0))
        >>> image.shape
        (3, 2, 5)
    """

    def __init__(self, p: float = 0.5, keypoint_permutation: Sequence[int] | None = None) -> None:
        self.p = p
        self.keypoint_permutation = keypoint_permutation

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        if need_rng("RandomHorizontalFlip", rng).uniform() >= self.p:
            return image, target
        return hflip(image, target, self.keypoint_permutation)
