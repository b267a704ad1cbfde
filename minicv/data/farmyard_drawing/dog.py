"""A dog: long snout, floppy ears, a collar and a wagging tail; standing or sitting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary


class Coat(NamedTuple):
    """The colours of a dog."""

    fur: Colour
    dark: Colour  # ears and saddle
    chest: Colour  # and muzzle
    spots: Colour | None  # None: none


COATS = (
    Coat((170, 110, 62), (104, 62, 34), (232, 206, 170), None),
    Coat((216, 170, 102), (176, 122, 62), (242, 222, 186), None),
    Coat((238, 234, 226), (58, 50, 48), (250, 246, 240), (58, 50, 48)),
    Coat((66, 56, 54), (40, 34, 34), (188, 126, 70), None),
    Coat((112, 78, 54), (70, 46, 32), (182, 140, 104), None),
    Coat((236, 228, 214), (168, 98, 48), (250, 244, 236), (168, 98, 48)),
)
COLLARS: tuple[Colour, ...] = ((206, 44, 44), (44, 96, 196), (40, 148, 92), (236, 178, 40))
NOSE: Colour = (30, 24, 26)


def draw_dog(rng: np.random.Generator) -> Figure:
    """A dog that looks to the right, about one unit high."""
    coat = COATS[int(rng.integers(len(COATS)))]
    coat = coat._replace(fur=vary(coat.fur, 0.08, rng), dark=vary(coat.dark, 0.08, rng))
    figure = Figure()
    pose = _standing if rng.uniform() < 0.65 else _sitting
    pose(figure, coat, rng)
    return figure


def _standing(figure: Figure, coat: Coat, rng: np.random.Generator) -> None:
    fur, dark, chest, spots = coat
    stride = rng.uniform(-1, 1) * 0.11
    far = shade(fur, 0.72)

    def leg(x: float, swing: float, colour: Colour, back: bool) -> None:
        knee = (x + 0.45 * swing + (-0.07 if back else 0.01), -0.24)
        thigh = 0.12 if back else 0.09
        figure.limb([(x, -0.45), knee, (x + swing, -0.045)], [thigh, 0.055, 0.047], colour)
        figure.oval((x + swing + 0.03, -0.038), (0.07, 0.04), blend(colour, chest, 0.5))

    leg(0.25, -stride, far, back=False)
    leg(-0.3, stride, far, back=True)
    wag = rng.uniform(-0.15, 0.1)
    tail = [(-0.4, -0.58), (-0.54, -0.68), (-0.62 + wag, -0.84), (-0.58 + wag, -0.97)]
    figure.ribbon(tail, [0.06, 0.05, 0.038, 0.016], fur)
    body = figure.blob(
        [(-0.45, -0.5), (-0.42, -0.64), (-0.2, -0.66), (0.1, -0.64), (0.34, -0.7), (0.44, -0.55),
         (0.36, -0.34), (0.12, -0.31), (-0.12, -0.39), (-0.34, -0.37)],
        fur,
    )  # fmt: skip
    if spots is None:
        saddle = [(-0.46, -0.7), (0.2, -0.72), (0.2, -0.57), (-0.1, -0.5), (-0.34, -0.54)]
        figure.pattern(saddle, dark, [body])
    else:
        _spots(figure, spots, body, (-0.35, 0.3), (-0.62, -0.4), rng)
    figure.pattern(
        [(0.3, -0.5), (0.46, -0.6), (0.46, -0.36), (0.3, -0.3), (0.22, -0.38)], chest, [body]
    )
    leg(0.32, stride, fur, back=False)
    leg(-0.35, -stride, fur, back=True)
    _head(figure, (0.42, -0.66), coat, rng)


def _sitting(figure: Figure, coat: Coat, rng: np.random.Generator) -> None:
    fur, dark, chest, spots = coat
    wag = rng.uniform(-0.05, 0.12)
    tail = [(-0.3, -0.06), (-0.48, -0.07), (-0.6, -0.14 - wag), (-0.68, -0.26 - wag)]
    figure.ribbon(tail, [0.06, 0.05, 0.04, 0.016], fur)
    figure.limb([(0.26, -0.4), (0.29, -0.05)], [0.07, 0.05], shade(fur, 0.72))
    figure.oval((0.33, -0.035), (0.07, 0.038), shade(chest, 0.75))
    body = figure.blob(
        [(0.1, -0.7), (0.3, -0.6), (0.34, -0.4), (0.22, -0.16), (0.02, -0.01), (-0.3, -0.01),
         (-0.38, -0.16), (-0.28, -0.36), (-0.1, -0.56)],
        fur,
    )  # fmt: skip
    if spots is None:
        saddle = [(0.1, -0.74), (0.06, -0.54), (-0.14, -0.36), (-0.34, -0.2), (-0.5, -0.3),
                  (-0.1, -0.7)]  # fmt: skip
        figure.pattern(saddle, dark, [body])
    else:
        _spots(figure, spots, body, (-0.25, 0.2), (-0.55, -0.15), rng)
    figure.pattern(
        [(0.24, -0.62), (0.4, -0.5), (0.34, -0.25), (0.2, -0.3), (0.18, -0.48)], chest, [body]
    )
    haunch = [(-0.34, -0.1), (-0.24, -0.29), (-0.02, -0.27), (0.06, -0.1), (0.0, 0.0), (-0.28, 0.0)]
    figure.blob(haunch, shade(fur, 0.9))
    figure.oval((0.04, -0.035), (0.12, 0.042), blend(fur, chest, 0.5))
    figure.limb([(0.18, -0.42), (0.2, -0.05)], [0.085, 0.052], fur)
    figure.oval((0.24, -0.038), (0.078, 0.042), chest)
    _head(figure, (0.2, -0.7), coat, rng)


def _spots(
    figure: Figure,
    colour: Colour,
    body: int,
    across: tuple[float, float],
    down: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    for _ in range(int(rng.integers(4, 8))):
        centre = np.array([rng.uniform(*across), rng.uniform(*down)])
        radius = rng.uniform(0.035, 0.085)
        angles = np.arange(5) * (2 * np.pi / 5) + rng.uniform(0, 1)
        ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        figure.pattern(centre + radius * ring, colour, [body])


def _head(figure: Figure, neck: tuple[float, float], coat: Coat, rng: np.random.Generator) -> None:
    """The neck with its collar, and the head in profile."""
    base = np.asarray(neck)
    at = base + (rng.uniform(0.08, 0.14), -0.24)
    head = figure.part(at, tilt=rng.uniform(-0.25, 0.3))
    collar = COLLARS[int(rng.integers(len(COLLARS)))]
    spine = [base + (-0.06, 0.1), base + (0.02, -0.06), at]
    throat = figure.ribbon(spine, [0.17, 0.135, 0.11], coat.fur)
    band = figure.part(base)
    band.pattern([(-0.16, -0.1), (0.2, -0.035), (0.19, 0.035), (-0.18, -0.035)], collar, [throat])
    band.oval((0.15, 0.06), (0.03, 0.034), (244, 206, 84), count=12)
    if rng.uniform() < 0.5:  # a tongue
        tongue = [(0.2, 0.1), (0.25, 0.16), (0.26, 0.22)]
        head.ribbon(tongue, [0.03, 0.034, 0.028], (232, 108, 116))
    head.blob(
        [(-0.17, 0.0), (-0.12, -0.14), (0.02, -0.19), (0.12, -0.13), (0.19, -0.055),
         (0.33, -0.04), (0.38, 0.02), (0.34, 0.1), (0.18, 0.125), (0.02, 0.13), (-0.11, 0.11)],
        coat.fur,
    )  # fmt: skip
    muzzle = [(0.16, -0.02), (0.33, -0.035), (0.38, 0.02), (0.34, 0.1), (0.18, 0.12), (0.11, 0.05)]
    head.blob(muzzle, coat.chest)
    mouth = [(0.2, 0.075), (0.28, 0.08), (0.35, 0.06)]
    head.ribbon(mouth, [0.006, 0.009, 0.006], shade(coat.chest, 0.45))
    head.oval((0.365, -0.025), (0.044, 0.038), NOSE)
    head.oval((0.375, -0.04), (0.012, 0.009), (190, 186, 190), count=8)
    head.oval((0.1, -0.065), (0.04, 0.044), (250, 248, 244))
    head.oval((0.11, -0.06), (0.028, 0.034), (26, 18, 16))
    head.oval((0.12, -0.075), (0.01, 0.01), (255, 255, 255), count=8)
    # The near ear hangs over the cheek.
    flap = rng.uniform(-0.04, 0.04)
    head.blob(
        [(-0.1, -0.17), (0.0, -0.13), (-0.01, 0.02), (-0.05 + flap, 0.14), (-0.15 + flap, 0.13),
         (-0.18, -0.02)],
        coat.dark,
    )  # fmt: skip
