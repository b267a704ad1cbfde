"""Figures made of smooth shapes.

A figure is a list of coloured polygons in its own units: x points where it faces, y points down and
the ground is y = 0, so that a figure of height 1 reaches up to y = -1. It is painted in the order
in which its shapes were added (`raster.py`). Points are (P, 2) x, y; a point is (2,).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

Colour = tuple[int, int, int]  # red, green, blue in 0..255


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (factor < 1) or lighter (factor > 1).

    >>> shade((100, 50, 200), 1.5)
    (150, 75, 255)
    """
    red, green, blue = (min(255, max(0, int(part * factor + 0.5))) for part in colour)
    return red, green, blue


def blend(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with the given share of `second` mixed in.

    >>> blend((0, 0, 0), (200, 100, 50), 0.5)
    (100, 50, 25)
    """
    red, green, blue = (int(a + (b - a) * share + 0.5) for a, b in zip(first, second, strict=True))
    return red, green, blue


def vary(colour: Colour, amount: float, rng: np.random.Generator) -> Colour:
    """`colour` made lighter or darker and a little more colourful, by up to `amount` (a share)."""
    factors = (1 + amount * rng.uniform(-1, 1)) * (1 + 0.4 * amount * rng.uniform(-1, 1, size=3))
    red, green, blue = (
        min(255, max(0, int(part * f + 0.5)))
        for part, f in zip(colour, factors.tolist(), strict=True)
    )
    return red, green, blue


@cache
def _catmull_rom(count: int, detail: int) -> np.ndarray:
    """Matrix that turns `count` control points into a closed curve of count*detail points."""
    t = np.arange(detail) / detail
    # Weights of the previous, this, the next and the next-but-one point (Catmull & Rom 1974).
    weights = 0.5 * np.stack(
        [-(t**3) + 2 * t**2 - t, 3 * t**3 - 5 * t**2 + 2, -3 * t**3 + 4 * t**2 + t, t**3 - t**2]
    )  # (4, detail)
    matrix = np.zeros((count, detail, count))
    for segment in range(count):
        for k in range(4):
            matrix[segment, :, (segment + k - 1) % count] += weights[k]
    return matrix.reshape(count * detail, count)


@cache
def unit_circle(count: int) -> np.ndarray:
    """So many points around the circle of radius 1: (count, 2)."""
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@cache
def _half_circle(count: int) -> np.ndarray:
    angle = np.linspace(-np.pi / 2, np.pi / 2, count)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (count, 2)


def _cap(centre: np.ndarray, towards: np.ndarray, radius: float) -> np.ndarray:
    """The half circle (9, 2) about `centre` that looks in the direction of a unit vector."""
    x, y = towards.tolist()
    return centre + _half_circle(9) @ np.array([[x, y], [-y, x]]) * radius


def smooth_closed(points: ArrayLike, detail: int = 6) -> np.ndarray:
    """A smooth closed curve through `points`: (P, 2) -> (P * detail, 2)."""
    control = np.asarray(points, dtype=np.float64)
    return _catmull_rom(len(control), detail) @ control


def smooth_open(points: ArrayLike, detail: int = 6) -> np.ndarray:
    """A smooth open curve through `points`: (P, 2) -> ((P - 1) * detail + 1, 2)."""
    control = np.asarray(points, dtype=np.float64)
    # Mirrored end points make the curve leave and arrive straight.
    before, after = 2 * control[:1] - control[1:2], 2 * control[-1:] - control[-2:-1]
    padded = np.concatenate([before, control, after])
    curve = _catmull_rom(len(padded), detail) @ padded
    return np.concatenate([curve[detail : detail * len(control)], control[-1:]])


def rotate(points: ArrayLike, angle: float, about: ArrayLike = (0.0, 0.0)) -> np.ndarray:
    """`points` turned by `angle` radians about a point, from +x towards +y (down)."""
    cos, sin = np.cos(angle), np.sin(angle)
    centre = np.asarray(about, dtype=np.float64)
    return (np.asarray(points) - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre


class Figure:
    """Coloured shapes in painting order; see the module's text for the units."""

    def __init__(self) -> None:
        self.outlines: list[np.ndarray] = []  # each (P, 2)
        self.colours: list[Colour] = []
        # Shape index -> indices of the shapes it is cut to (a cow's patch to the cow's body).
        self.clips: dict[int, tuple[int, ...]] = {}
        self.at: np.ndarray = np.zeros(2)
        self.tilt = 0.0

    def part(self, at: ArrayLike, tilt: float = 0.0) -> Figure:
        """The same figure for shapes of a part, such as the head, in the part's own coordinates.

        The part's origin lies at the point `at` of the figure. `tilt` turns the places of shapes
        about it, in radians; the radii of an oval are turned by `angle` alone.
        """
        part = copy.copy(self)  # both add their shapes to the same lists
        part.at, part.tilt = np.asarray(at, dtype=np.float64), tilt
        return part

    def _place(self, points: ArrayLike) -> np.ndarray:
        """(P, 2) in the coordinates of the part -> (P, 2) in those of the figure."""
        turned = rotate(points, self.tilt) if self.tilt else np.asarray(points, dtype=np.float64)
        return turned + self.at

    def _add(self, outline: np.ndarray, colour: Colour) -> int:
        self.outlines.append(outline)
        self.colours.append(colour)
        return len(self.outlines) - 1

    def polygon(self, points: ArrayLike, colour: Colour) -> int:
        """Add a polygon (P, 2); returns its number, for `pattern`."""
        return self._add(self._place(points), colour)

    def blob(self, points: ArrayLike, colour: Colour) -> int:
        """Add a smooth closed shape through the points."""
        return self._add(smooth_closed(self._place(points)), colour)

    def oval(
        self,
        centre: ArrayLike,
        radii: ArrayLike,
        colour: Colour,
        angle: float = 0.0,
        count: int = 20,
    ) -> int:
        """Add an ellipse of the given radii (rx, ry), turned by `angle`."""
        outline = unit_circle(count) * np.asarray(radii)
        if angle:
            outline = rotate(outline, angle)
        return self._add(outline + self._place(np.atleast_2d(centre)), colour)

    def limb(self, joints: ArrayLike, radii: Sequence[float], colour: Colour) -> list[int]:
        """Add a tube with round joints: one tapered capsule for each pair of neighbours."""
        places = self._place(joints)  # (J, 2)
        numbers = []
        for a, b, radius_a, radius_b in zip(
            places[:-1], places[1:], radii[:-1], radii[1:], strict=True
        ):
            along = (b - a) / max(np.hypot(*(b - a)), 1e-9)
            outline = np.concatenate([_cap(b, along, radius_b), _cap(a, -along, radius_a)])
            numbers.append(self._add(outline, colour))
        return numbers

    def ribbon(self, points: ArrayLike, radii: Sequence[float], colour: Colour) -> int:
        """Add a smooth tapered band along the points (tails, necks, horns)."""
        table = np.column_stack([self._place(points), np.asarray(radii)])
        curve = smooth_open(table, detail=5)  # (M, 3): x, y, radius
        along = np.empty((len(curve), 2))  # direction of the band, from its neighbours
        along[1:-1] = curve[2:, :2] - curve[:-2, :2]
        along[0], along[-1] = curve[1, :2] - curve[0, :2], curve[-1, :2] - curve[-2, :2]
        along /= np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
        side = np.stack([-along[:, 1], along[:, 0]], axis=1) * curve[:, 2:]
        left, right = curve[1:-1, :2] + side[1:-1], curve[1:-1, :2] - side[1:-1]
        tip = _cap(curve[-1, :2], along[-1], curve[-1, 2])
        root = _cap(curve[0, :2], -along[0], curve[0, 2])
        return self._add(np.concatenate([right, tip, left[::-1], root]), colour)

    def pattern(self, points: ArrayLike, colour: Colour, on: Sequence[int]) -> int:
        """Add a smooth shape that shows only on the shapes numbered `on`."""
        number = self.blob(points, colour)
        self.clips[number] = tuple(on)
        return number
