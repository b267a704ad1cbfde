"""A person: a posed skeleton of 14 joints, seen from any side, with clothes and a head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary

# Joints are numbered in the order of Leeds Sports Pose (vision/keypoints.py, LEEDS_SPORTS_JOINTS).

STRAW: Colour = (226, 194, 118)
EYES: Colour = (34, 26, 26)
LIPS: Colour = (150, 56, 56)
BLUSH: Colour = (232, 96, 88)
HATBAND: Colour = (150, 60, 50)
HEAD_RADIUS = 0.078  # of the ball on which the features of the face lie
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
class Pose:
    """Joint positions in space, for a person of height 1."""

    joints: np.ndarray  # (14, 3) x to the right and y down in the picture, z towards the viewer
    turn: float  # 0 faces the viewer, pi/2 faces right in the picture, pi shows the back


def _direction(forward: float, sideways: float, side: float) -> np.ndarray:
    """Unit vector (right, down, ahead) of a limb swung forward and lifted sideways (radians)."""
    down, ahead = np.cos(forward) * np.cos(sideways), np.sin(forward) * np.cos(sideways)
    return np.array([side * np.sin(sideways), down, ahead])


def random_pose(rng: np.random.Generator) -> Pose:
    """A standing, walking, running, waving or stretching person, seen from any side."""
    joints = np.zeros((14, 3))  # right, down, ahead; the middle of the hips is the origin
    kind = rng.uniform()
    gait = rng.uniform(0.1, 0.75) if kind > 0.35 else 0.04  # how far the legs swing
    phase = rng.choice([-1.0, 1.0])
    lean = rng.normal(0, 0.06) + 0.15 * gait
    bow = rng.normal(0, 0.06)  # of the spine, sideways
    for side, hip, knee, ankle, shoulder, elbow, wrist in (
        (1, 2, 1, 0, 8, 7, 6),
        (-1, 3, 4, 5, 9, 10, 11),
    ):
        swing = side * phase * gait * rng.uniform(0.7, 1)
        spread = rng.uniform(0.0, 0.12) + (0.25 * rng.uniform() if kind < 0.35 else 0)
        # The leg that is behind bends its knee more.
        bend = rng.uniform(0, 0.12) + gait * (0.9 if swing < 0 else 0.35) * rng.uniform(0.5, 1)
        joints[hip] = (side * 0.062, 0, 0)
        joints[knee] = joints[hip] + 0.225 * _direction(swing, spread, side)
        joints[ankle] = joints[knee] + 0.215 * _direction(swing - bend, 0.6 * spread, side)
        right = side * 0.108 + 0.28 * np.sin(bow)
        joints[shoulder] = (right, -0.275 * np.cos(lean), 0.28 * np.sin(lean))
        gesture = rng.uniform()
        if gesture < 0.62:  # hangs and swings against the leg
            forward = float(-0.9 * swing + rng.normal(0, 0.12))
            outward = rng.uniform(0.06, 0.3)
            elbow_forward, elbow_outward = rng.uniform(0.05, 0.4) + 0.9 * gait, 0.0
        elif gesture < 0.84:  # waves
            forward, outward = rng.normal(0, 0.15), rng.uniform(1.2, 2.6)
            elbow_forward, elbow_outward = 0.0, rng.uniform(0.1, 1.3)
        else:  # hand on the hip, or pointing ahead
            forward, outward = rng.uniform(-0.3, 1.4), rng.uniform(0.4, 0.9)
            elbow_forward, elbow_outward = rng.uniform(0, 0.7), -rng.uniform(0.4, 1.6)
        joints[elbow] = joints[shoulder] + 0.155 * _direction(forward, outward, side)
        joints[wrist] = joints[elbow] + 0.14 * _direction(
            forward + elbow_forward, outward + elbow_outward, side
        )
    joints[12] = (0.3 * np.sin(bow), -0.305 * np.cos(lean), 0.3 * np.sin(lean))
    nod, tip = rng.normal(0, 0.1) + 0.5 * lean, rng.normal(0, 0.1) + bow
    joints[13] = joints[12] + 0.215 * np.array([np.sin(tip), -np.cos(nod), np.sin(nod)])

    turn = rng.choice([0.0, 0.0, np.pi / 2, np.pi]) + rng.normal(0, 0.35)
    right, down, ahead = joints.T
    x = -right * np.cos(turn) + ahead * np.sin(turn)
    z = right * np.sin(turn) + ahead * np.cos(turn)
    # The lower foot stands on the ground.
    down = down - max(down[0], down[5]) - 0.045
    return Pose(np.stack([x, down, z], axis=1), float(turn))


class _Head:
    """Where points of the head lie in the figure.

    Args:
        centre: (2,) of the head.
        upright: (2,) from the neck to the top of the head.
        looks: unit vector of where the person looks: to the right in the picture, to the viewer.
    """

    def __init__(self, centre: np.ndarray, upright: np.ndarray, looks: np.ndarray) -> None:
        self.centre, self.looks = centre, looks
        self.up = upright / np.hypot(*upright)
        self.right = np.array([-self.up[1], self.up[0]])  # to the right in the picture

    def place(self, points: list[tuple[float, float]]) -> np.ndarray:
        """Points given as (to the right, up) from the centre."""
        return self.centre + np.array(points) @ np.stack([self.right, self.up])

    def on_face(self, angle: float, up: float) -> tuple[np.ndarray, float]:
        """A feature at `angle` round the head, and how much it faces the viewer (-1..1)."""
        to_right = np.sin(angle) * self.looks[1] + np.cos(angle) * self.looks[0]
        to_viewer = np.cos(angle) * self.looks[1] - np.sin(angle) * self.looks[0]
        return self.place([(HEAD_RADIUS * to_right, up)])[0], float(to_viewer)


def _draw_head(figure: Figure, head: _Head, outfit: Outfit) -> None:
    """Add a round head."""
    skin = outfit.skin
    for angle in (-1.65, 1.65):
        ear, facing = head.on_face(angle, -0.005)
        if facing > -0.75:
            figure.oval(ear, (0.018, 0.026), shade(skin, 0.93), count=12)
    face = [(0, 0.1), (0.068, 0.07), (0.083, 0), (0.05, -0.075), (0, -0.095), (-0.05, -0.075),
            (-0.083, 0), (-0.068, 0.07)]  # fmt: skip
    figure.blob(head.place(face), skin)
    _hair(figure, head, outfit.hair, outfit.long_hair)
    if head.looks[1] >= -0.35:
        _features(figure, head, skin)
    if outfit.hat:
        _hat(figure, head)


def _hair(figure: Figure, head: _Head, colour: Colour, long: bool) -> None:
    """It covers the head from behind, its back part from the side, the forehead from the front."""
    sideways, to_viewer = head.looks.tolist()
    if to_viewer < -0.35:
        low = -0.15 if long else -0.055
        outline = [(0, 0.108), (0.08, 0.07), (0.092, 0), (0.06, low), (-0.06, low), (-0.092, 0),
                   (-0.08, 0.07)]  # fmt: skip
    elif abs(sideways) > 0.5:
        low = -0.12 if long else -0.045
        outline = [(0.055, 0.075), (0, 0.108), (-0.085, 0.07), (-0.096, 0), (-0.07, low),
                   (-0.02, 0), (-0.01, 0.045)]  # fmt: skip
        if sideways < 0:
            outline = [(-x, y) for x, y in outline]
    else:
        back = -0.032 * sideways
        outline = [(-0.09, 0), (-0.078, 0.075), (0, 0.112), (0.078, 0.075), (0.09, 0),
                   (0.062, 0.035), (0, 0.052), (-0.062, 0.035)]  # fmt: skip
        outline = [(x + back, y) for x, y in outline]
    figure.blob(head.place(outline), colour)


def _features(figure: Figure, head: _Head, skin: Colour) -> None:
    """Eyes, cheeks, nose and smile, as far as they face the viewer."""
    sideways, to_viewer = head.looks.tolist()
    for angle in (-0.42, 0.42):
        eye, facing = head.on_face(angle, 0.002)
        if facing > 0.15:
            figure.oval(eye, (0.0135, 0.0165), EYES, count=10)
    for angle in (-0.72, 0.72):
        cheek, facing = head.on_face(angle, -0.034)
        if facing > 0.35:
            figure.oval(cheek, (0.015, 0.011), blend(skin, BLUSH, 0.32), count=10)
    nose, _ = head.on_face(0.0, -0.02)
    figure.oval(nose + 0.012 * sideways * head.right, (0.011, 0.011), shade(skin, 0.86), count=10)
    if to_viewer > 0.3:
        corners = ((-0.32, -0.045), (0.0, -0.06), (0.32, -0.045))
        smile = [head.on_face(angle, up)[0] for angle, up in corners]
        figure.ribbon(smile, [0.004, 0.0065, 0.004], LIPS)


def _hat(figure: Figure, head: _Head) -> None:
    """A straw hat with a band."""
    brim = head.place([(-0.15, 0.052), (0, 0.062), (0.15, 0.052)])
    figure.ribbon(brim, [0.012, 0.018, 0.012], shade(STRAW, 0.9))
    crown = [(-0.083, 0.065), (-0.07, 0.13), (0, 0.15), (0.07, 0.13), (0.083, 0.065)]
    figure.blob(head.place(crown), STRAW)
    band = head.place([(-0.083, 0.075), (0, 0.08), (0.083, 0.075)])
    figure.ribbon(band, [0.011, 0.011, 0.011], HATBAND)


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
    _draw_head(figure, _Head(head, top - neck, looks), outfit)
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

    A body seen from the side has one hip behind the other, but it is not infinitely thin.
    """
    first, second = pair[np.argsort(pair[:, 0], kind="stable")]
    half = np.array([max(float(second[0] - first[0]) / 2, least), 0])
    middle = (first[0] + second[0]) / 2
    return np.array([middle, first[1]]) - half, np.array([middle, second[1]]) + half
