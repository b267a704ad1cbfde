"""Joints of people as coloured skeletons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, enlarged, line_width_for
from minicv.inspection.palette import BLACK, ORANGE, SKY_BLUE, WHITE, Colour


@dataclass(frozen=True)
class Skeleton:
    """Which joints are joined by limbs, and which belong to the person's right and left side."""

    joints: int
    limbs: tuple[tuple[int, int], ...]
    right: frozenset[int]
    left: frozenset[int]

    def limb_colour(self, first: int, second: int) -> Colour:
        """Orange on the person's right side, blue on the left, white in the middle.

        A limb from the middle to a side, such as the neck to a shoulder, belongs to that side.

        >>> LSP_SKELETON.limb_colour(0, 1) == ORANGE, LSP_SKELETON.limb_colour(2, 3) == WHITE
        (True, True)
        """
        ends = {first, second}
        if ends & self.right and not ends & self.left:
            return ORANGE
        if ends & self.left and not ends & self.right:
            return SKY_BLUE
        return WHITE


# Joints in the order of Leeds Sports Pose: right ankle, knee, hip; left hip, knee, ankle; right
# wrist, elbow, shoulder; left shoulder, elbow, wrist; neck; head top.
LSP_SKELETON = Skeleton(
    joints=14,
    limbs=(
        *((0, 1), (1, 2), (2, 3), (3, 4), (4, 5)),  # ankle to ankle
        *((2, 8), (3, 9)),  # the sides of the torso
        *((8, 12), (9, 12), (12, 13)),  # shoulders, neck, head
        *((6, 7), (7, 8), (9, 10), (10, 11)),  # arms
    ),
    right=frozenset({0, 1, 2, 6, 7, 8}),
    left=frozenset({3, 4, 5, 9, 10, 11}),
)

# Joints in the order of COCO: nose; left, right eye, ear, shoulder, elbow, wrist, hip, knee, ankle.
COCO_SKELETON = Skeleton(
    joints=17,
    limbs=(
        *((0, 1), (0, 2), (1, 3), (2, 4)),  # face
        *((5, 6), (5, 7), (7, 9), (6, 8), (8, 10)),  # shoulders and arms
        *((5, 11), (6, 12), (11, 12)),  # torso
        *((11, 13), (13, 15), (12, 14), (14, 16)),  # legs
    ),
    right=frozenset(range(2, 17, 2)),
    left=frozenset(range(1, 17, 2)),
)


def draw_keypoints(
    image: np.ndarray, keypoints: np.ndarray, skeleton: Skeleton = LSP_SKELETON
) -> Image.Image:
    """Draw each person's joints and limbs: orange on the person's right, blue on the left.

    Args:
        image: (3, H, W) floats in 0..1; small ones are enlarged by a whole factor.
        keypoints: (N, J, 3): x, y in pixels of the image and visible. A joint with visible <= 0
            is left out, and the limbs that end in it.
        skeleton: the limbs of these J joints.

    Raises:
        ValueError: the keypoints have another shape than (N, J, 3) with the skeleton's J.

    >>> image = np.ones((3, 100, 200), dtype=np.float32)
    >>> draw_keypoints(image, np.zeros((0, 14, 3))).size
    (600, 300)
    """
    picture, factor = enlarged(image)
    return paint_keypoints(picture, factor, keypoints, skeleton)


def paint_keypoints(
    picture: Image.Image, factor: int, keypoints: np.ndarray, skeleton: Skeleton
) -> Image.Image:
    """Draw ``keypoints`` of an image on its picture, which is ``factor`` times as large."""
    keypoints = np.asarray(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (skeleton.joints, 3):
        raise ValueError(
            f"draw_keypoints: keypoints expect the shape (N, {skeleton.joints}, 3) for this "
            f"skeleton but have {keypoints.shape}"
        )
    canvas = Canvas(picture)
    for person in keypoints:
        seen = (person[:, 2] > 0) & np.isfinite(person).all(axis=1)
        if not seen.any():
            continue
        points = person[:, :2] * factor
        # A small person gets thin limbs.
        extent = float((points[seen].max(axis=0) - points[seen].min(axis=0)).max())
        width = min(1.5 * line_width_for(picture), max(1.5, extent / 40))
        limbs = [(a, b) for a, b in skeleton.limbs if seen[a] and seen[b]]
        for first, second in limbs:
            canvas.line((points[first], points[second]), (*BLACK, 150), 2 * width)
        for first, second in limbs:
            canvas.line((points[first], points[second]), skeleton.limb_colour(first, second), width)
        for joint in np.flatnonzero(seen).tolist():
            canvas.disc(points[joint], 1.5 * width, BLACK)
            canvas.disc(points[joint], 1.1 * width, skeleton.limb_colour(joint, joint))
    return canvas.finish()
