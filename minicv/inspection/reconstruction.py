"""What an autoencoder makes of a picture: the picture, its code, and the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.palette import BLUE, GREY, INK, PALE, VERMILLION, WHITE, mix
from minicv.inspection.panels import contact_sheet

SIDE = 320  # of a square, pixels
MOST_BARS = 64  # numbers that are drawn as bars; more are cells of a grid
CODE_WIDTH = 420


def draw_square(picture: np.ndarray, side: int = SIDE) -> Image.Image:
    """A square picture, grey or in colour, enlarged so that its pixels can be seen.

    Args:
        picture: (C, S, S) floats in 0..1, C 1 or 3.
        side: of the result; a larger picture is reduced to it.

    >>> draw_square(np.zeros((1, 28, 28)), 100).size
    (100, 100)
    """
    picture = np.asarray(picture, np.float32)
    drawn = to_picture(np.broadcast_to(picture, (3, *picture.shape[1:])))
    if drawn.width > side:
        return drawn.resize((side, side), Image.Resampling.LANCZOS)
    return drawn.resize((side, side), Image.Resampling.NEAREST)


def draw_code(code: np.ndarray, size: tuple[int, int] = (CODE_WIDTH, SIDE)) -> Image.Image:
    """The numbers of a code as bars, blue up and red down; of more than 64 as cells of a grid.

    All share one scale: the longest bar, or the strongest colour, is the greatest number in size.

    Args:
        code: (D,) finite, D from 1 on.
        size: width and height of the picture.

    Raises:
        ValueError: another shape, or numbers that are not finite.

    >>> draw_code(np.array([0.5, -1.0, 0.25])).size, draw_code(np.zeros(128)).size
    ((420, 320), (420, 320))
    """
    code = np.asarray(code, np.float64)
    if code.ndim != 1 or not len(code) or not np.isfinite(code).all():
        raise ValueError(
            f"draw_code: code has the shape {code.shape}; expected (D,) finite numbers, at least 1"
        )
    greatest = float(np.abs(code).max())
    shares = code / (greatest or 1.0)
    width, height = size
    canvas = Canvas(Image.new("RGB", size, WHITE))
    if len(code) > MOST_BARS:
        columns = math.ceil(math.sqrt(len(code) * width / height))
        rows = math.ceil(len(code) / columns)
        across, down = width / columns, height / rows
        for number, share in enumerate(shares.tolist()):
            row, column = divmod(number, columns)
            colour = mix(WHITE, BLUE if share >= 0 else VERMILLION, abs(share))
            x, y = column * across, row * down
            canvas.fill((x, y, x + across, y + down), PALE)
            canvas.fill((x + 0.5, y + 0.5, x + across - 0.5, y + down - 0.5), colour)
        return canvas.finish()
    step, middle, reach = width / len(code), height / 2, height / 2 - 20
    for number, share in enumerate(shares.tolist()):
        ends = sorted((middle, middle - share * reach))
        bar = (number * step + 0.15 * step, ends[0], number * step + 0.85 * step, ends[1] + 0.5)
        canvas.fill(bar, BLUE if share >= 0 else VERMILLION)
    canvas.line(((0, middle), (width, middle)), INK, 1)
    canvas.text((2, 2), f"{greatest:.3g}", 14, GREY)
    canvas.text((2, height - 2), f"-{greatest:.3g}", 14, GREY, "ld")
    return canvas.finish()


def draw_reconstruction(
    result: Mapping[str, np.ndarray], error: str = "", title: str | None = None
) -> Image.Image:
    """The picture as the network saw it, the code between, and the reconstruction.

    Args:
        result: "picture" and "reconstruction", (C, S, S) each, and "code" (D,).
        error: what is said below the last heading.
        title: stands above.

    >>> square = np.zeros((1, 28, 28))
    >>> draw_reconstruction({"picture": square, "code": np.ones(2), "reconstruction": square}).width
    1164
    """
    code = np.asarray(result["code"])
    side = np.shape(result["picture"])[-1]
    channels = np.shape(result["picture"])[0]
    tiles = [draw_square(result["picture"]), draw_code(code), draw_square(result["reconstruction"])]
    colours = "grey" if channels == 1 else "in colour"
    captions = [
        f"Picture\n{side} x {side} pixels, {colours}",
        f"Code\n{len(code)} numbers",
        f"Reconstruction\n{error}".rstrip(),
    ]
    return contact_sheet(tiles, captions, 3, title, [SIDE, CODE_WIDTH, SIDE])


def draw_denoising(
    result: Mapping[str, np.ndarray], errors: Sequence[str] = ("", ""), title: str | None = None
) -> Image.Image:
    """The clean picture, the same with noise, and what the network makes of that.

    Args:
        result: "picture", "noisy" and "denoised", (C, S, S) each.
        errors: what is said below the headings of the last two.
        title: stands above.

    >>> square = np.zeros((1, 28, 28))
    >>> draw_denoising({"picture": square, "noisy": square, "denoised": square}).width
    1064
    """
    names = ("picture", "noisy", "denoised")
    captions = [
        "Picture",
        f"With noise\n{errors[0]}".rstrip(),
        f"Without it again\n{errors[1]}".rstrip(),
    ]
    return contact_sheet([draw_square(result[name]) for name in names], captions, 3, title, SIDE)
