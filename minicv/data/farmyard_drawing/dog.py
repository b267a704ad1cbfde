"""A dog: long snout, floppy ears, a collar and a wagging tail; standing or sitting."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, rotate, shade, vary

# Coat, ears and saddle, chest and muzzle, spots (None: none).
COATS: tuple[tuple[Colour, Colour, Colour, Colour | None], ...] = (
    ((170, 110, 62), (104, 62, 34), (232, 206, 170), None),
    ((216, 170, 102), (176, 122, 62), (242, 222, 186), None),
    ((238, 234, 226), (58, 50, 48), (250, 246, 240), (58, 50, 48)),
    ((66, 56, 54), (40, 34, 34), (188, 126, 70), None),
    ((112, 78, 54), (70, 46, 32), (182, 140, 104), None),
    ((236, 228, 214), (168, 98, 48), (250, 244, 236), (168, 98, 48)),
)
COLLARS: tuple[Colour, ...] = ((206, 44, 44), (44, 96, 196), (40, 148, 92), (236, 178, 40))
NOSE: Colour = (30, 24, 26)


def draw_dog(rng: np.random.Generator) -> Figure:
    """A dog that looks to the right, about one unit high."""
    coat, dark, chest, spots = COATS[int(rng.integers(len(COATS)))]
    coat, dark = vary(coat, 0.08, rng), vary(dark, 0.08, rng)
    figure = Figure()
    if rng.uniform() < 0.65:
        _standing(figure, coat, dark, chest, spots, rng)
    else:
        _sitting(figure, coat, dark, chest, spots, rng)
    return figure


def _standing(
    figure: Figure,
    coat: Colour,
    dark: Colour,
    chest: Colour,
    spots: Colour | None,
    rng: np.random.Generator,
) -> None:
    stride = rng.uniform(-1, 1) * 0.11
    far = shade(coat, 0.72)

    def leg(x: float, swing: float, colour: Colour, back: bool) -> None:
        knee = (x + 0.45 * swing + (-0.07 if back else 0.01), -0.24)
        thigh = 0.12 if back else 0.09
        figure.limb([(x, -0.45), knee, (x + swing, -0.045)], [thigh, 0.055, 0.047], colour)
        figure.oval((x + swing + 0.03, -0.038), (0.07, 0.04), blend(colour, chest, 0.5))

    leg(0.25, -stride, far, back=False)
    leg(-0.3, stride, far, back=True)
    wag = rng.uniform(-0.15, 0.1)
    figure.ribbon(
        [(-0.4, -0.58), (-0.54, -0.68), (-0.62 + wag, -0.84), (-0.58 + wag, -0.97)],
        [0.06, 0.05, 0.038, 0.016],
        coat,
    )
    body = figure.blob(
        [(-0.45, -0.5), (-0.42, -0.64), (-0.2, -0.66), (0.1, -0.64), (0.34, -0.7), (0.44, -0.55),
         (0.36, -0.34), (0.12, -0.31), (-0.12, -0.39), (-0.34, -0.37)],
        coat,
    )  # fmt: skip
    if spots is None:
        figure.pattern(
            [(-0.46, -0.7), (0.2, -0.72), (0.2, -0.57), (-0.1, -0.5), (-0.34, -0.54)], dark, [body]
        )
    else:
        _spots(figure, spots, body, (-0.35, 0.3), (-0.62, -0.4), rng)
    figure.pattern(
        [(0.3, -0.5), (0.46, -0.6), (0.46, -0.36), (0.3, -0.3), (0.22, -0.38)], chest, [body]
    )
    leg(0.32, stride, coat, back=False)
    leg(-0.35, -stride, coat, back=True)
    _head(figure, (0.42, -0.66), coat, dark, chest, rng)


def _sitting(
    figure: Figure,
    coat: Colour,
    dark: Colour,
    chest: Colour,
    spots: Colour | None,
    rng: np.random.Generator,
) -> None:
    wag = rng.uniform(-0.05, 0.12)
    figure.ribbon(
        [(-0.3, -0.06), (-0.48, -0.07), (-0.6, -0.14 - wag), (-0.68, -0.26 - wag)],
        [0.06, 0.05, 0.04, 0.016],
        coat,
    )
    figure.limb([(0.26, -0.4), (0.29, -0.05)], [0.07, 0.05], shade(coat, 0.72))
    figure.oval((0.33, -0.035), (0.07, 0.038), shade(chest, 0.75))
    body = figure.blob(
        [(0.1, -0.7), (0.3, -0.6), (0.34, -0.4), (0.22, -0.16), (0.02, -0.01), (-0.3, -0.01),
         (-0.38, -0.16), (-0.28, -0.36), (-0.1, -0.56)],
        coat,
    )  # fmt: skip
    if spots is None:
        figure.pattern(
            [
                (0.1, -0.74),
                (0.06, -0.54),
                (-0.14, -0.36),
                (-0.34, -0.2),
                (-0.5, -0.3),
                (-0.1, -0.7),
            ],
            dark,
            [body],
        )
    else:
        _spots(figure, spots, body, (-0.25, 0.2), (-0.55, -0.15), rng)
    figure.pattern(
        [(0.24, -0.62), (0.4, -0.5), (0.34, -0.25), (0.2, -0.3), (0.18, -0.48)], chest, [body]
    )
    figure.blob([(-0.34, -0.1), (-0.24, -0.29), (-0.02, -0.27), (0.06, -0.1), (0.0, 0.0),
                 (-0.28, 0.0)],
                shade(coat, 0.9))  # fmt: skip
    figure.oval((0.04, -0.035), (0.12, 0.042), blend(coat, chest, 0.5))
    figure.limb([(0.18, -0.42), (0.2, -0.05)], [0.085, 0.052], coat)
    figure.oval((0.24, -0.038), (0.078, 0.042), chest)
    _head(figure, (0.2, -0.7), coat, dark, chest, rng)


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


def _head(
    figure: Figure,
    neck: tuple[float, float],
    coat: Colour,
    dark: Colour,
    chest: Colour,
    rng: np.random.Generator,
) -> None:
    """The neck with its collar, and the head in profile."""
    base = np.asarray(neck)
    at = base + (rng.uniform(0.08, 0.14), -0.24)
    tilt = rng.uniform(-0.25, 0.3)

    def place(points: list[tuple[float, float]]) -> np.ndarray:
        return rotate(np.array(points), tilt) + at

    collar = COLLARS[int(rng.integers(len(COLLARS)))]
    throat = figure.ribbon(
        [base + (-0.06, 0.1), base + (0.02, -0.06), at], [0.17, 0.135, 0.11], coat
    )
    figure.pattern(
        [base + (-0.16, -0.1), base + (0.2, -0.035), base + (0.19, 0.035), base + (-0.18, -0.035)],
        collar,
        [throat],
    )
    figure.oval(base + (0.15, 0.06), (0.03, 0.034), (244, 206, 84), count=12)
    if rng.uniform() < 0.5:  # a tongue
        figure.ribbon(
            place([(0.2, 0.1), (0.25, 0.16), (0.26, 0.22)]), [0.03, 0.034, 0.028], (232, 108, 116)
        )
    figure.blob(
        place([(-0.17, 0.0), (-0.12, -0.14), (0.02, -0.19), (0.12, -0.13), (0.19, -0.055),
               (0.33, -0.04), (0.38, 0.02), (0.34, 0.1), (0.18, 0.125), (0.02, 0.13),
               (-0.11, 0.11)]),
        coat,
    )  # fmt: skip
    figure.blob(
        place(
            [(0.16, -0.02), (0.33, -0.035), (0.38, 0.02), (0.34, 0.1), (0.18, 0.12), (0.11, 0.05)]
        ),
        chest,
    )
    figure.ribbon(
        place([(0.2, 0.075), (0.28, 0.08), (0.35, 0.06)]), [0.006, 0.009, 0.006], shade(chest, 0.45)
    )
    figure.oval(place([(0.365, -0.025)])[0], (0.044, 0.038), NOSE)
    figure.oval(place([(0.375, -0.04)])[0], (0.012, 0.009), (190, 186, 190), count=8)
    white = (250, 248, 244)
    figure.oval(place([(0.1, -0.065)])[0], (0.04, 0.044), white)
    figure.oval(place([(0.11, -0.06)])[0], (0.028, 0.034), (26, 18, 16))
    figure.oval(place([(0.12, -0.075)])[0], (0.01, 0.01), (255, 255, 255), count=8)
    # The near ear hangs over the cheek.
    flap = rng.uniform(-0.04, 0.04)
    figure.blob(
        place([(-0.1, -0.17), (0.0, -0.13), (-0.01, 0.02), (-0.05 + flap, 0.14),
               (-0.15 + flap, 0.13),
               (-0.18, -0.02)]),
        dark,
    )  # fmt: skip
