"""Poses of one person: a skeleton on its picture, beside the truth, and after each stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, enlarged, line_width_for
from minicv.inspection.keypoints import Skeleton, paint_keypoints
from minicv.inspection.palette import BLACK, ORANGE, SKY_BLUE, WHITE
from minicv.inspection.panels import LegendEntry, contact_sheet, with_legend
from minicv.inspection.skeletons import skeleton_of
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import Drawn, Scene
from minicv.inspection.stage_sizes import MOST_SIDE, image_at, size_within

SIDES = (
    LegendEntry(ORANGE, "the person's right"),
    LegendEntry(SKY_BLUE, "the person's left"),
)


def draw_pose(
    image: np.ndarray,
    joints: np.ndarray,
    joint_names: Sequence[str] = (),
    *,
    truth: np.ndarray | None = None,
) -> Image.Image:
    """One person's skeleton: orange on the person's right, blue on the left, white in the middle.

    Args:
        image: (3, H, W) floats in 0..1; a small one is enlarged, a large one reduced.
        joints: (J, 2), or (J, 3) as x, y, annotated; a joint with annotated <= 0 is left out.
        joint_names: J names; without them 14 joints are those of Leeds Sports Pose and 17 of COCO.
        truth: (J, 3); a thin white line joins each joint with its true place, where it is known.

    Raises:
        ValueError: joints of another shape, or another number of names.

    >>> draw_pose(np.ones((3, 100, 50), np.float32), np.full((14, 2), 20.0)).size
    (300, 600)
    """
    joints = _with_annotation(joints)
    skeleton = skeleton_of(joint_names, len(joints))
    height, width = image.shape[1:]
    size = size_within(height, width, MOST_SIDE)
    smaller = np.array([size[1] / width, size[0] / height, 1.0])
    picture, factor = enlarged(image if size == (height, width) else image_at(image, size))
    drawn = paint_keypoints(picture, factor, (joints * smaller)[None], skeleton)
    if truth is None:
        return drawn
    there = _with_annotation(truth) * smaller
    return _with_errors(drawn, factor, joints * smaller, there, skeleton)


def draw_pose_beside_truth(
    image: np.ndarray,
    truth: np.ndarray,
    joints: np.ndarray,
    joint_names: Sequence[str] = (),
    *,
    title: str = "",
    note: str = "",
) -> Image.Image:
    """The true skeleton, and the one that was found beside it.

    Args:
        image, joints, joint_names: see `draw_pose`.
        truth: (J, 3) as x, y, annotated.
        title: above both.
        note: below the second heading, such as the share of right joints.

    >>> found = np.full((14, 2), 20.0)
    >>> truth = np.column_stack([found, np.ones(14)])
    >>> draw_pose_beside_truth(np.ones((3, 100, 50), np.float32), truth, found).width > 600
    True
    """
    known = int((np.asarray(truth)[:, 2] > 0).sum())
    pictures = [
        draw_pose(image, truth, joint_names),
        draw_pose(image, joints, joint_names, truth=truth),
    ]
    captions = [
        f"Ground truth\n{known} of {len(truth)} joints are annotated",
        f"Found\n{note or 'lines go to the true places'}",
    ]
    sheet = contact_sheet(pictures, captions, columns=2, title=title or None)
    return with_legend(sheet, SIDES, margin=28)


def draw_pose_stages(
    image: np.ndarray,
    by_stage: np.ndarray,
    joint_names: Sequence[str] = (),
    *,
    truth: np.ndarray | None = None,
    notes: Sequence[str] = (),
    title: str | None = None,
) -> Image.Image:
    """What each stage of a cascade says, beside each other, and the truth at the end.

    Args:
        image, joint_names, truth: see `draw_pose`.
        by_stage: (S, J, 2).
        notes: a line for each stage.
        title: above all.

    >>> draw_pose_stages(np.ones((3, 100, 50), np.float32), np.full((2, 14, 2), 20.0)).width > 600
    True
    """
    pictures = [draw_pose(image, joints, joint_names, truth=truth) for joints in by_stage]
    notes = [*notes, *[""] * (len(pictures) - len(notes))]
    captions = [f"Stage {number}\n{note}" for number, note in enumerate(notes, start=1)]
    if truth is not None:
        pictures.append(draw_pose(image, truth, joint_names))
        captions.append("Ground truth\n")
    sheet = contact_sheet(pictures, captions, columns=len(pictures), title=title)
    return with_legend(sheet, SIDES, margin=28)


def draw_pose_of_stage(stage: Stage, scene: Scene) -> Drawn:
    """The joints on their image, for `minicv.inspection.draw_stages`."""
    names = [str(name) for name in stage.arrays.get("joint_names", ())]
    drawn = draw_pose(stage.arrays["image"], np.asarray(stage.arrays["joints"]), names)
    return Drawn(drawn, "orange is the person's right, blue the left")


def _with_annotation(joints: np.ndarray) -> np.ndarray:
    joints = np.asarray(joints, np.float64)
    if joints.ndim != 2 or joints.shape[1] not in (2, 3):
        raise ValueError(
            f"draw_pose: joints expect the shape (J, 2) or (J, 3) but have {joints.shape}"
        )
    return joints if joints.shape[1] == 3 else np.column_stack([joints, np.ones(len(joints))])


def _with_errors(
    picture: Image.Image,
    factor: float,
    joints: np.ndarray,
    truth: np.ndarray,
    skeleton: Skeleton,
) -> Image.Image:
    """A line from each joint that was found to its true place, which is a small ring."""
    canvas = Canvas(picture)
    width = line_width_for(picture)
    for joint in np.flatnonzero((truth[:, 2] > 0) & (joints[:, 2] > 0)).tolist():
        start, end = joints[joint, :2] * factor, truth[joint, :2] * factor
        colour = skeleton.limb_colour(joint, joint)
        canvas.line((start, end), BLACK, 1.6 * width)
        canvas.line((start, end), WHITE, 0.8 * width)
        for radius, fill in ((1.6, BLACK), (1.2, WHITE), (0.7, colour)):
            canvas.disc(end, radius * width, fill)
    return canvas.finish()
