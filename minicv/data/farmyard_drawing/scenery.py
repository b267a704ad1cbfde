"""The scenery: weather, sky with sun and clouds, hills, meadow, trees, and tufts with flowers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, shade, vary
from minicv.data.farmyard_drawing.raster import random_part, rasterise, textures

LEAVES: tuple[Colour, ...] = (
    (58, 116, 48), (78, 132, 50), (44, 98, 58), (110, 140, 52), (176, 132, 46),
)  # fmt: skip
CONIFERS: tuple[Colour, ...] = ((36, 86, 58), (48, 100, 70), (42, 84, 44))
BARK: tuple[Colour, ...] = ((104, 76, 52), (126, 96, 66), (86, 66, 52))
FLOWERS: tuple[Colour, ...] = (
    (250, 248, 240), (248, 214, 62), (226, 92, 84), (180, 132, 206), (240, 160, 190),
)  # fmt: skip


@dataclass(frozen=True)
class Mood:
    """The weather and the hour."""

    sky_top: Colour
    sky_low: Colour
    cloud: Colour
    grass_far: Colour
    grass_near: Colour
    light: Colour  # the colour that multiplies the finished picture; 255 changes nothing
    shadow: float  # how dark the shadows are


MOODS: tuple[Mood, ...] = (
    Mood(  # a clear noon
        sky_top=(74, 148, 220), sky_low=(190, 224, 244), cloud=(252, 253, 255),
        grass_far=(146, 190, 92), grass_near=(86, 148, 56), light=(255, 255, 252), shadow=0.42,
    ),
    Mood(  # a summer's morning
        sky_top=(100, 172, 230), sky_low=(214, 234, 240), cloud=(255, 255, 255),
        grass_far=(166, 198, 96), grass_near=(104, 158, 60), light=(255, 252, 244), shadow=0.42,
    ),
    Mood(  # a golden evening
        sky_top=(104, 130, 186), sky_low=(252, 206, 152), cloud=(255, 226, 200),
        grass_far=(176, 176, 88), grass_near=(116, 136, 54), light=(255, 240, 218), shadow=0.46,
    ),
    Mood(  # overcast
        sky_top=(150, 164, 178), sky_low=(208, 214, 218), cloud=(232, 236, 240),
        grass_far=(138, 166, 98), grass_near=(86, 126, 66), light=(240, 244, 248), shadow=0.25,
    ),
    Mood(  # dawn
        sky_top=(140, 160, 208), sky_low=(246, 214, 214), cloud=(255, 240, 240),
        grass_far=(158, 186, 112), grass_near=(96, 148, 76), light=(250, 244, 250), shadow=0.32,
    ),
)  # fmt: skip


def paint_backdrop(
    size: tuple[int, int], mood: Mood, sun_left: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Sky, hills and meadow.

    Returns:
        The picture (H, W, 3) float32; how much of each pixel is ground, not sky (H, W); and the row
        at which the meadow begins.
    """
    height, width = size
    horizon = height * rng.uniform(0.26, 0.5)
    row = np.arange(height, dtype=np.float32)[:, None] + 0.5  # (H, 1) pixel centres
    column = (np.arange(width, dtype=np.float32) + 0.5) / width  # (W,) 0..1

    picture = np.empty((height, width, 3), np.float32)
    picture[:] = _mix(mood.sky_top, mood.sky_low, np.clip(row / horizon, 0, 1)[..., None])
    if rng.uniform() < 0.4:
        _sun(picture, horizon, sun_left, rng)
    for _ in range(int(rng.integers(0, 4))):
        _cloud(picture, horizon, mood, rng)

    ground = np.zeros((height, width), np.float32)
    for distance in (0.55, 0.3) if rng.uniform() < 0.75 else ():  # hills, the far ones paler
        waves = sum(
            rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * (k * 0.6 * column + rng.uniform()))
            for k in (1, 2, 3)
        )
        edge = horizon - height * (0.02 + 0.11 * distance + 0.045 * waves)  # (W,)
        cover = np.clip(row - edge + 0.5, 0, 1) * np.clip(horizon - row + 1.5, 0, 1)  # (H, W)
        hill = blend(blend(mood.grass_far, (70, 120, 80), 0.3), mood.sky_low, distance)
        picture += cover[..., None] * (np.array(hill, np.float32) / 255 - picture)
        ground = np.maximum(ground, cover)

    cover = np.clip(row - horizon + 0.5, 0, 1)  # (H, 1)
    nearness = np.clip((row - horizon) / (height - horizon), 0, 1)  # (H, 1)
    far, near = vary(mood.grass_far, 0.08, rng), vary(mood.grass_near, 0.12, rng)
    meadow = _mix(far, near, nearness[..., None])
    texture = 1.03 + 0.07 * nearness * random_part(textures(size).blades, height, width, rng)
    texture = texture + 0.055 * random_part(textures(size).patches, height, width, rng)
    picture += cover[..., None] * (meadow * texture[..., None] - picture)
    return picture, np.maximum(ground, cover), float(horizon)


def _mix(first: Colour, second: Colour, share: np.ndarray) -> np.ndarray:
    """Colours in 0..1 between two: share (..., 1) -> (..., 3)."""
    a, b = np.array(first, np.float32) / 255, np.array(second, np.float32) / 255
    return a + (b - a) * share


def _sun(picture: np.ndarray, horizon: float, left: bool, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    x = width * (rng.uniform(0.05, 0.35) if left else rng.uniform(0.65, 0.95))
    y = horizon * rng.uniform(0.12, 0.6)
    radius = 0.045 * min(height, width)
    row = np.arange(height, dtype=np.float32)[:, None] + 0.5
    column = np.arange(width, dtype=np.float32) + 0.5
    distance = np.sqrt((row - y) ** 2 + (column - x) ** 2)
    disc = np.clip(radius - distance + 0.5, 0, 1)
    glow = 0.5 * np.exp(-distance / (2.5 * radius))
    colour = np.array((1.0, 0.95, 0.76), np.float32)
    picture += np.maximum(disc, glow)[..., None] * (colour - picture)


def _cloud(picture: np.ndarray, horizon: float, mood: Mood, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    figure = Figure()
    count = int(rng.integers(3, 6))
    figure.oval((0, -0.09), (0.14 * count, 0.09), mood.cloud)
    for k in range(count):
        x = (k - (count - 1) / 2) * 0.2 + rng.uniform(-0.04, 0.04)
        bulge = rng.uniform(0.12, 0.2) * (1.25 - abs(k - (count - 1) / 2) / count)
        figure.oval((x, -0.12 - 0.4 * bulge), (1.2 * bulge, bulge), mood.cloud)
    scale = rng.uniform(0.18, 0.42) * min(height, width)
    offset = (rng.uniform(0, width), horizon * rng.uniform(0.25, 0.85))
    size = (height, width)
    layer = rasterise(figure, size, scale, offset, light=(0, 0.5), relief=0.06, supersample=2)
    if layer is not None:
        layer.alpha *= 0.85  # a little of the sky shows through
        layer.colour *= 0.85
        layer.lay_on(picture)


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
                 (0.5 * half, low + 0.025), (half, low), (0.02, high), (-0.02, high)],
                shade(green, 0.82 + 0.09 * k),
            )  # fmt: skip
        return figure
    green = vary(LEAVES[int(rng.integers(len(LEAVES)))], 0.14, rng)
    if kind < 0.45:
        figure.polygon([(-0.03, 0), (-0.02, -0.3), (0.02, -0.3), (0.03, 0)], bark)
        poplar = [(0, -1.0), (0.1, -0.75), (0.13, -0.4), (0.06, -0.14), (-0.06, -0.14),
                  (-0.13, -0.4), (-0.1, -0.75)]  # fmt: skip
        figure.blob(poplar, green)
        for _ in range(5):
            y, x = -rng.uniform(0.3, 0.8), rng.uniform(-0.05, 0.05)
            figure.oval((x, y), (0.05, 0.08), shade(green, rng.uniform(0.88, 1.15)))
        return figure
    stem = [(-0.07, 0), (-0.045, -0.12), (-0.04, -0.5), (0.04, -0.5), (0.045, -0.12), (0.07, 0)]
    figure.polygon(stem, bark)
    figure.ribbon([(0, -0.34), (0.1, -0.44), (0.18, -0.5)], [0.03, 0.022, 0.014], bark)
    figure.ribbon([(0, -0.3), (-0.1, -0.42), (-0.17, -0.48)], [0.028, 0.022, 0.014], bark)
    crown = [(-0.2, -0.52, 0.15), (0.2, -0.54, 0.15), (0, -0.5, 0.17), (-0.13, -0.7, 0.17),
             (0.14, -0.72, 0.16), (0.0, -0.8, 0.17)]  # fmt: skip
    for k, (x, y, radius) in enumerate(crown):
        radius *= rng.uniform(0.9, 1.15)
        figure.oval((x, y), (radius * 1.08, radius), shade(green, 0.84 + 0.04 * k))
    for x, y, radius in crown:  # lighter tufts, towards the sun
        x += rng.uniform(-0.05, 0.05)
        tone = shade(green, rng.uniform(1.05, 1.2))
        figure.oval((x, y - 0.35 * radius), (0.5 * radius, 0.38 * radius), tone)
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
        bush = (x + rng.uniform(-0.2, 0.2), -0.08)
        figure.oval(bush, (0.3, rng.uniform(0.14, 0.26)), shade(tone, 0.88), count=12)
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
            stem = [(x, y), (x + 0.1 * tall, y - 0.5 * tall), (x, y - 0.8 * tall)]
            figure.ribbon(stem, [0.003] * 3, shade(mood.grass_near, 0.7))
            top = y - 0.85 * tall
            for angle in (0.3, 1.55, 2.8, 4.1, 5.35):
                petal = (x + 0.2 * tall * np.cos(angle), top + 0.17 * tall * np.sin(angle))
                figure.oval(petal, (0.15 * tall, 0.13 * tall), flower, count=8)
            figure.oval((x, top), (0.11 * tall, 0.1 * tall), (240, 190, 50), count=8)
            continue
        for lean in (-0.55, -0.2, 0.15, 0.5):
            tone = shade(mood.grass_near, rng.uniform(0.72, 1.15))
            root = x + 0.25 * lean * tall
            tip = (root + lean * tall, y - tall * (1 - 0.3 * abs(lean)))
            figure.polygon([(root - 0.09 * tall, y), (root + 0.09 * tall, y), tip], tone)
    return figure
