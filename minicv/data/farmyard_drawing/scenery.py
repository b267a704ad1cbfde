"""What the things stand in: sky with clouds, hills, trees, and grass with tufts and flowers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from minicv.data.farmyard_drawing.figure import Colour, Figure, blend, rasterise, shade, vary


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
    Mood((74, 148, 220), (190, 224, 244), (252, 253, 255), (146, 190, 92), (86, 148, 56), (255, 255, 252), 0.42),
    Mood((100, 172, 230), (214, 234, 240), (255, 255, 255), (166, 198, 96), (104, 158, 60), (255, 252, 244), 0.42),
    Mood((104, 130, 186), (252, 206, 152), (255, 226, 200), (176, 176, 88), (116, 136, 54), (255, 240, 218), 0.46),
    Mood((150, 164, 178), (208, 214, 218), (232, 236, 240), (138, 166, 98), (86, 126, 66), (240, 244, 248), 0.25),
    Mood((140, 160, 208), (246, 214, 214), (255, 240, 240), (158, 186, 112), (96, 148, 76), (250, 244, 250), 0.32),
)  # fmt: skip
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


@lru_cache(maxsize=8)
def _noise(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three textures, a half larger than the picture: grain, blades of grass, and broad patches.

    They are the same for every scene of one size; a scene takes a random part of each.
    """
    rng = np.random.default_rng(128)
    shape = (height + height // 2 + 1, width + width // 2 + 1)
    unit = min(height, width) / 128
    textures = []
    for sigma in (np.array([0.55, 0.55]), np.array([1.6, 0.5]), np.array([5.0, 12.0])):
        texture = np.zeros(shape)
        for octave in (1.0, 0.5, 0.25):  # finer detail where a large picture can show it
            if octave == 1 or octave * unit * sigma.min() >= 0.5:
                part = gaussian_filter(
                    rng.standard_normal(shape), octave * unit * sigma, mode="wrap"
                )
                texture += octave**0.5 * part / part.std()
        textures.append((texture / texture.std()).astype(np.float32))
    return textures[0], textures[1], textures[2]


def _part(texture: np.ndarray, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random part (height, width) of a texture."""
    top = int(rng.integers(texture.shape[0] - height + 1))
    left = int(rng.integers(texture.shape[1] - width + 1))
    return texture[top : top + height, left : left + width]


def grain(size: tuple[int, int], height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Fine noise (height, width) of unit variance for fur and leaves in a picture of `size`."""
    return _part(_noise(*size)[0], height, width, rng)


def paint_backdrop(
    size: tuple[int, int], mood: Mood, sun_left: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Sky, hills and meadow.

    Returns:
        The picture (H, W, 3) float32, the share of ground (grass, not sky) of each pixel (H, W), and
        the row at which the meadow begins.
    """
    height, width = size
    horizon = height * rng.uniform(0.26, 0.5)
    row = np.arange(height, dtype=np.float32)[:, None] + 0.5  # (H, 1) pixel centres
    column = (np.arange(width, dtype=np.float32) + 0.5) / width  # (W,) 0..1

    share = np.clip(row / horizon, 0, 1)[..., None]
    picture = _mix(mood.sky_top, mood.sky_low, share) + np.zeros(
        (1, width, 1), np.float32
    )  # (H, W, 3)
    if rng.uniform() < 0.4:
        _sun(picture, horizon, sun_left, rng)
    for _ in range(int(rng.integers(0, 4))):
        _cloud(picture, horizon, mood, rng)

    # Hills behind the meadow, the far one paler.
    ground = np.zeros((height, width), np.float32)
    for distance in (0.55, 0.3) if rng.uniform() < 0.75 else ():
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
    far = vary(mood.grass_far, 0.08, rng)
    near = vary(mood.grass_near, 0.12, rng)
    meadow = _mix(far, near, nearness[..., None])
    _, blades, patches = _noise(height, width)
    texture = 0.03 + 0.07 * nearness * _part(blades, height, width, rng)
    texture = texture + 0.055 * _part(patches, height, width, rng)
    picture += cover[..., None] * (meadow * (1 + texture[..., None]) - picture)
    return picture, np.maximum(ground, cover), float(horizon)


def _mix(first: Colour, second: Colour, share: np.ndarray) -> np.ndarray:
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
    picture += np.maximum(disc, glow)[..., None] * (
        np.array((1.0, 0.95, 0.76), np.float32) - picture
    )


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
    layer, _ = rasterise(
        figure, (height, width), scale, offset, light=(0, 0.5), relief=0.06, supersample=2
    )
    if layer is not None:
        view = picture[layer.window]
        view += (0.85 * layer.alpha)[..., None] * (layer.colour - view)


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
                [(-half, low), (-0.5 * half, low + 0.025), (0, low + 0.04), (0.5 * half, low + 0.025),
                 (half, low), (0.02, high), (-0.02, high)],
                shade(green, 0.82 + 0.09 * k),
            )  # fmt: skip
        return figure
    green = vary(LEAVES[int(rng.integers(len(LEAVES)))], 0.14, rng)
    if kind < 0.45:
        figure.polygon([(-0.03, 0), (-0.02, -0.3), (0.02, -0.3), (0.03, 0)], bark)
        figure.blob([(0, -1.0), (0.1, -0.75), (0.13, -0.4), (0.06, -0.14), (-0.06, -0.14), (-0.13, -0.4),
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
    crown = [(-0.2, -0.52, 0.15), (0.2, -0.54, 0.15), (0, -0.5, 0.17), (-0.13, -0.7, 0.17), (0.14, -0.72, 0.16),
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
    """Tufts of grass and flowers on a meadow `breadth` wide and `depth` deep (from y = -depth to 0)."""
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
            figure.ribbon([(x, y), (x + 0.1 * tall, y - 0.5 * tall), (x, y - 0.8 * tall)], [0.003] * 3,
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
