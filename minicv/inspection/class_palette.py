"""One colour for each class of a label map, as different from each other as can be had."""

from __future__ import annotations

from functools import cache

import numpy as np

from minicv.inspection.palette import CLASS_COLOURS, Colour

# Linear RGB to the responses of the eye's cones, and their cube roots to lightness, green-red and
# blue-yellow. Source: B. Ottosson, "A perceptual color space for image processing" (2020).
CONES = np.array(
    [(0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566),
     (0.0883024619, 0.2817188376, 0.6299787005)]
)  # fmt: skip
OPPONENTS = np.array(
    [(0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099),
     (0.0259040371, 0.7827717662, -0.8086757660)]
)  # fmt: skip

LIGHTNESS = (0.42, 0.88)  # of the colours added; black and white are taken by photograph and void
CHROMA = (0.09, 0.2)  # greys are taken by the photograph; the purest colours would outshine all


@cache
def class_palette(count: int) -> tuple[Colour, ...]:
    """`count` colours: those of `class_colour` for the first seven, then ever new ones.

    In a label map all classes are seen side by side, so shades of one colour, as `class_colour` has
    them from the eighth class on, are not enough. Each further colour is the one, of a fixed
    choice, that looks most different from all before it. So the palette for fewer classes is the
    beginning of that for more.

    Raises:
        ValueError: `count` is not 0..255.

    >>> class_palette(9)[:7] == CLASS_COLOURS, len(set(class_palette(255)))
    (True, 255)
    """
    if not 0 <= count <= 255:
        raise ValueError(f"class_palette: count is {count}, expected 0..255")
    chosen = list(CLASS_COLOURS[:count])
    choice = _choice()
    seen = perceived(choice)  # (M, 3)
    distance = np.full(len(choice), np.inf)  # to the nearest colour that is taken
    for colour in chosen:
        distance = np.minimum(distance, _distance(seen, perceived(np.array([colour]))))
    while len(chosen) < count:
        best = int(distance.argmax())
        red, green, blue = choice[best].tolist()
        chosen.append((red, green, blue))
        distance = np.minimum(distance, _distance(seen, seen[best]))
    return tuple(chosen)


def perceived(colours: np.ndarray) -> np.ndarray:
    """Colours (..., 3) of 0..255 in a space where distance is how different they look (OKLab).

    >>> perceived(np.array([255, 0, 0])).round(3).tolist()  # light, red rather than green, warm
    [0.628, 0.225, 0.126]
    """
    share = np.asarray(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ CONES.T) @ OPPONENTS.T


def _choice() -> np.ndarray:
    """(M, 3) colours of 0..255, neither grey nor nearly black or white."""
    levels = np.linspace(0, 255, 13).astype(np.int64)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lightness, *opponents = perceived(colours).T
    usable = (lightness >= LIGHTNESS[0]) & (lightness <= LIGHTNESS[1])
    chroma = np.hypot(*opponents)
    return colours[usable & (chroma >= CHROMA[0]) & (chroma <= CHROMA[1])]


def _distance(some: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How different colours look on a photograph, which makes them lighter and darker itself."""
    return np.sqrt(((some - other) ** 2 * (0.5, 1, 1)).sum(axis=-1))
