"""From a figure's shapes to pixels: anti-aliased, and lit like a soft cushion; and textures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

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
    numbers = fine.ravel().tolist()
    fine_size = ((right - left) * supersample, (bottom - top) * supersample)
    # On a black ground the colour of every opaque shape is already multiplied by alpha, which
    # averaging does not change. The fourth channel holds alpha under the name X, so that Pillow
    # treats it like a colour.
    picture = Image.new("RGBX", fine_size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    spans = np.cumsum([0] + [2 * len(outline) for outline in figure.outlines]).tolist()
    pieces = [numbers[start:stop] for start, stop in pairwise(spans)]
    for shape, (piece, of_shape) in enumerate(zip(pieces, figure.colours, strict=True)):
        if shape in figure.clips:
            _draw_clipped(picture, piece, [pieces[k] for k in figure.clips[shape]], of_shape)
        else:
            draw.polygon(piece, fill=(*of_shape, 255))

    small = picture.reduce(supersample)
    pixels: np.ndarray = np.asarray(small, dtype=np.float32) / 255  # (h, w, 4)
    colour, alpha = pixels[..., :3], pixels[..., 3]
    if relief * scale >= 0.5 and (light[0] or light[1]):
        colour = colour * _cushion(small.getchannel("X"), relief * scale, light)[..., None]
    return Layer(top, left, colour, alpha, inside)


def _draw_clipped(
    picture: Image.Image, piece: list[float], beds: list[list[float]], colour: Colour
) -> None:
    """Paint a polygon, given as x, y, x, y ..., only inside of the polygons `beds`."""
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
    """Brightness (h, w) of a soft relief, whose height is the blurred silhouette."""
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


class Textures(NamedTuple):
    """Noise of mean 0 and variance 1, a half larger than the picture; float32."""

    grain: np.ndarray
    blades: np.ndarray
    patches: np.ndarray


@lru_cache(maxsize=8)
def textures(size: tuple[int, int]) -> Textures:
    """The textures for pictures of `size` (H, W).

    They are the same for every scene, which takes a random part of each: new noise for every scene
    would cost more than all the rest of the drawing.
    """
    height, width = size
    rng = np.random.default_rng(128)
    shape = (height + height // 2 + 1, width + width // 2 + 1)
    unit = min(height, width) / 128
    return Textures(
        grain=_noise(shape, (0.55 * unit, 0.55 * unit), rng),
        blades=_noise(shape, (1.6 * unit, 0.5 * unit), rng),  # grass grows upwards
        patches=_noise(shape, (5 * unit, 12 * unit), rng),  # seen from the side, patches are flat
    )


def _noise(
    shape: tuple[int, int], sigma: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """White noise blurred by `sigma`, and by its half and quarter where a pixel can show that."""
    noise = np.zeros(shape)
    for octave in (1.0, 0.5, 0.25):
        if octave == 1 or octave * min(sigma) >= 0.5:
            blur = (octave * sigma[0], octave * sigma[1])
            part = gaussian_filter(rng.standard_normal(shape), blur, mode="wrap")
            noise += octave**0.5 * part / part.std()
    return (noise / noise.std()).astype(np.float32)


def random_part(
    texture: np.ndarray, height: int, width: int, rng: np.random.Generator
) -> np.ndarray:
    """A part (height, width) of a texture, from a random place."""
    top = int(rng.integers(texture.shape[0] - height + 1))
    left = int(rng.integers(texture.shape[1] - width + 1))
    return texture[top : top + height, left : left + width]
