"""Torso and limbs of a body, from the names of its joints: the rulers of pose metrics."""

from __future__ import annotations

import re
from collections.abc import Sequence

from minicv.backend import Array, xp_of

End = tuple[int, ...]  # joints whose middle is the end of a limb
Limb = tuple[End, End]

TORSO = ("left shoulder", "right hip")
SIDES = ("right", "left")
# Of each side of the body; Eichner & Ferrari (2012) have these eight, the torso and the head.
LIMBS = {
    "lower leg": ("ankle", "knee"),
    "upper leg": ("knee", "hip"),
    "forearm": ("wrist", "elbow"),
    "upper arm": ("elbow", "shoulder"),
}


def torso_of(joint_names: Sequence[str]) -> tuple[int, int] | None:
    """The numbers of left shoulder and right hip; None for a body that lacks one of them.

    The distance of the two is the diameter of the torso (Toshev & Szegedy 2014, section 3.2).

    >>> torso_of(("right_hip", "neck", "Left Shoulder")), torso_of(("nose", "tail"))
    ((2, 0), None)
    """
    number = _numbers(joint_names)
    if any(name not in number for name in TORSO):
        return None
    return number[TORSO[0]], number[TORSO[1]]


def limbs_of(joint_names: Sequence[str]) -> dict[str, Limb]:
    """The limbs by name, each with its two ends; those whose joints the body has.

    An end is a joint, or the middle of two: the torso goes from between the shoulders to between
    the hips. The 14 joints of Leeds Sports Pose have the ten limbs that are usual there.

    >>> limbs_of(("left knee", "left ankle", "neck", "head top"))
    {'left lower leg': ((1,), (0,)), 'head': ((2,), (3,))}
    """
    number = _numbers(joint_names)
    wanted = {"torso": (_of_sides("shoulder"), _of_sides("hip"))}
    wanted |= {
        f"{side} {limb}": ((f"{side} {a}",), (f"{side} {b}",))
        for limb, (a, b) in LIMBS.items()
        for side in SIDES
    }
    wanted["head"] = (("neck",), ("head top",))
    return {
        limb: (tuple(number[name] for name in a), tuple(number[name] for name in b))
        for limb, (a, b) in wanted.items()
        if all(name in number for name in (*a, *b))
    }


def end_of_limb(joints: Array, end: End) -> tuple[Array, Array]:
    """Where an end of a limb is, and whether all of its joints are annotated.

    Args:
        joints: (..., J, 3) as x, y, annotated.
        end: of a limb of `limbs_of`.

    Returns:
        (..., 2) and (...,) bool.

    >>> import numpy as np
    >>> place, known = end_of_limb(np.array([[0.0, 2.0, 1.0], [4.0, 2.0, 0.0]]), (0, 1))
    >>> place.tolist(), bool(known)
    ([2.0, 2.0], False)
    """
    chosen = xp_of(joints).stack([joints[..., j, :] for j in end], axis=-2)  # (..., e, 3)
    return chosen[..., :2].mean(axis=-2), (chosen[..., 2] > 0).all(axis=-1)


def _of_sides(part: str) -> tuple[str, ...]:
    return tuple(f"{side} {part}" for side in SIDES)


def _numbers(joint_names: Sequence[str]) -> dict[str, int]:
    """Number by name, in small letters with single blanks; of two alike the first."""
    folded = [" ".join(re.split(r"[\s_-]+", name.casefold().strip())) for name in joint_names]
    return {name: index for index, name in reversed(list(enumerate(folded)))}
