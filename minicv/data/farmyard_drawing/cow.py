"""A cow: heavy body with patches, udder, horns, a pink muzzle; standing, walking or grazing."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, unit_circle, vary

# Coat, patches (None: one colour).
COATS: tuple[tuple[Colour, Colour | None], ...] = (
    ((243, 240, 232), (38, 34, 34)),
    ((243, 240, 232), (38, 34, 34)),
    ((240, 234, 222), (140, 76, 40)),
    ((158, 88, 46), (240, 232, 218)),
    ((176, 112, 62), None),
    ((52, 46, 46), (236, 232, 226)),
    ((214, 178, 134), None),
)
PINK: Colour = (232, 168, 160)
HOOF: Colour = (58, 48, 44)
HORN: Colour = (226, 212, 180)


def draw_cow(rng: np.random.Generator) -> Figure:
    """A cow that looks to the right, one unit high at the shoulder."""
    coat, patch = COATS[int(rng.integers(len(COATS)))]
    coat = vary(coat, 0.06, rng)
    far_coat = shade(coat, 0.72)
    figure = Figure()
    stretch = rng.uniform(0.92, 1.1)  # length of the body
    grazing = rng.uniform() < 0.3
    stride = rng.uniform(-1, 1) * 0.1

    def leg(hip_x: float, swing: float, colour: Colour, front: bool) -> None:
        hip_x *= stretch
        bend = 0.02 if front else -0.045
        knee = (hip_x + 0.5 * swing + bend, -0.27)
        ankle = (hip_x + swing, -0.065)
        figure.limb([(hip_x, -0.5), knee, ankle], [0.115, 0.062, 0.048], colour)
        x = ankle[0]
        hoof = [(x - 0.052, -0.085), (x + 0.05, -0.085), (x + 0.078, 0), (x - 0.062, 0)]
        figure.polygon(hoof, HOOF)

    leg(0.35, -stride, far_coat, front=True)
    leg(-0.36, stride, far_coat, front=False)

    # The tail hangs from the rump and swings.
    swing = rng.uniform(-0.12, 0.08)
    root, tip = (-0.6 * stretch, -0.86), (-0.68 * stretch + swing, -0.4)
    figure.ribbon([root, (-0.68 * stretch, -0.72), tip], [0.035, 0.022, 0.02], shade(coat, 0.85))
    tuft = patch if patch is not None else shade(coat, 0.6)
    figure.oval((tip[0], tip[1] + 0.06), (0.042, 0.09), tuft, angle=0.2)

    figure.oval((-0.2 * stretch, -0.3), (0.12, 0.1), PINK)
    figure.oval((-0.25 * stretch, -0.2), (0.022, 0.05), shade(PINK, 0.9))
    figure.oval((-0.15 * stretch, -0.2), (0.022, 0.05), shade(PINK, 0.9))

    contour = np.array(
        [(-0.62, -0.66), (-0.57, -0.88), (-0.35, -0.93), (0.0, -0.9), (0.3, -0.95), (0.52, -0.92),
         (0.63, -0.72), (0.55, -0.48), (0.32, -0.35), (0.0, -0.3), (-0.3, -0.34), (-0.52, -0.44)]
    )  # fmt: skip
    body = figure.blob(contour * (stretch, 1), coat)
    bed = [body]
    leg(0.44, stride, coat, front=True)
    leg(-0.46, -stride, coat, front=False)

    # The neck carries the head: straight ahead, raised, or down in the grass.
    shoulder = np.array([0.5 * stretch, -0.76])
    if grazing:
        head_at = shoulder + (0.36, 0.46)
        tilt = rng.uniform(0.85, 1.1)
    else:
        head_at = shoulder + (rng.uniform(0.3, 0.36), rng.uniform(-0.34, -0.16))
        tilt = rng.uniform(0.15, 0.55)
    middle = (shoulder + head_at) / 2
    bed.append(figure.ribbon([shoulder, middle, head_at], [0.23, 0.185, 0.13], coat))

    if patch is not None:
        _patches(figure, patch, bed, stretch, rng)
    _head(figure.part(head_at, tilt), coat, patch, rng)
    return figure


def _patches(
    figure: Figure, colour: Colour, bed: list[int], stretch: float, rng: np.random.Generator
) -> None:
    places = [(-0.48, -0.75), (-0.05, -0.72), (0.38, -0.66), (-0.24, -0.45), (0.16, -0.46)]
    count = int(rng.integers(3, 6))
    for k in rng.permutation(len(places))[:count].tolist():
        x, y = places[k]
        centre = np.array([x * stretch, y]) + rng.uniform(-0.07, 0.07, size=2)
        radius = rng.uniform(0.09, 0.25, size=7)[:, None] * (1.0, 0.85)
        figure.pattern(centre + radius * unit_circle(7), colour, bed)


def _head(head: Figure, coat: Colour, patch: Colour | None, rng: np.random.Generator) -> None:
    """The head in three-quarter view."""
    dark = patch if patch is not None else shade(coat, 0.62)
    head.ribbon([(-0.02, -0.1), (-0.01, -0.2), (0.07, -0.27)], [0.035, 0.03, 0.01], HORN)
    head.blob([(-0.08, -0.1), (-0.2, -0.17), (-0.29, -0.1), (-0.2, -0.04)], shade(dark, 0.9))
    skull = head.blob(
        [(-0.15, -0.03), (-0.1, -0.14), (0.03, -0.16), (0.16, -0.11), (0.31, -0.06),
         (0.36, 0.04), (0.3, 0.12), (0.12, 0.13), (-0.07, 0.13)],
        coat,
    )  # fmt: skip
    if patch is not None and rng.uniform() < 0.75:  # a patch around the eye
        around_eye = [(-0.18, -0.16), (0.02, -0.2), (0.14, -0.1), (0.1, 0.02), (-0.02, 0.08),
                      (-0.2, 0.16)]  # fmt: skip
        head.pattern(around_eye, patch, [skull])
    muzzle = [(0.24, -0.08), (0.35, -0.09), (0.41, 0.0), (0.39, 0.1), (0.28, 0.145), (0.21, 0.06)]
    head.blob(muzzle, PINK)
    head.oval((0.345, -0.015), (0.024, 0.032), shade(PINK, 0.5), angle=head.tilt)
    mouth = [(0.25, 0.085), (0.32, 0.085), (0.38, 0.06)]
    head.ribbon(mouth, [0.008, 0.01, 0.006], shade(PINK, 0.62))
    near_horn = [(-0.06, -0.12), (-0.1, -0.21), (-0.03, -0.3)]
    head.ribbon(near_horn, [0.04, 0.034, 0.01], blend(HORN, (255, 255, 255), 0.3))
    head.blob([(-0.1, -0.08), (-0.22, -0.11), (-0.31, -0.01), (-0.2, 0.03)], dark)
    head.blob([(-0.13, -0.06), (-0.21, -0.08), (-0.26, -0.01), (-0.19, 0.005)], PINK)
    head.oval((0.09, -0.055), (0.042, 0.046), (250, 248, 244))
    head.oval((0.1, -0.05), (0.03, 0.036), (22, 18, 18))
    head.oval((0.11, -0.065), (0.01, 0.01), (255, 255, 255), count=8)
