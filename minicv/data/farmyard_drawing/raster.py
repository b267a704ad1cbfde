"""From a figure's shapes to pixels: anti-aliased, and lit like a soft cushion."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from minicv.data.farmyard_drawing.figure import Colour, Figure


@dataclass
class Layer:
    """A figure in pixels: where it lies in the picture, its colours and its coverage."""

    top: int
    left: int
    colour: np.ndarray  # (h, w, 3) float32, 0..1, already multiplied by alpha
    alpha: np.ndarray  # (h, w) float32, 0..1: the share of each pixel that the figure covers
    inside: float  # share of the figure's bounding box that lies in the picture

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the picture that the layer covers."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def mask(self) -> np.ndarray:
        """The pixels (h, w) of which the figure covers at least half."""
        return self.alpha >= 0.5

    def lay_on(self, picture: np.ndarray) -> None:
        """Paint the layer over the picture (H, W, 3), in place (Porter & Duff 1984, "over")."""
        view = picture[self.window]
        view *= (1 - self.alpha)[..., None]
        view += self.colour


def rasterise(
    figure: Figure,
    size: tuple[int, int],
    scale: float,
    offset: tuple[float, float],
    mirror: bool = False,
    light: tuple[float, float] = (0.0, 0.0),
    relief: float = 0.05,
    supersample: int = 3,
) -> Layer | None:
    """Paint a figure for a picture of `size` (H, W).

    Args:
        figure: what to paint.
        size: height and width of the picture; only the part inside is painted.
        scale: pixels for one unit of the figure.
        offset: (x, y) in pixels of the figure's origin.
        mirror: let it face left.
        light: strength of the light from the left (negative: from the right), and from above.
        relief: width of the shaded rim, in the figure's units.
        supersample: how many times finer than the picture it is painted before averaging.

    Returns:
        The layer, or None where nothing of the figure lies in the picture.
    """
    height, width = size
    factors = np.array([-scale if mirror else scale, scale])
    points = np.concatenate(figure.outlines) * factors + np.asarray(offset)  # (P, 2) pixels
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    left, top = int(max(0, low[0])), int(max(0, low[1]))
    right, bottom = int(min(width, high[0])), int(min(height, high[1]))
    if right <= left or bottom <= top:
        return None
    inside = (right - left) * (bottom - top) / float((high[0] - low[0]) * (high[1] - low[1]))

    fine = (points - (left, top)) * supersample - 0.5  # Pillow puts pixel centres on whole numbers
    flat = fine.ravel().tolist()
    fine_size = ((right - left) * supersample, (bottom - top) * supersample)
    # On a black ground every opaque shape is its own product with alpha, and averaging keeps that
    # true. The fourth channel holds alpha under the name X, so that Pillow leaves it alone.
    picture = Image.new("RGBX", fine_size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    spans = np.cumsum([0] + [2 * len(outline) for outline in figure.outlines]).tolist()
    pieces = [flat[start:stop] for start, stop in pairwise(spans)]
    for number, (piece, colour) in enumerate(zip(pieces, figure.colours, strict=True)):
        if number in figure.clips:
            _draw_clipped(picture, piece, [pieces[k] for k in figure.clips[number]], colour)
        else:
            draw.polygon(piece, fill=(*colour, 255))

    small = picture.reduce(supersample)
    pixels = np.asarray(small, dtype=np.float32) / 255  # (h, w, 4)
    colour, alpha = pixels[..., :3], pixels[..., 3]
    if relief * scale >= 0.5 and (light[0] or light[1]):
        colour = colour * _cushion(small.getchannel("X"), relief * scale, light)[..., None]
    return Layer(top, left, colour, alpha, inside)


def _draw_clipped(
    picture: Image.Image, piece: list[float], beds: list[list[float]], colour: Colour
) -> None:
    """Paint a polygon, given as x, y, x, y ..., only where one of the `beds` lies under it."""
    width, height = picture.size
    left, top = max(0, int(min(piece[0::2])) - 1), max(0, int(min(piece[1::2])) - 1)
    right, bottom = min(width, int(max(piece[0::2])) + 2), min(height, int(max(piece[1::2])) + 2)
    if right <= left or bottom <= top:
        return
    masks = []
    for polygons in ([piece], beds):
        mask = Image.new("L", (right - left, bottom - top), 0)
        draw = ImageDraw.Draw(mask)
        for polygon in polygons:
            moved = np.subtract(np.reshape(polygon, (-1, 2)), (left, top))
            draw.polygon(moved.ravel().tolist(), fill=255)
        masks.append(mask)
    picture.paste((*colour, 255), (left, top, right, bottom), ImageChops.darker(*masks))


def _cushion(coverage: Image.Image, radius: float, light: tuple[float, float]) -> np.ndarray:
    """Brightness (h, w) of a soft relief whose height is the blurred silhouette."""
    margin = int(2 * radius) + 1
    width, height = coverage.size
    board = Image.new("L", (width + 2 * margin, height + 2 * margin), 0)
    board.paste(coverage, (margin, margin))
    hill = np.asarray(board.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255
    inner = slice(margin, -margin)
    slope_x = hill[inner, margin + 1 : -margin + 1] - hill[inner, margin - 1 : -margin - 1]
    slope_y = hill[margin + 1 : -margin + 1, inner] - hill[margin - 1 : -margin - 1, inner]
    # A surface that rises away from the light's side faces the light.
    return 1 + radius * (slope_x * light[0] + slope_y * light[1])
