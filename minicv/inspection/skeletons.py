"""The skeleton of a body from the names of its joints: limbs, right and left."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.data.transforms.joint_names import sides_and_parts
from minicv.inspection.keypoints import COCO_SKELETON, LSP_SKELETON, Skeleton

# Limbs on one side of the body; each joins two parts of that side.
ON_A_SIDE = (
    ("ankle", "knee"),
    ("knee", "hip"),
    ("hip", "shoulder"),
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("eye", "ear"),
)
# Limbs from a part in the middle to a part on each side, or in the middle too.
FROM_THE_MIDDLE = (("neck", "shoulder"), ("nose", "eye"), ("neck", "head top"))
# Limbs from side to side. Where there is a neck, the shoulders are joined through it.
ACROSS = ("hip", "shoulder")


def skeleton_of(joint_names: Sequence[str], joints: int | None = None) -> Skeleton:
    """The skeleton of joints with these names, in whatever order and spelling.

    The 17 joints of COCO and the 14 of Leeds Sports Pose are known. A joint of another name belongs
    to its side, but no limb ends in it.

    Args:
        joint_names: J names, or none: then 17 joints are those of COCO and 14 those of Leeds Sports
            Pose, each in its own order, and any other number is a number of lone dots.
        joints: J, which must be given where there are no names.

    Raises:
        ValueError: another number of names than of joints, or neither.

    >>> skeleton = skeleton_of(("left knee", "navel", "left ankle"))
    >>> skeleton.limbs, skeleton.left
    (((0, 2),), frozenset({0, 2}))
    >>> skeleton_of((), 17) is COCO_SKELETON, skeleton_of((), 5).limbs
    (True, ())
    """
    if joints is None and not joint_names:
        raise ValueError("skeleton_of: there are no names; expected them, or the number of joints")
    if not joint_names:
        for known in (LSP_SKELETON, COCO_SKELETON):
            if known.joints == joints:
                return known
        return Skeleton(joints or 0, (), frozenset(), frozenset())
    if joints not in (None, len(joint_names)):
        raise ValueError(
            f"skeleton_of: {len(joint_names)} names for {joints} joints; expected a name for each"
        )
    found = sides_and_parts(joint_names)
    number = {joint: index for index, joint in reversed(list(enumerate(found)))}
    pairs = [((side, a), (side, b)) for a, b in ON_A_SIDE for side in ("right", "left")]
    pairs += [(("", a), (side, b)) for a, b in FROM_THE_MIDDLE for side in ("right", "left", "")]
    across = ACROSS[:1] if ("", "neck") in number else ACROSS
    pairs += [(("right", part), ("left", part)) for part in across]
    limbs = [
        (min(number[a], number[b]), max(number[a], number[b]))
        for a, b in pairs
        if a in number and b in number
    ]
    right, left = (
        frozenset(index for index, (side, _) in enumerate(found) if side == wanted)
        for wanted in ("right", "left")
    )
    return Skeleton(len(joint_names), tuple(sorted(set(limbs))), right, left)
