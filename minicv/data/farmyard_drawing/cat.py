"""A cat: pointed ears, whiskers and a long curled tail; sitting or walking."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary


class Coat(NamedTuple):
    """The colours of a cat."""

    fur: Colour
    stripe: Colour | None  # None: plain
    chest: Colour  # and muzzle


COATS = (
    Coat((226, 142, 62), (178, 92, 30), (250, 232, 208)),
    Coat((226, 142, 62), (178, 92, 30), (244, 196, 140)),
    Coat((142, 140, 142), (84, 82, 88), (228, 226, 224)),
    Coat((58, 56, 64), None, (92, 88, 98)),
    Coat((238, 234, 228), None, (252, 250, 248)),
    Coat((158, 128, 98), (92, 66, 46), (232, 216, 194)),
    Coat((120, 128, 142), None, (176, 182, 192)),
)
EYES: tuple[Colour, ...] = ((150, 196, 72), (236, 190, 60), (96, 176, 206))
NOSE: Colour = (226, 130, 132)


def draw_cat(rng: np.random.Generator) -> Figure:
    """A cat that looks to the right, about one unit high."""
    coat = COATS[int(rng.integers(len(COATS)))]
    coat = coat._replace(fur=vary(coat.fur, 0.08, rng))
    figure = Figure()
    pose = _sitting if rng.uniform() < 0.5 else _walking
    pose(figure, coat, rng)
    return figure


def _sitting(figure: Figure, coat: Coat, rng: np.random.Generator) -> None:
    fur, stripe, chest = coat
    lift = rng.uniform(-0.06, 0.1)
    end = [(-0.52, -0.36 - lift), (-0.4, -0.44 - lift)]
    _tail(figure, [(-0.2, -0.06), (-0.42, -0.03), (-0.56, -0.16), *end], coat)
    body = figure.blob(
        [(0.02, -0.66), (0.2, -0.52), (0.26, -0.25), (0.27, -0.02), (0.0, 0.0), (-0.28, -0.02),
         (-0.35, -0.18), (-0.26, -0.42), (-0.12, -0.6)],
        fur,
    )  # fmt: skip
    if stripe is not None:
        for y in (-0.46, -0.35, -0.24):
            band = [(-0.42, y + 0.03), (-0.2, y - 0.03), (-0.05, y + 0.03), (-0.2, y + 0.02)]
            figure.pattern(band, stripe, [body])
    figure.pattern(
        [(0.08, -0.56), (0.2, -0.45), (0.24, -0.25), (0.13, -0.2), (0.04, -0.38)], chest, [body]
    )
    figure.blob([(-0.32, -0.1), (-0.2, -0.27), (-0.02, -0.24), (0.04, -0.08), (-0.04, 0.0),
                 (-0.26, 0.0)],
                shade(fur, 0.93))  # fmt: skip
    figure.oval((0.0, -0.035), (0.11, 0.042), blend(fur, chest, 0.5))
    figure.limb([(0.22, -0.3), (0.24, -0.05)], [0.06, 0.045], shade(fur, 0.82))
    figure.limb([(0.11, -0.34), (0.13, -0.05)], [0.07, 0.05], fur)
    figure.oval((0.27, -0.035), (0.065, 0.038), shade(chest, 0.9))
    figure.oval((0.16, -0.035), (0.07, 0.042), chest)
    _head(figure.part((0.08, -0.78)), coat, rng)


def _walking(figure: Figure, coat: Coat, rng: np.random.Generator) -> None:
    fur, stripe, chest = coat
    stride = rng.uniform(-1, 1) * 0.1
    far = shade(fur, 0.74)
    sway = rng.uniform(-0.08, 0.1)
    tail = [
        (-0.42, -0.46), (-0.6, -0.52), (-0.68 + sway, -0.74), (-0.6 + sway, -0.94),
        (-0.45 + sway, -0.95), (-0.43 + sway, -0.84),
    ]  # fmt: skip

    def leg(x: float, swing: float, colour: Colour, back: bool) -> None:
        knee = (x + 0.4 * swing + (-0.05 if back else 0.015), -0.19)
        figure.limb([(x, -0.36), knee, (x + swing, -0.04)], [0.095, 0.055, 0.042], colour)
        figure.oval((x + swing + 0.025, -0.033), (0.06, 0.036), blend(colour, chest, 0.4))

    leg(0.27, -stride, far, back=False)
    leg(-0.3, stride, far, back=True)
    _tail(figure, tail, coat)
    body = figure.blob(
        [(-0.46, -0.42), (-0.4, -0.54), (-0.15, -0.56), (0.12, -0.53), (0.34, -0.56),
         (0.42, -0.42), (0.32, -0.27), (0.0, -0.25), (-0.3, -0.26)],
        fur,
    )  # fmt: skip
    if stripe is not None:
        for x in (-0.3, -0.17, -0.04, 0.09):
            band = [(x - 0.02, -0.6), (x + 0.035, -0.6), (x + 0.02, -0.42), (x - 0.01, -0.37)]
            figure.pattern(band, stripe, [body])
    leg(0.33, stride, fur, back=False)
    leg(-0.37, -stride, fur, back=True)
    _head(figure.part((0.46, -0.68)), coat, rng)


def _tail(figure: Figure, points: list[tuple[float, float]], coat: Coat) -> None:
    radii = np.linspace(0.062, 0.04, len(points)).tolist()
    band = figure.ribbon(points, radii, shade(coat.fur, 0.9))
    tip = shade(coat.fur, 0.75) if coat.stripe is None else coat.stripe
    x, y = points[-1]
    figure.pattern([(x - 0.1, y - 0.08), (x + 0.1, y - 0.08), (x + 0.1, y + 0.08),
                    (x - 0.1, y + 0.08)],
                   tip, [band])  # fmt: skip


def _head(head: Figure, coat: Coat, rng: np.random.Generator) -> None:
    """The face, turned to the viewer."""
    fur, stripe, chest = coat
    look = rng.uniform(0.0, 0.05)
    for side in (-1, 1):
        head.polygon([(side * 0.21, -0.04), (side * 0.215, -0.3), (side * 0.035, -0.17)], fur)
        inner_ear = [(side * 0.175, -0.1), (side * 0.185, -0.235), (side * 0.085, -0.155)]
        head.polygon(inner_ear, blend(NOSE, fur, 0.25))
    skull = head.blob(
        [(-0.225, 0.02), (-0.17, -0.13), (0.0, -0.185), (0.17, -0.13), (0.225, 0.02),
         (0.16, 0.125), (0.0, 0.165), (-0.16, 0.125)],
        fur,
    )  # fmt: skip
    if stripe is not None:
        for x in (-0.07, 0.0, 0.07):
            tip = 0.7 * x
            band = [(x - 0.02, -0.22), (x + 0.02, -0.22), (tip + 0.006, -0.08),
                    (tip - 0.006, -0.08)]  # fmt: skip
            head.pattern(band, stripe, [skull])
    head.oval((look, 0.075), (0.11, 0.075), chest)
    iris = EYES[int(rng.integers(len(EYES)))]
    for side in (-1, 1):
        x, y = look + side * 0.095, -0.025
        head.oval((x, y), (0.05, 0.054), iris)
        head.oval((x + 0.004, y), (0.024, 0.046), (16, 16, 18))
        head.oval((x + 0.012, y - 0.02), (0.012, 0.012), (255, 255, 255), count=8)
    head.polygon([(look - 0.03, 0.04), (look + 0.03, 0.04), (look, 0.072)], NOSE)
    line = shade(fur, 0.5) if sum(fur) > 240 else (150, 146, 150)
    for side in (-1, 1):
        smile = [(look, 0.07), (look + side * 0.025, 0.1), (look + side * 0.055, 0.095)]
        head.ribbon(smile, [0.007, 0.008, 0.005], shade(chest, 0.5))
        for rise in (-0.02, 0.03):
            whisker = [(look + side * 0.08, 0.075), (side * 0.19, 0.07 + rise),
                       (side * 0.29, 0.06 + 2 * rise)]  # fmt: skip
            head.ribbon(whisker, [0.007, 0.006, 0.003], line)
