"""The head of a person: face, hair and hat, seen from any side."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade

STRAW: Colour = (226, 194, 118)
EYES: Colour = (34, 26, 26)
LIPS: Colour = (150, 56, 56)
BLUSH: Colour = (232, 96, 88)
HATBAND: Colour = (150, 60, 50)
RADIUS = 0.078  # of the ball that the features sit on


class _Head:
    """Where points of the head lie in the figure."""

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
        return self.place([(RADIUS * to_right, up)])[0], float(to_viewer)


def draw_head(
    figure: Figure,
    centre: np.ndarray,
    upright: np.ndarray,
    looks: np.ndarray,
    skin: Colour,
    hair: Colour,
    long_hair: bool,
    hat: bool,
) -> None:
    """Add a round head.

    Args:
        figure: what it is added to.
        centre: (2,) of the head.
        upright: (2,) from the neck to the top of the head.
        looks: unit vector of where the person looks: to the right in the picture, to the viewer.
        skin, hair, long_hair, hat: how it looks.
    """
    head = _Head(centre, upright, looks)
    for angle in (-1.65, 1.65):
        ear, facing = head.on_face(angle, -0.005)
        if facing > -0.75:
            figure.oval(ear, (0.018, 0.026), shade(skin, 0.93), count=12)
    figure.blob(
        head.place(
            [(0, 0.1), (0.068, 0.07), (0.083, 0), (0.05, -0.075), (0, -0.095), (-0.05, -0.075),
             (-0.083, 0), (-0.068, 0.07)]
        ),
        skin,
    )  # fmt: skip
    _hair(figure, head, hair, long_hair)
    if looks[1] >= -0.35:
        _features(figure, head, skin)
    if hat:
        _hat(figure, head)


def _hair(figure: Figure, head: _Head, colour: Colour, long: bool) -> None:
    """All over the head from behind, its back from the side, a fringe from the front."""
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
