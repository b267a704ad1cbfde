"""The painted backdrop: weather, sky with sun and clouds, hills, meadow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, vary
from minicv.data.farmyard_drawing.raster import rasterise
from minicv.data.farmyard_drawing.texture import random_part, textures


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
    layer = rasterise(
        figure, (height, width), scale, offset, light=(0, 0.5), relief=0.06, supersample=2
    )
    if layer is not None:
        layer.alpha *= 0.85  # a little of the sky shows through
        layer.colour *= 0.85
        layer.lay_on(picture)
