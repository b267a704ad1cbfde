"""Colours that tell classes apart, also for readers who do not see red and green apart."""

from __future__ import annotations

Colour = tuple[int, int, int]  # red, green, blue in 0..255

VERMILLION: Colour = (213, 94, 0)
SKY_BLUE: Colour = (86, 180, 233)
YELLOW: Colour = (240, 228, 66)
REDDISH_PURPLE: Colour = (204, 121, 167)
BLUE: Colour = (0, 114, 178)
ORANGE: Colour = (230, 159, 0)
BLUISH_GREEN: Colour = (0, 158, 115)

# Neighbours in this order differ most; the green comes last because so much of a photograph is.
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

    The first seven labels have the seven colours of Okabe & Ito; the next seven have them lighter,
    then darker, and so on in turns of twenty-one.

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
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_colour_on(background: Colour) -> Colour:
    """Black or white, whichever reads better on ``background`` (the larger contrast ratio).

    >>> text_colour_on((240, 228, 66)), text_colour_on((0, 114, 178))
    ((0, 0, 0), (255, 255, 255))
    """
    luminance = relative_luminance(background)
    contrast_with_white = 1.05 / (luminance + 0.05)
    contrast_with_black = (luminance + 0.05) / 0.05
    return WHITE if contrast_with_white > contrast_with_black else BLACK
