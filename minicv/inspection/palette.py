"""Colours that tell classes apart, also for readers who do not see red and green apart."""

from __future__ import annotations

from functools import cache

import numpy as np

Colour = tuple[int, int, int]  # red, green, blue in 0..255

VERMILLION: Colour = (213, 94, 0)
SKY_BLUE: Colour = (86, 180, 233)
YELLOW: Colour = (240, 228, 66)
REDDISH_PURPLE: Colour = (204, 121, 167)
BLUE: Colour = (0, 114, 178)
ORANGE: Colour = (230, 159, 0)
BLUISH_GREEN: Colour = (0, 158, 115)

# Neighbours in this order differ most. Green comes last because much of a photograph is green.
CLASS_COLOURS = (ORANGE, SKY_BLUE, REDDISH_PURPLE, YELLOW, BLUE, VERMILLION, BLUISH_GREEN)

# The same for thin lines on white, where yellow would vanish.
LINE_COLOURS = (BLUE, VERMILLION, BLUISH_GREEN, REDDISH_PURPLE, ORANGE, SKY_BLUE)

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
INK: Colour = (38, 42, 48)
GREY: Colour = (112, 118, 128)
PALE: Colour = (226, 229, 233)


def class_colour(label: int) -> Colour:
    """The colour of a class: always the same one for the same label.

    Labels 0 to 6 have the seven colours of Okabe & Ito, labels 7 to 13 the same colours lighter,
    labels 14 to 20 darker. From label 21 on the colours repeat.

    Source: M. Okabe & K. Ito, "Color universal design" (2008).

    >>> class_colour(0), class_colour(7), class_colour(14)
    ((230, 159, 0), (243, 207, 128), (138, 95, 0))
    """
    colour = CLASS_COLOURS[label % len(CLASS_COLOURS)]
    turn = label // len(CLASS_COLOURS) % 3
    if turn == 1:
        return mix(colour, WHITE, 0.5)
    if turn == 2:
        return mix(colour, BLACK, 0.4)
    return colour


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``first`` with the given share (0..1) of ``second`` in it.

    >>> mix((0, 0, 0), (200, 100, 50), 0.5)
    (100, 50, 25)
    """
    red, green, blue = (int(a + (b - a) * share + 0.5) for a, b in zip(first, second, strict=True))
    return red, green, blue


def relative_luminance(colour: Colour) -> float:
    """How bright a colour looks, 0 for black to 1 for white.

    Source: W3C, Web Content Accessibility Guidelines 2.1, "relative luminance".

    >>> round(relative_luminance((255, 255, 255)), 3), round(relative_luminance((0, 114, 178)), 3)
    (1.0, 0.152)
    """
    return float(_linear(np.array(colour)) @ (0.2126, 0.7152, 0.0722))


def text_colour_on(background: Colour) -> Colour:
    """Black or white, whichever reads better on ``background`` (the larger contrast ratio).

    >>> text_colour_on((240, 228, 66)), text_colour_on((0, 114, 178))
    ((0, 0, 0), (255, 255, 255))
    """
    luminance = relative_luminance(background) + 0.05
    return WHITE if 1.05 / luminance > luminance / 0.05 else BLACK


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

LIGHTNESS = (0.42, 0.88)  # of the colours added; black and white are for photograph and void
CHROMA = (0.09, 0.2)  # greys are for the photograph; the purest colours would be too strong


@cache
def class_palette(count: int) -> tuple[Colour, ...]:
    """`count` colours: those of `class_colour` for the first seven, then ever new ones.

    A label map shows all classes side by side, so the lighter and darker shades of `class_colour`
    are not enough. Each further colour is the one, of a fixed choice, that looks most different
    from all before it. So the palette of fewer classes is the beginning of the palette of more.

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
    return np.cbrt(_linear(colours) @ CONES.T) @ OPPONENTS.T


def _linear(colours: np.ndarray) -> np.ndarray:
    """Bytes (..., 3) of sRGB as amounts of light, 0..1."""
    share = np.asarray(colours) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _choice() -> np.ndarray:
    """(M, 3) colours of 0..255, neither grey nor nearly black or white."""
    levels = np.linspace(0, 255, 13).astype(np.int64)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lightness, *opponents = perceived(colours).T
    usable = (lightness >= LIGHTNESS[0]) & (lightness <= LIGHTNESS[1])
    chroma = np.hypot(*opponents)
    return colours[usable & (chroma >= CHROMA[0]) & (chroma <= CHROMA[1])]


def _distance(some: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How different colours look on a photograph, where lightness counts less than hue."""
    return np.sqrt(((some - other) ** 2 * (0.5, 1, 1)).sum(axis=-1))
