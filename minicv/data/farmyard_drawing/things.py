"""Things placed in a scene: which stay visible, their shadows, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.figure import Figure
from minicv.data.farmyard_drawing.raster import Layer, random_part, rasterise, textures


@dataclass
class Thing:
    """An animal, a person or a tree that stands in the scene."""

    label: int  # its class in the segmentation
    counts: bool  # whether it is an instance with a box and a mask; trees are not
    x: float  # column of its middle
    ground: float  # row it stands on; a thing that stands lower in the picture is nearer
    width: float  # pixels
    layer: Layer
    joints: np.ndarray | None  # (J, 2) x, y in pixels

    @property
    def full_area(self) -> float:
        """Number of pixels it would cover if nothing hid it and the border did not cut it."""
        return float(self.layer.mask.sum()) / self.layer.inside


def place(
    figure: Figure,
    label: int,
    counts: bool,
    at: tuple[float, float],
    scale: float,
    size: tuple[int, int],
    light: tuple[float, float],
    mirror: bool,
    joints: np.ndarray | None = None,
) -> Thing | None:
    """A figure with the middle of its foot at (column, row); None if it is out of the picture."""
    across = np.concatenate([outline[:, 0] for outline in figure.outlines])
    low, high = float(across.min()), float(across.max())
    factors = np.array([-scale if mirror else scale, scale])
    offset = (at[0] - factors[0] * (low + high) / 2, at[1])
    layer = rasterise(figure, size, scale, offset, mirror, light)
    if layer is None:
        return None
    if joints is not None:
        joints = joints * factors + offset
    return Thing(label, counts, at[0], at[1], scale * (high - low), layer, joints)


def keep_visible(
    things: list[Thing], size: tuple[int, int], least_share: float, least_area: float
) -> tuple[list[Thing], np.ndarray]:
    """Drop the instances that can hardly be seen.

    Args:
        things: far ones first.
        size: (H, W).
        least_share: of its full area, how much of an instance must be visible.
        least_area: how many pixels of it must be visible.

    Returns:
        The things that stay, and for each pixel (H, W) the number of the one it shows, or -1.
    """
    things = list(things)
    while True:
        owner = np.full(size, -1)  # (H, W)
        for k, thing in enumerate(things):
            owner[thing.layer.window][thing.layer.mask] = k
        visible = np.bincount(owner.ravel() + 1, minlength=len(things) + 1)[1:]
        # Drop the least visible thing first: those that it hid may become visible enough.
        worst, worst_share = -1, least_share
        for k, thing in enumerate(things):
            if not thing.counts:
                continue
            share = visible[k] / thing.full_area if visible[k] >= least_area else 0.0
            if share < worst_share:
                worst, worst_share = k, share
        if worst < 0:
            return things, owner
        del things[worst]


def cast_shadow(picture: np.ndarray, thing: Thing, strength: float, sun_left: bool) -> None:
    """Darken the ground (H, W, 3) in a soft ellipse under the thing, away from the sun."""
    height, width = picture.shape[:2]
    half = 0.5 * thing.width * (1.0 if thing.counts else 0.55)  # a crown is wider than its shadow
    x, y = thing.x + (0.25 if sun_left else -0.25) * half, thing.ground
    flat = 0.22 * half + 1
    left, right = max(0, int(x - half)), min(width, int(x + half) + 1)
    top, bottom = max(0, int(y - flat)), min(height, int(y + flat) + 1)
    if right <= left or bottom <= top:
        return
    row = (np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - y) / flat
    column = (np.arange(left, right, dtype=np.float32) + 0.5 - x) / half
    dark = np.clip(1.15 * (1 - row**2 - column**2), 0, 1)
    picture[top:bottom, left:right] *= 1 - strength * dark[..., None]


def paint(
    picture: np.ndarray,
    thing: Thing,
    haze: tuple[np.ndarray, float],
    rng: np.random.Generator,
) -> None:
    """Paint a thing over the picture (H, W, 3), with the grain of its coat.

    `haze` is the colour of far things, and its share in the colour of this one.
    """
    layer = thing.layer
    height, width = layer.alpha.shape
    grain = random_part(textures(picture.shape[:2]).grain, height, width, rng)
    strength = 0.035 if thing.counts else 0.11  # leaves are coarser than fur
    layer.colour *= (1 + strength * grain)[..., None]
    colour, share = haze
    layer.colour += share * (colour * layer.alpha[..., None] - layer.colour)
    layer.lay_on(picture)
