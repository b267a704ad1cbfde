"""Numbers as colours: the colour map, heat maps over an image, channels of a feature map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.palette import GREY, WHITE
from minicv.inspection.panels import mosaic

# Dark blue over teal and green to yellow. Lightness rises evenly from one end to the other, so that
# the order survives print in grey and colour blindness; a test measures it.
CONTROL_POINTS = np.array(
    [(42, 12, 74), (56, 46, 122), (42, 90, 146), (24, 134, 148), (38, 176, 126), (126, 213, 86),
     (252, 232, 64)],
    dtype=np.float64,
)  # fmt: skip


def colour_map(
    values: np.ndarray | float, low: float | None = None, high: float | None = None
) -> np.ndarray:
    """Colour every number: dark blue for ``low``, over green, to bright yellow for ``high``.

    Args:
        values: an array of any shape S.
        low, high: the ends of the scale; by default the least and the greatest finite value.
            Numbers outside have the colour of the nearer end, and NaN is grey. Where both ends
            are equal, everything has the lowest colour.

    Returns:
        uint8, shape S + (3,): red, green, blue.

    >>> colour_map(np.array([0.0, 1.0, 5.0]), 0, 1).tolist()
    [[42, 12, 74], [252, 232, 64], [252, 232, 64]]
    """
    values = np.asarray(values, dtype=np.float64)
    low, high = _ends(values, low, high)
    share = np.clip(values, low, high) - low
    share = share / (high - low) if high > low else np.where(np.isnan(share), share, 0)
    unknown = np.isnan(share)
    position = np.where(unknown, 0, share) * (len(CONTROL_POINTS) - 1)
    below = np.minimum(position.astype(int), len(CONTROL_POINTS) - 2)
    rest = (position - below)[..., None]
    colours = CONTROL_POINTS[below] * (1 - rest) + CONTROL_POINTS[below + 1] * rest
    colours[unknown] = GREY
    return np.floor(colours + 0.5).astype(np.uint8)


def _ends(values: np.ndarray, low: float | None, high: float | None) -> tuple[float, float]:
    """The ends of a scale: those given, else the least and greatest finite value."""
    finite = values[np.isfinite(values)]
    least, greatest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return least if low is None else low, greatest if high is None else high


def heat_picture(
    heat: np.ndarray, size: tuple[int, int], low: float | None = None, high: float | None = None
) -> Image.Image:
    """An (H, W) map as a picture of ``size`` (width, height), every cell a plain rectangle.

    >>> heat_picture(np.zeros((2, 3)), (30, 20)).size
    (30, 20)
    """
    heat = _checked_heat(heat, "heat_picture")
    return Image.fromarray(colour_map(heat, low, high)).resize(size, Image.Resampling.NEAREST)


def overlay_heatmap(
    image: np.ndarray | Image.Image,
    heat: np.ndarray,
    low: float | None = None,
    high: float | None = None,
    opacity: float = 0.6,
    cell_size: tuple[float, float] | None = None,
) -> Image.Image:
    """Lay an (h, w) map over an image, however coarse it is, in smooth colours.

    The image is shown in grey, so that all colour is the map's.

    Args:
        image: (3, H, W) floats in 0..1, or a picture.
        heat: (h, w).
        low, high: the ends of the colour scale, as in `colour_map`.
        opacity: share of the map's colour, 0..1.
        cell_size: (width, height) of one cell in pixels of the image, a feature map's stride.
            Cells beyond the image are cut off; where the image is larger than the map, the last
            cell goes on. By default the cells are stretched evenly over the image.

    >>> overlay_heatmap(np.ones((3, 8, 12), dtype=np.float32), np.eye(2)).size
    (12, 8)
    """
    heat = _checked_heat(heat, "overlay_heatmap")
    picture = image if isinstance(image, Image.Image) else to_picture(image)
    low, high = _ends(heat, low, high)
    # Numbers are stretched before they are coloured: between blue and yellow lies green, not grey.
    values = np.nan_to_num(heat, nan=low, posinf=high, neginf=low)
    stretched = np.asarray(_stretched(values, picture.size, cell_size))
    colours = Image.fromarray(colour_map(stretched, low, high))
    return Image.blend(picture.convert("L").convert("RGB"), colours, opacity)


def strongest_channels(feature_map: np.ndarray, count: int) -> list[int]:
    """Channels that react most to something in the picture, each to something else.

    The strength of a channel is its standard deviation over the map: a channel that is equally
    strong everywhere tells nothing. Many channels react to the same thing, often to the sky. So
    each next one is the greatest in strength times (1 - its likeness to those chosen), where the
    likeness of two channels is the absolute value of their correlation.

    Args:
        feature_map: (C, H, W).
        count: how many channels, if there are as many.

    >>> sky, cow = np.array([[2.0, 2, 0, 0]]), np.array([[0.0, 0, 0, 1]])
    >>> strongest_channels(np.stack([0.9 * sky, 0 * sky, sky, cow]), 2)
    [2, 3]
    """
    flat = np.nan_to_num(np.asarray(feature_map, np.float64)).reshape(len(feature_map), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)  # (C, H W)
    norm = np.linalg.norm(flat, axis=1)
    unit = flat / np.maximum(norm, 1e-12)[:, None]
    likeness, free, chosen = np.zeros(len(flat)), np.ones(len(flat), bool), []
    for _ in range(min(count, len(flat))):
        channel = int(np.where(free, norm * (1 - likeness), -1).argmax())
        chosen.append(channel)
        free[channel] = False
        likeness = np.maximum(likeness, np.minimum(np.abs(unit @ unit[channel]), 1))
    return chosen


def feature_tiles(
    feature_map: np.ndarray,
    count: int = 16,
    tile_size: int = 120,
    columns: int | None = None,
    channels: Sequence[int] | None = None,
) -> Image.Image:
    """The strongest channels of a feature map as tiles, strongest first.

    A channel's strength is the mean of its absolute values. Each tile has a scale of its own, from
    its least to its greatest value; tiles large enough have their channel's number in the corner.

    Args:
        feature_map: (C, H, W).
        count: how many channels, if there are as many.
        tile_size: the longer side of a tile in pixels.
        columns: tiles in a row; by default about as many as rows.
        channels: which channels, instead of the strongest.

    >>> feature_tiles(np.zeros((4, 8, 8)), tile_size=50).size  # two by two, 4 pixels between
    (104, 104)
    """
    feature_map = np.asarray(feature_map)
    if feature_map.ndim != 3 or feature_map.size == 0:
        raise ValueError(
            f"feature_tiles: feature_map expects the shape (C, H, W) with at least one value but "
            f"has {feature_map.shape}"
        )
    strength = np.abs(np.nan_to_num(feature_map)).mean(axis=(1, 2))
    if channels is None:
        channels = np.argsort(-strength, kind="stable")[:count].tolist()
    columns = math.ceil(math.sqrt(len(channels))) if columns is None else columns
    height, width = feature_map.shape[1:]
    longer = max(height, width)
    size = (max(1, tile_size * width // longer), max(1, tile_size * height // longer))
    tiles = []
    for channel in channels:
        canvas = Canvas(heat_picture(feature_map[channel], size))
        if min(size) >= 60:
            canvas.fill((0, 0, 8 + 7 * len(str(channel)), 17), (0, 0, 0, 130))
            canvas.text((4, 2), str(channel), 12, WHITE)
        tiles.append(canvas.finish())
    return mosaic(tiles, columns, gap=4)


def colour_bar(width: int, low: str, high: str, height: int = 12) -> Image.Image:
    """A strip of the colour map, ``width`` pixels wide, with the names of its two ends.

    >>> colour_bar(300, "0", "1").width
    300
    """
    strip = Image.fromarray(colour_map(np.linspace(0, 1, max(1, width))[None].repeat(height, 0)))
    canvas = Canvas(Image.new("RGB", (max(1, width), height + 24), WHITE))
    canvas.paste(strip, (0, 4))
    canvas.text((0, height + 7), low, 13, GREY)
    canvas.text((width, height + 7), high, 13, GREY, anchor="ra")
    return canvas.finish()


def _stretched(
    heat: np.ndarray, size: tuple[int, int], cell_size: tuple[float, float] | None
) -> Image.Image:
    """The map at the size of a picture, linear between the middles of its cells."""
    height, width = heat.shape
    if cell_size is None:
        cell_size = (size[0] / width, size[1] / height)
    cells = (size[0] / cell_size[0], size[1] / cell_size[1])  # how many the picture spans
    missing = [
        max(0, math.ceil(spanned - 1e-6) - present)
        for spanned, present in zip(cells, (width, height), strict=True)
    ]
    heat = np.pad(heat, ((0, missing[1]), (0, missing[0])), mode="edge")
    box = (0, 0, min(cells[0], heat.shape[1]), min(cells[1], heat.shape[0]))
    return Image.fromarray(heat).resize(size, Image.Resampling.BILINEAR, box=box)


def _checked_heat(heat: np.ndarray, operation: str) -> np.ndarray:
    heat = np.asarray(heat, dtype=np.float32)
    if heat.ndim != 2 or heat.size == 0:
        raise ValueError(
            f"{operation}: heat expects the shape (h, w) with at least one value but has "
            f"{heat.shape}"
        )
    return heat
