"""Turn, zoom and move a picture of one person, with its joints, in one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.photograph import check_photograph

# What turns badly: a box that is turned is no box any more, and instances can leave the picture.
_STAYS = ("boxes", "labels", "masks", "keypoints", "segmentation", "box", "area")


def affine(
    image: np.ndarray,
    target: dict,
    degrees: float = 0.0,
    scale: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    fill: float = 0.5,
) -> tuple[np.ndarray, dict]:
    """The picture turned about its middle, zoomed, then moved; the size stays.

    A point p of the picture comes to R (p - m) scale + m + shift, where m is the middle and R turns
    clockwise, as x goes to the right and y down. Pixels are interpolated linearly; what was outside
    of the picture is grey. A joint that leaves the picture is not annotated any more.

    Args:
        image: (C, H, W).
        target: labels of the picture; ``joints`` (J, 3) move along. A class stays.
        degrees: of the turn.
        scale: above 1 enlarges.
        shift: x and y, pixels.
        fill: brightness of the ground, 0..1.

    Raises:
        ValueError: the target has labels that cannot be turned, such as boxes; or a scale that is
            not positive.

    >>> joints = {"joints": np.array([[3.0, 1.0, 1.0], [2.0, 0.0, 1.0]])}
    >>> _, target = affine(np.zeros((3, 4, 4), np.float32), joints, degrees=90, shift=(0, -1))
    >>> target["joints"].round(9).tolist()  # the second came to (4, 1), on the border
    [[3.0, 2.0, 1.0], [4.0, 1.0, 0.0]]
    """
    check_photograph("affine", image)
    unfit = [name for name in _STAYS if name in target]
    if unfit:
        raise ValueError(
            f"affine: the target has {', '.join(unfit)}, which cannot be turned; expected joints "
            "or a label"
        )
    if not 0 < scale < math.inf:
        raise ValueError(f"affine: scale={scale}; expected a positive factor")
    height, width = image.shape[1:]
    middle = np.array([width / 2, height / 2])
    angle = math.radians(degrees)
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    offset = middle + np.asarray(shift, np.float64) - turn @ middle  # p -> turn p + offset
    back = np.linalg.inv(turn)
    rows = np.column_stack([back, -back @ offset])  # of each new pixel, its place in the old one
    result = np.empty_like(image, np.float32)
    for channel, plane in zip(result, image, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))  # mode F
        channel[:] = picture.transform(
            (width, height),
            Image.Transform.AFFINE,
            rows.reshape(-1).tolist(),
            Image.Resampling.BILINEAR,
            fillcolor=fill,
        )
    target = dict(target)
    if "joints" in target:
        joints = np.array(target["joints"])
        joints[:, :2] = joints[:, :2] @ turn.T + offset
        x, y = joints[:, 0], joints[:, 1]
        joints[:, 2] *= (x >= 0) & (x < width) & (y >= 0) & (y < height)
        target["joints"] = joints
    return result, target


@dataclass(frozen=True)
class RandomAffine:
    """Turn, zoom and move at random; see `affine`.

    Args:
        degrees: the turn is drawn between minus and plus this many.
        scale: least and greatest factor; drawn so that halving and doubling are equally likely.
        shift: in each direction up to this share of the picture's side.
        fill: brightness of the ground, 0..1.

    Raises:
        ValueError: a negative turn or shift, or factors out of order.

    >>> turn = RandomAffine(degrees=30, scale=(0.8, 1.2), shift=0.1)
    >>> image, _ = turn(np.zeros((3, 8, 8), np.float32), {}, np.random.default_rng(0))
    >>> image.shape
    (3, 8, 8)
    """

    degrees: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    fill: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.degrees <= 180 and 0 <= self.shift <= 1):
            raise ValueError(
                f"RandomAffine: degrees={self.degrees}, shift={self.shift}; expected a turn of 0 "
                "to 180 and a share of 0 to 1"
            )
        if not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise ValueError(f"RandomAffine: scale={self.scale}, expected 0 < least <= greatest")

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomAffine", rng)
        degrees = float(rng.uniform(-self.degrees, self.degrees))
        factor = float(np.exp(rng.uniform(*np.log(self.scale))))
        height, width = image.shape[1:]
        across, down = rng.uniform(-self.shift, self.shift, 2) * (width, height)
        return affine(image, target, degrees, factor, (float(across), float(down)), self.fill)
