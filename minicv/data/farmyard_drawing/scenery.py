"""Trees, a far wood, and tufts of grass with flowers."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.backdrop import Mood
from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary

LEAVES: tuple[Colour, ...] = (
    (58, 116, 48),
    (78, 132, 50),
    (44, 98, 58),
    (110, 140, 52),
    (176, 132, 46),
)
CONIFERS: tuple[Colour, ...] = ((36, 86, 58), (48, 100, 70), (42, 84, 44))
BARK: tuple[Colour, ...] = ((104, 76, 52), (126, 96, 66), (86, 66, 52))
FLOWERS: tuple[Colour, ...] = (
    (250, 248, 240),
    (248, 214, 62),
    (226, 92, 84),
    (180, 132, 206),
    (240, 160, 190),
)


def draw_tree(rng: np.random.Generator) -> Figure:
    """A broad-leaved tree, a conifer or a poplar, one unit high."""
    figure = Figure()
    bark = vary(BARK[int(rng.integers(len(BARK)))], 0.1, rng)
    kind = rng.uniform()
    if kind < 0.3:
        green = vary(CONIFERS[int(rng.integers(len(CONIFERS)))], 0.12, rng)
        figure.polygon([(-0.04, 0), (-0.03, -0.2), (0.03, -0.2), (0.04, 0)], bark)
        for k in range(4):
            low, high = -0.12 - 0.19 * k, -0.48 - 0.175 * k
            half = 0.26 - 0.05 * k
            figure.polygon(
                [(-half, low), (-0.5 * half, low + 0.025), (0, low + 0.04),
                 (0.5 * half, low + 0.025),
                 (half, low), (0.02, high), (-0.02, high)],
                shade(green, 0.82 + 0.09 * k),
            )  # fmt: skip
        return figure
    green = vary(LEAVES[int(rng.integers(len(LEAVES)))], 0.14, rng)
    if kind < 0.45:
        figure.polygon([(-0.03, 0), (-0.02, -0.3), (0.02, -0.3), (0.03, 0)], bark)
        figure.blob([(0, -1.0), (0.1, -0.75), (0.13, -0.4), (0.06, -0.14), (-0.06, -0.14),
                     (-0.13, -0.4),
                     (-0.1, -0.75)], green)  # fmt: skip
        for _ in range(5):
            y = -rng.uniform(0.3, 0.8)
            figure.oval(
                (rng.uniform(-0.05, 0.05), y), (0.05, 0.08), shade(green, rng.uniform(0.88, 1.15))
            )
        return figure
    figure.polygon(
        [(-0.07, 0), (-0.045, -0.12), (-0.04, -0.5), (0.04, -0.5), (0.045, -0.12), (0.07, 0)], bark
    )
    figure.ribbon([(0, -0.34), (0.1, -0.44), (0.18, -0.5)], [0.03, 0.022, 0.014], bark)
    figure.ribbon([(0, -0.3), (-0.1, -0.42), (-0.17, -0.48)], [0.028, 0.022, 0.014], bark)
    crown = [(-0.2, -0.52, 0.15), (0.2, -0.54, 0.15), (0, -0.5, 0.17), (-0.13, -0.7, 0.17),
             (0.14, -0.72, 0.16),
             (0.0, -0.8, 0.17)]  # fmt: skip
    for k, (x, y, radius) in enumerate(crown):
        radius *= rng.uniform(0.9, 1.15)
        figure.oval((x, y), (radius * 1.08, radius), shade(green, 0.84 + 0.04 * k))
    for x, y, radius in crown:  # lighter tufts, towards the sun
        x += rng.uniform(-0.05, 0.05)
        figure.oval(
            (x, y - 0.35 * radius),
            (0.5 * radius, 0.38 * radius),
            shade(green, rng.uniform(1.05, 1.2)),
        )
    return figure


def draw_treeline(rng: np.random.Generator) -> Figure:
    """A far wood: a row of round and pointed crowns along the ground."""
    figure = Figure()
    green = vary(LEAVES[int(rng.integers(3))], 0.1, rng)
    x, end = 0.0, rng.uniform(1.5, 9)
    while x < end:
        tone = shade(blend(green, (150, 176, 178), 0.25), rng.uniform(0.82, 1.12))
        tall = rng.uniform(0.5, 1.0)
        if rng.uniform() < 0.3:
            figure.polygon([(x - 0.25, 0), (x, -1.15 * tall), (x + 0.25, 0)], tone)
        else:
            figure.oval((x, -0.4 * tall), (0.42, 0.6 * tall), tone, count=16)
        bush = shade(tone, 0.88)
        figure.oval(
            (x + rng.uniform(-0.2, 0.2), -0.08), (0.3, rng.uniform(0.14, 0.26)), bush, count=12
        )
        x += rng.uniform(0.25, 0.5)
    return figure


def draw_tufts(depth: float, breadth: float, mood: Mood, rng: np.random.Generator) -> Figure:
    """Grass and flowers on a meadow `breadth` wide, from y = -depth to 0."""
    figure = Figure()
    flower = FLOWERS[int(rng.integers(len(FLOWERS)))]
    count = int(rng.integers(8, 22))
    nearness = rng.uniform(0.12, 1.0, size=count).tolist()
    across = rng.uniform(0, breadth, size=count).tolist()
    flowering = rng.uniform() < 0.6
    for near, x in zip(sorted(nearness), across, strict=True):
        y = -depth * (1 - near)
        tall = (0.02 + 0.05 * near) * rng.uniform(0.7, 1.3)
        if flowering and rng.uniform() < 0.5:
            figure.ribbon([(x, y), (x + 0.1 * tall, y - 0.5 * tall), (x, y - 0.8 * tall)],
                          [0.003] * 3,
                          shade(mood.grass_near, 0.7))  # fmt: skip
            for angle in (0.3, 1.55, 2.8, 4.1, 5.35):
                petal = (
                    x + 0.2 * tall * np.cos(angle),
                    y - 0.85 * tall + 0.17 * tall * np.sin(angle),
                )
                figure.oval(petal, (0.15 * tall, 0.13 * tall), flower, count=8)
            figure.oval((x, y - 0.85 * tall), (0.11 * tall, 0.1 * tall), (240, 190, 50), count=8)
            continue
        for lean in (-0.55, -0.2, 0.15, 0.5):
            tone = shade(mood.grass_near, rng.uniform(0.72, 1.15))
            root = x + 0.25 * lean * tall
            figure.polygon(
                [
                    (root - 0.09 * tall, y),
                    (root + 0.09 * tall, y),
                    (root + lean * tall, y - tall * (1 - 0.3 * abs(lean))),
                ],
                tone,
            )
    return figure
