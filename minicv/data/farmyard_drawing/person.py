"""A person: clothes on a posed skeleton. The head is drawn in face.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.face import draw_head
from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary
from minicv.data.farmyard_drawing.pose import random_pose

SKIN: tuple[Colour, ...] = (
    (250, 216, 190), (236, 190, 156), (208, 154, 114), (158, 106, 74), (104, 68, 48),
)  # fmt: skip
HAIR: tuple[Colour, ...] = (
    (40, 30, 28), (84, 54, 34), (134, 84, 44), (206, 164, 92), (158, 70, 38), (150, 148, 148),
)  # fmt: skip
SHIRTS: tuple[Colour, ...] = (
    (204, 52, 50), (44, 96, 178), (240, 190, 54), (60, 146, 108), (236, 234, 226),
    (136, 78, 158), (238, 132, 60), (86, 182, 206), (224, 120, 152), (70, 74, 86),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (46, 72, 122), (92, 76, 60), (62, 62, 70), (122, 108, 84), (70, 96, 72), (150, 62, 60),
)  # fmt: skip
SHOES: tuple[Colour, ...] = (
    (62, 44, 34), (40, 40, 46), (186, 60, 50), (232, 228, 220), (74, 108, 70),
)  # fmt: skip

# Joint numbers of a limb, from its end to the body (the order of Leeds Sports Pose).
LEGS = ((0, 1, 2), (5, 4, 3))  # ankle, knee, hip
ARMS = ((6, 7, 8), (11, 10, 9))  # wrist, elbow, shoulder
RIGHT_HIP, LEFT_HIP, RIGHT_SHOULDER, LEFT_SHOULDER, NECK, HEAD_TOP = 2, 3, 8, 9, 12, 13


@dataclass
class Outfit:
    """How a person looks."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour  # or the skirt
    shoes: Colour
    long_hair: bool
    hat: bool
    long_sleeves: bool
    stripes: bool
    short_trousers: bool
    skirt: bool


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Any colour with any other."""

    def pick(colours: tuple[Colour, ...], amount: float) -> Colour:
        return vary(colours[int(rng.integers(len(colours)))], amount, rng)

    def chance(p: float) -> bool:
        return bool(rng.uniform() < p)

    return Outfit(
        skin=pick(SKIN, 0.06),
        hair=pick(HAIR, 0.1),
        shirt=pick(SHIRTS, 0.1),
        trousers=pick(TROUSERS, 0.1),
        shoes=pick(SHOES, 0.06),
        long_hair=chance(0.45),
        hat=chance(0.3),
        long_sleeves=chance(0.5),
        stripes=chance(0.25),
        short_trousers=chance(0.25),
        skirt=chance(0.25),
    )


def draw_person(rng: np.random.Generator) -> tuple[Figure, np.ndarray]:
    """A person one unit high, and the 14 joints (14, 2) in the figure's units."""
    pose = random_pose(rng)
    outfit = random_outfit(rng)
    figure = Figure()
    joints, depth = pose.joints[:, :2], pose.joints[:, 2]
    looks = np.array([np.sin(pose.turn), np.cos(pose.turn)])  # to the right, and to the viewer

    def nearness(limb: tuple[int, ...]) -> float:
        """How far the middle of a limb is in front of the middle of the torso."""
        torso = depth[[RIGHT_HIP, LEFT_HIP, RIGHT_SHOULDER, LEFT_SHOULDER]].mean()
        return float(depth[list(limb)].mean() - torso)

    neck, top = joints[NECK], joints[HEAD_TOP]
    head = neck + 0.54 * (top - neck)
    if outfit.long_hair and looks[1] > -0.2:  # it falls behind the shoulders
        figure.oval(head + (-0.03 * looks[0], 0.055), (0.1, 0.145), shade(outfit.hair, 0.8))
    for limb in sorted(ARMS, key=nearness):
        if nearness(limb) < -0.01:
            _arm(figure, joints[list(limb)], outfit, 0.8)
    for limb, light in zip(sorted(LEGS, key=nearness), (0.8, 1.0), strict=True):
        _leg(figure, joints[list(limb)], outfit, looks, light)
    _torso(figure, joints, head, outfit, rng)
    draw_head(
        figure, head, top - neck, looks, outfit.skin, outfit.hair, outfit.long_hair, outfit.hat
    )
    for limb in sorted(ARMS, key=nearness):
        if nearness(limb) >= -0.01:
            _arm(figure, joints[list(limb)], outfit, 1.0 if nearness(limb) > 0 else 0.93)
    return figure, joints


def _arm(figure: Figure, limb: np.ndarray, outfit: Outfit, light: float) -> None:
    wrist, elbow, shoulder = limb
    skin, sleeve = shade(outfit.skin, light), shade(outfit.shirt, light)
    figure.limb([shoulder, elbow, wrist], [0.04, 0.032, 0.026], skin)
    figure.oval(wrist + 0.16 * (wrist - elbow), (0.032, 0.034), skin, count=14)  # the hand
    if outfit.long_sleeves:
        cuff = elbow + 0.88 * (wrist - elbow)
        figure.limb([shoulder, elbow, cuff], [0.05, 0.041, 0.035], sleeve)
    else:
        figure.limb([shoulder, shoulder + 0.62 * (elbow - shoulder)], [0.051, 0.048], sleeve)


def _leg(figure: Figure, limb: np.ndarray, outfit: Outfit, looks: np.ndarray, light: float) -> None:
    ankle, knee, hip = limb
    bare = outfit.skirt or outfit.short_trousers
    colour = shade(outfit.skin if bare else outfit.trousers, light)
    figure.limb([hip, knee, ankle], [0.066, 0.046, 0.033], colour)
    if outfit.short_trousers and not outfit.skirt:
        hem = hip + 0.8 * (knee - hip)
        figure.limb([hip, hem], [0.07, 0.06], shade(outfit.trousers, light))
    toe = ankle + (0.062 * looks[0], 0.022 + 0.012 * max(0.0, looks[1]))
    figure.limb([ankle + (0, 0.008), toe], [0.036, 0.03], shade(outfit.shoes, light))


def _torso(
    figure: Figure, joints: np.ndarray, head: np.ndarray, outfit: Outfit, rng: np.random.Generator
) -> None:
    """Hips, neck and shirt."""
    neck = joints[NECK]
    hip_1, hip_2 = _left_and_right(joints[[RIGHT_HIP, LEFT_HIP]], 0.045)
    shoulder_1, shoulder_2 = _left_and_right(joints[[RIGHT_SHOULDER, LEFT_SHOULDER]], 0.055)
    if outfit.skirt:
        hem = rng.uniform(0.14, 0.22)
        figure.polygon(
            [hip_1 + (-0.032, -0.06), hip_2 + (0.032, -0.06), hip_2 + (0.085, hem),
             hip_1 + (-0.085, hem)],
            outfit.trousers,
        )  # fmt: skip
    else:
        figure.limb([hip_1 + (0.01, -0.01), hip_2 - (0.01, 0.01)], [0.068, 0.068], outfit.trousers)
    figure.limb([neck + (0, 0.02), head], [0.036, 0.036], shade(outfit.skin, 0.88))
    waist_1, waist_2 = (shoulder_1 + hip_1) / 2, (shoulder_2 + hip_2) / 2
    shirt = figure.blob(
        [shoulder_1 + (-0.012, -0.03), neck, shoulder_2 + (0.012, -0.03),
         shoulder_2 + (0.03, 0.03), waist_2 + (0.026, 0), hip_2 + (0.032, -0.012),
         hip_1 + (-0.032, -0.012), waist_1 + (-0.026, 0), shoulder_1 + (-0.03, 0.03)],
        outfit.shirt,
    )  # fmt: skip
    if outfit.stripes:
        dark = sum(outfit.shirt) < 560
        band = blend(outfit.shirt, (255, 255, 255), 0.65) if dark else (60, 84, 140)
        up, out = np.array([0, 0.016]), np.array([0.08, 0])
        for share in (0.2, 0.5, 0.8):
            a = shoulder_1 + share * (hip_1 - shoulder_1)
            b = shoulder_2 + share * (hip_2 - shoulder_2)
            figure.pattern([a - out - up, b + out - up, b + out + up, a - out + up], band, [shirt])


def _left_and_right(pair: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The two joints (2, 2) as they stand in the picture, at least 2 * `least` apart.

    A body seen from the side has its hips behind one another, but is not infinitely thin.
    """
    first, second = pair[np.argsort(pair[:, 0], kind="stable")]
    half = np.array([max(float(second[0] - first[0]) / 2, least), 0])
    middle = (first[0] + second[0]) / 2
    return np.array([middle, first[1]]) - half, np.array([middle, second[1]]) + half
