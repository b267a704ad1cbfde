"""A person: clothes, hair and a face on a posed skeleton."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary
from minicv.data.farmyard_drawing.pose import random_pose

SKIN: tuple[Colour, ...] = (
    (250, 216, 190),
    (236, 190, 156),
    (208, 154, 114),
    (158, 106, 74),
    (104, 68, 48),
)
HAIR: tuple[Colour, ...] = (
    (40, 30, 28),
    (84, 54, 34),
    (134, 84, 44),
    (206, 164, 92),
    (158, 70, 38),
    (150, 148, 148),
)
SHIRTS: tuple[Colour, ...] = (
    (204, 52, 50), (44, 96, 178), (240, 190, 54), (60, 146, 108), (236, 234, 226),
    (136, 78, 158), (238, 132, 60), (86, 182, 206), (224, 120, 152), (70, 74, 86),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (46, 72, 122),
    (92, 76, 60),
    (62, 62, 70),
    (122, 108, 84),
    (70, 96, 72),
    (150, 62, 60),
)
SHOES: tuple[Colour, ...] = (
    (62, 44, 34),
    (40, 40, 46),
    (186, 60, 50),
    (232, 228, 220),
    (74, 108, 70),
)
STRAW: Colour = (226, 194, 118)


def draw_person(rng: np.random.Generator) -> tuple[Figure, np.ndarray]:
    """A person one unit high, and the joints (14, 2) in the figure's units."""
    pose = random_pose(rng)
    xy, depth = pose.joints[:, :2], pose.joints[:, 2]
    figure = Figure()
    skin = vary(SKIN[int(rng.integers(len(SKIN)))], 0.06, rng)
    shirt = vary(SHIRTS[int(rng.integers(len(SHIRTS)))], 0.1, rng)
    trousers = vary(TROUSERS[int(rng.integers(len(TROUSERS)))], 0.1, rng)
    shoes = SHOES[int(rng.integers(len(SHOES)))]
    hair = vary(HAIR[int(rng.integers(len(HAIR)))], 0.1, rng)
    long_sleeves = rng.uniform() < 0.5
    short_trousers = rng.uniform() < 0.25
    skirt = rng.uniform() < 0.25
    long_hair = rng.uniform() < 0.45
    hat = rng.uniform() < 0.3
    stripes = rng.uniform() < 0.25
    ahead = np.array([np.sin(pose.turn), np.cos(pose.turn)])  # x and z of where the person looks

    legs = [(0, 1, 2), (5, 4, 3)]  # ankle, knee, hip
    arms = [(6, 7, 8), (11, 10, 9)]  # wrist, elbow, shoulder
    legs.sort(key=lambda chain: depth[list(chain)].sum())
    arms.sort(key=lambda chain: depth[list(chain)].sum())
    middle = 3 * depth[[2, 3, 8, 9]].mean()

    def arm(chain: tuple[int, int, int], dim: float) -> None:
        wrist, elbow, shoulder = xy[list(chain)]
        hand = wrist + 0.16 * (wrist - elbow)
        sleeve = shade(shirt, dim)
        figure.limb([shoulder, elbow, wrist], [0.04, 0.032, 0.026], shade(skin, dim))
        figure.oval(hand, (0.032, 0.034), shade(skin, dim), count=14)
        if long_sleeves:
            figure.limb(
                [shoulder, elbow, elbow + 0.88 * (wrist - elbow)], [0.05, 0.041, 0.035], sleeve
            )
        else:
            figure.limb([shoulder, shoulder + 0.62 * (elbow - shoulder)], [0.051, 0.048], sleeve)

    def leg(chain: tuple[int, int, int], dim: float) -> None:
        ankle, knee, hip = xy[list(chain)]
        toe = ankle + (0.062 * ahead[0], 0.022 + 0.012 * max(0.0, ahead[1]))
        bare = skirt or short_trousers
        cloth = shade(trousers, dim)
        figure.limb([hip, knee, ankle], [0.066, 0.046, 0.033], shade(skin, dim) if bare else cloth)
        if short_trousers and not skirt:
            figure.limb([hip, hip + 0.8 * (knee - hip)], [0.07, 0.06], cloth)
        figure.limb([ankle + (0, 0.008), toe], [0.036, 0.03], shade(shoes, dim))

    far_arms = [chain for chain in arms if depth[list(chain)].sum() < middle - 0.03]
    near_arms = [chain for chain in arms if chain not in far_arms]
    neck, top = xy[12], xy[13]
    head = neck + 0.54 * (top - neck)
    if long_hair and ahead[1] > -0.2:  # falls behind the shoulders
        figure.oval(head + (-0.03 * ahead[0], 0.055), (0.1, 0.145), shade(hair, 0.8))
    for chain in far_arms:
        arm(chain, 0.8)
    for chain, dim in zip(legs, (0.8, 1.0), strict=True):
        leg(chain, dim)

    # The torso: shoulders and hips, never thinner than a body seen from the side.
    def pair(first: int, second: int, least: float) -> tuple[np.ndarray, np.ndarray]:
        a, b = sorted((xy[first], xy[second]), key=lambda p: float(p[0]))
        centre = (a + b) / 2
        half = max((b[0] - a[0]) / 2, least)
        return np.array([centre[0] - half, a[1]]), np.array([centre[0] + half, b[1]])

    left_hip, right_hip = pair(2, 3, 0.045)
    left_shoulder, right_shoulder = pair(8, 9, 0.055)
    waist_left = (0.5 * left_shoulder + 0.5 * left_hip) + (0.006, 0)
    waist_right = (0.5 * right_shoulder + 0.5 * right_hip) - (0.006, 0)
    wide = 0.032
    if skirt:
        hem = rng.uniform(0.14, 0.22)
        figure.polygon(
            [left_hip + (-wide, -0.06), right_hip + (wide, -0.06), right_hip + (0.085, hem),
             left_hip + (-0.085, hem)],
            trousers,
        )  # fmt: skip
    else:
        figure.limb([left_hip + (0.01, -0.01), right_hip - (0.01, 0.01)], [0.068, 0.068], trousers)
    figure.limb([neck + (0, 0.02), head], [0.036, 0.036], shade(skin, 0.88))
    chest = figure.blob(
        [left_shoulder + (-0.012, -0.03), neck + (0.0, -0.002), right_shoulder + (0.012, -0.03),
         right_shoulder + (0.03, 0.03), waist_right + (wide, 0), right_hip + (wide, -0.012),
         left_hip + (-wide, -0.012), waist_left + (-wide, 0), left_shoulder + (-0.03, 0.03)],
        shirt,
    )  # fmt: skip
    if stripes:
        band = blend(shirt, (255, 255, 255), 0.65) if sum(shirt) < 560 else (60, 84, 140)
        for share in (0.2, 0.5, 0.8):
            a = left_shoulder + share * (left_hip - left_shoulder)
            b = right_shoulder + share * (right_hip - right_shoulder)
            up, out = np.array([0, 0.016]), np.array([0.08, 0])
            figure.pattern([a - out - up, b + out - up, b + out + up, a - out + up], band, [chest])
    _head(figure, head, neck, top, ahead, skin, hair, long_hair, hat)
    for chain in near_arms:
        arm(chain, 1.0 if depth[list(chain)].sum() > middle else 0.93)
    return figure, xy


def _head(
    figure: Figure,
    centre: np.ndarray,
    neck: np.ndarray,
    top: np.ndarray,
    ahead: np.ndarray,
    skin: Colour,
    hair: Colour,
    long_hair: bool,
    hat: bool,
) -> None:
    """A round head whose features sit where they are seen from this side."""
    upright = (top - neck) / np.hypot(*(top - neck))
    right = np.array([-upright[1], upright[0]])  # to the right in the picture

    def place(across: float, up: float) -> np.ndarray:
        return centre + across * right + up * upright

    def on_face(angle: float, up: float) -> tuple[np.ndarray, float]:
        """Position of a feature at `angle` round the head, and how much it faces the viewer."""
        x = np.sin(angle) * ahead[1] + np.cos(angle) * ahead[0]
        z = np.cos(angle) * ahead[1] - np.sin(angle) * ahead[0]
        return place(0.078 * x, up), z

    for angle in (-1.65, 1.65):  # ears
        ear, facing = on_face(angle, -0.005)
        if facing > -0.75:
            figure.oval(ear, (0.018, 0.026), shade(skin, 0.93), count=12)
    figure.blob(
        [place(0, 0.1), place(0.068, 0.07), place(0.083, 0.0), place(0.05, -0.075),
         place(0, -0.095),
         place(-0.05, -0.075), place(-0.083, 0.0), place(-0.068, 0.07)],
        skin,
    )  # fmt: skip
    # Hair covers the side that looks away from the viewer, and a fringe.
    back = -0.032 * ahead[0]
    if ahead[1] < -0.35:
        length = -0.15 if long_hair else -0.055
        figure.blob(
            [place(0, 0.108), place(0.08, 0.07), place(0.092, 0.0), place(0.06, length),
             place(-0.06, length),
             place(-0.092, 0.0), place(-0.08, 0.07)],
            hair,
        )  # fmt: skip
    else:
        side = 1.0 if ahead[0] > 0 else -1.0
        if abs(ahead[0]) > 0.5:  # seen from the side: the back of the head
            low = -0.12 if long_hair else -0.045
            figure.blob(
                [place(side * 0.055, 0.075), place(0, 0.108), place(-side * 0.085, 0.07),
                 place(-side * 0.096, 0.0),
                 place(-side * 0.07, low), place(-side * 0.02, 0.0), place(-side * 0.01, 0.045)],
                hair,
            )  # fmt: skip
        else:
            figure.blob(
                [place(-0.09 + back, 0.0), place(-0.078 + back, 0.075), place(back, 0.112),
                 place(0.078 + back, 0.075),
                 place(0.09 + back, 0.0), place(0.062 + back, 0.035), place(0.0 + back, 0.052),
                 place(-0.062 + back, 0.035)],
                hair,
            )  # fmt: skip
        for angle in (-0.42, 0.42):
            eye, facing = on_face(angle, 0.002)
            if facing > 0.15:
                figure.oval(eye, (0.0135, 0.0165), (34, 26, 26), count=10)
        for angle in (-0.72, 0.72):
            cheek, facing = on_face(angle, -0.034)
            if facing > 0.35:
                figure.oval(cheek, (0.015, 0.011), blend(skin, (232, 96, 88), 0.32), count=10)
        nose, facing = on_face(0.0, -0.02)
        figure.oval(nose + 0.012 * ahead[0] * right, (0.011, 0.011), shade(skin, 0.86), count=10)
        smile = [
            on_face(angle, up)[0] for angle, up in ((-0.32, -0.045), (0.0, -0.06), (0.32, -0.045))
        ]
        if ahead[1] > 0.3:
            figure.ribbon(smile, [0.004, 0.0065, 0.004], (150, 56, 56))
    if hat:
        figure.ribbon(
            [place(-0.15, 0.052), place(0.0, 0.062), place(0.15, 0.052)],
            [0.012, 0.018, 0.012],
            shade(STRAW, 0.9),
        )
        figure.blob(
            [
                place(-0.083, 0.065),
                place(-0.07, 0.13),
                place(0.0, 0.15),
                place(0.07, 0.13),
                place(0.083, 0.065),
            ],
            STRAW,
        )
        figure.ribbon([place(-0.083, 0.075), place(0, 0.08), place(0.083, 0.075)],
                      [0.011, 0.011, 0.011],
                      (150, 60, 50))  # fmt: skip
