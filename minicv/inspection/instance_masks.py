"""Masks of many objects on one picture: translucent fills, and crisp outlines above all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from minicv.inspection.canvas import line_width_for
from minicv.inspection.palette import BLACK, Colour

TINT = 0.42  # share of the colour inside a mask
HALO = 0.5  # darkness of the thin line outside of an outline
SMALL = 9  # an object of that many lines a side, or less, has a thinner line
# Of a straight edge blurred with a standard deviation of one line: how bright it is one line
# inside, how much brighter each further line is, and how bright it is 0.6 lines outside.
ONE_INSIDE, SLOPE, OUTSIDE = 0.8413, 0.2420, 0.2743


class Part(NamedTuple):
    """An object's window: (h, w) bool, and the image's pixel at which the window begins."""

    mask: np.ndarray
    corner: tuple[int, int]


def part_of(mask: np.ndarray) -> Part | None:
    """The smallest window that holds a mask (H, W); None for a mask without any pixel.

    >>> mask = np.zeros((8, 8), bool)
    >>> mask[2:4, 5] = True
    >>> part = part_of(mask)
    >>> part.mask.shape, part.corner
    ((2, 1), (5, 2))
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return Part(mask[top:bottom, left:right], (left, top))


def paint_parts(
    picture: Image.Image, factor: int, parts: Sequence[Part], colours: Sequence[Colour]
) -> Image.Image:
    """Fill and outline objects, the first ones lowest; the outline of a covered one shows through.

    Where objects overlap, the upper one's fill replaces the lower one's, so that colours do not
    mix. No array here is larger than an object's window, a little margin included.

    Args:
        picture: ``factor`` times as large as the image.
        parts: of the image, see `part_of`.
        colours: one for each.

    >>> part = part_of(np.ones((8, 8), bool))
    >>> painted = paint_parts(Image.new("RGB", (16, 16)), 2, [part], [(100, 0, 0)])
    >>> painted.size
    (16, 16)
    """
    painted = picture.copy()
    line = line_width_for(picture)
    shapes = []
    for part, colour in zip(parts, colours, strict=True):
        width = _width_for(part.mask, factor, line)
        shape, extent = _shape(part, factor, picture.size, margin=math.ceil(2 * width) + 2)
        tinted = Image.blend(picture.crop(extent), Image.new("RGB", shape.size, colour), TINT)
        painted.paste(tinted, extent, shape)
        shapes.append((shape, extent, width))
    for (shape, extent, width), colour in zip(shapes, colours, strict=True):
        outline, halo = _lines(shape, width)
        painted.paste(BLACK, extent, halo)
        painted.paste(colour, extent, outline)
    return painted


def _width_for(mask: np.ndarray, factor: int, line: float) -> float:
    """A line for that object: thinner where it is small, so that its inside can be seen."""
    side = math.sqrt(np.count_nonzero(mask)) * factor
    return max(1.0, min(line, side / SMALL))


def _shape(
    part: Part, factor: int, picture_size: tuple[int, int], margin: int
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The object's window in the picture's pixels, 0..255, its edge smooth; and where that is."""
    around = math.ceil(margin / factor)  # pixels of the image
    height, width = part.mask.shape
    inside = Image.new("L", (width + 2 * around, height + 2 * around))
    inside.paste(Image.fromarray(part.mask.astype(np.uint8) * 255), (around, around))
    if factor > 1:  # enlarging and blurring make a ramp of the edge, without the steps of pixels
        size = (inside.width * factor, inside.height * factor)
        inside = inside.resize(size, Image.Resampling.BICUBIC)
        smooth = inside.filter(ImageFilter.GaussianBlur(0.45 * factor))
        inside = smooth.point(lambda v: min(255, max(0, int((v - 127.5) * factor + 127.5))))
    else:
        smooth = inside.filter(ImageFilter.GaussianBlur(1.0))
        inside = ImageChops.lighter(  # a single pixel stays
            inside, smooth.point(lambda v: min(255, max(0, int((v - 127.5) * 2.5 + 127.5))))
        )
    left, top = ((corner - around) * factor for corner in part.corner)
    extent = (
        max(0, left),
        max(0, top),
        min(picture_size[0], left + inside.width),
        min(picture_size[1], top + inside.height),
    )
    x1, y1, x2, y2 = extent
    return inside.crop((x1 - left, y1 - top, x2 - left, y2 - top)), extent


def _lines(shape: Image.Image, width: float) -> tuple[Image.Image, Image.Image]:
    """The outline, ``width`` pixels inside of the edge, and the halo, outside of the edge.

    A blurred edge is the brighter the farther inside. So each line is the part of the blurred shape
    between two brightnesses, as wide on a slope as on a straight edge. The blur of wide lines is
    taken of a smaller shape, which is as good and quick.
    """
    reduce = max(1, int(width / 3))
    small = shape.reduce(reduce) if reduce > 1 else shape
    # What is outside of the picture counts as more of the same: no line along the picture's edge.
    pad = math.ceil(3 * width / reduce)
    padded = Image.fromarray(np.pad(np.asarray(small), pad, mode="edge"))
    blurred = padded.filter(ImageFilter.GaussianBlur(width / reduce))
    box = (pad, pad, pad + shape.width / reduce, pad + shape.height / reduce)
    blurred = blurred.resize(shape.size, Image.Resampling.BILINEAR, box=box)
    steep = width / SLOPE  # a step from 0 to 1 within a pixel
    outline = blurred.point(lambda v: _ramp((ONE_INSIDE - v / 255) * steep))
    halo = blurred.point(lambda v: int(HALO * _ramp((v / 255 - OUTSIDE) * steep)))
    return ImageChops.multiply(outline, shape), ImageChops.multiply(halo, ImageChops.invert(shape))


def _ramp(pixels: float) -> int:
    """0..255 for a distance in pixels from a line's edge."""
    return int(255 * min(1.0, max(0.0, pixels + 0.5)) + 0.5)
