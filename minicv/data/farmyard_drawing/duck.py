"""A duck: boat-shaped body, orange bill and webbed feet; head up, or bent to feed."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, shade, vary

# Body, wing, head, breast, ring around the neck (None: none).
PLUMAGES: tuple[tuple[Colour, Colour, Colour, Colour, Colour | None], ...] = (
    ((246, 244, 238), (228, 226, 222), (248, 246, 242), (250, 248, 244), None),
    ((250, 214, 70), (238, 190, 44), (252, 220, 84), (252, 226, 110), None),
    ((186, 178, 166), (136, 122, 108), (28, 108, 70), (112, 66, 44), (244, 242, 238)),
    ((168, 128, 86), (122, 88, 58), (142, 104, 68), (186, 146, 102), None),
)
BILL: Colour = (244, 156, 32)


def draw_duck(rng: np.random.Generator) -> Figure:
    """A duck that looks to the right, about one unit high."""
    body, wing, head, breast, ring = PLUMAGES[int(rng.integers(len(PLUMAGES)))]
    body, wing = vary(body, 0.05, rng), vary(wing, 0.05, rng)
    bill = vary(BILL, 0.08, rng)
    figure = Figure()
    stride = rng.uniform(-0.1, 0.1)
    _foot(figure, 0.06 + stride, shade(bill, 0.72))
    _foot(figure, -0.06 - stride, shade(bill, 0.92))

    belly = figure.blob(
        [(-0.62, -0.56), (-0.46, -0.5), (-0.2, -0.56), (0.1, -0.58), (0.34, -0.5), (0.42, -0.34),
         (0.3, -0.18), (0.05, -0.1), (-0.22, -0.14), (-0.44, -0.28), (-0.56, -0.42)],
        body,
    )  # fmt: skip
    figure.pattern(
        [(0.16, -0.62), (0.46, -0.56), (0.48, -0.2), (0.24, -0.12), (0.2, -0.36)], breast, [belly]
    )
    figure.pattern(
        [(-0.7, -0.62), (-0.48, -0.56), (-0.42, -0.42), (-0.62, -0.4)], shade(wing, 0.8), [belly]
    )

    feeding = rng.uniform() < 0.25
    if feeding:
        head_at = np.array([0.52, -0.44 + rng.uniform(-0.06, 0.06)])
        tilt = rng.uniform(0.35, 0.6)
        neck = np.array([(0.26, -0.42), (0.4, -0.5), head_at])
    else:
        head_at = np.array([0.36 + rng.uniform(-0.04, 0.06), -0.86 + rng.uniform(-0.03, 0.05)])
        tilt = rng.uniform(-0.15, 0.2)
        neck = np.array([(0.22, -0.42), (0.32, -0.6), head_at])
    throat = figure.ribbon(neck, [0.17, 0.115, 0.11], head)
    if ring is not None:
        start, end = neck[1], head_at
        along = (end - start) / np.hypot(*(end - start))
        side = np.array([-along[1], along[0]]) * 0.2
        low, high = start - 0.03 * along, start + 0.03 * along
        figure.pattern([low - side, high - side, high + side, low + side], ring, [throat])
        below = [low - side - 0.3 * along, low - side, low + side, low + side - 0.3 * along]
        figure.pattern(below, breast, [throat])

    # The wing lies along the body, its feathers in two rows.
    lift = rng.uniform(0, 0.06)
    pinion = figure.blob(
        [(0.16, -0.42), (0.02, -0.5 - lift), (-0.24, -0.5 - lift), (-0.5, -0.52 - lift),
         (-0.34, -0.36), (-0.14, -0.26), (0.08, -0.3)],
        wing,
    )  # fmt: skip
    for k in range(3):
        x, y = -0.02 - 0.13 * k, -0.3 - 0.045 * k
        feather = [(x, y), (x - 0.12, y - 0.07), (x - 0.3, y - 0.1), (x - 0.14, y - 0.015)]
        figure.pattern(feather, shade(wing, 0.86), [pinion])

    head_part = figure.part(head_at, tilt)
    upper = [(0.1, -0.06), (0.2, -0.03), (0.31, -0.025), (0.33, 0.015), (0.2, 0.035), (0.1, 0.04)]
    head_part.blob(upper, bill)
    lower = [(0.1, 0.03), (0.2, 0.035), (0.28, 0.03), (0.22, 0.07), (0.1, 0.075)]
    head_part.blob(lower, shade(bill, 0.8))
    head_part.oval((0, 0), (0.165, 0.15), head)
    head_part.oval((0.065, -0.045), (0.036, 0.04), (252, 250, 246))
    head_part.oval((0.072, -0.042), (0.026, 0.031), (18, 16, 18))
    head_part.oval((0.082, -0.055), (0.01, 0.01), (255, 255, 255), count=8)
    head_part.oval((0.25, -0.01), (0.012, 0.007), shade(bill, 0.55), count=8)
    return figure


def _foot(figure: Figure, x: float, colour: Colour) -> None:
    figure.limb([(x, -0.16), (x, -0.03)], [0.034, 0.026], colour)
    figure.polygon([(x - 0.04, -0.04), (x + 0.03, -0.05), (x + 0.15, 0.0), (x - 0.05, 0.0)], colour)
