"""What a generator draws: grids of samples, walks between two, a cloud of points, films of them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import BLUE, INK, VERMILLION, WHITE
from minicv.inspection.panels import LegendEntry, contact_sheet, with_legend
from minicv.inspection.reconstruction import SIDE, draw_square

GRID_WIDTH = 640  # about, pixels of a grid
GAP = 4  # white pixels between pictures
PLANE = 480  # pixels of a side of the plane
FIELD = 60  # cells of the discriminator's field, each way
PALE_SHARE = 0.62  # of white that is mixed into the field, so that points stand out


def picture_grid(pictures: np.ndarray, columns: int = 8, width: int = GRID_WIDTH) -> Image.Image:
    """Small pictures side by side, row by row, enlarged by a whole factor.

    Args:
        pictures: (N, C, S, S) floats in 0..1, C 1 or 3, N from 1 on.
        columns: in a row.
        width: of the grid, about; pixels of a picture are never made smaller than one.

    Raises:
        ValueError: no pictures, another shape, or no column.

    >>> picture_grid(np.zeros((6, 1, 28, 28)), columns=3).size  # 7 times 28, gaps of 4
    (600, 400)
    """
    pictures = np.asarray(pictures, np.float32)
    if pictures.ndim != 4 or len(pictures) == 0 or columns < 1:
        raise ValueError(
            f"picture_grid: pictures have the shape {pictures.shape} and columns is {columns}; "
            "expected (N, C, S, S), at least one picture and one column"
        )
    columns = min(columns, len(pictures))
    rows, size = math.ceil(len(pictures) / columns), pictures.shape[3]
    zoom = max(1, (width // columns - GAP) // size)
    cell = zoom * size + GAP
    sheet = Image.new("RGB", (columns * cell, rows * cell), WHITE)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        tile = to_picture(np.broadcast_to(picture, (3, size, size)))
        tile = tile.resize((zoom * size, zoom * size), Image.Resampling.NEAREST)
        sheet.paste(tile, (column * cell + GAP // 2, row * cell + GAP // 2))
    return sheet


def draw_generation(result: Mapping[str, np.ndarray], title: str | None = None) -> Image.Image:
    """A real picture with the discriminator's probability, and beside it a generated one.

    Args:
        result: "picture" and "sample" (C, S, S) each, and "realness", of the picture.
        title: stands above.

    >>> square = np.zeros((1, 28, 28))
    >>> draw_generation({"picture": square, "sample": square, "realness": np.array(0.9)}).width
    720
    """
    captions = [
        f"Picture\nreal with a probability of {float(result['realness']):.2f}, says the "
        "discriminator",
        "Sample\ndrawn by the generator; it has not seen the picture, which only seeds the random "
        "numbers",
    ]
    tiles = [draw_square(result["picture"]), draw_square(result["sample"])]
    return contact_sheet(tiles, captions, 2, title, SIDE)


def draw_nearest(samples: np.ndarray, nearest: np.ndarray) -> Image.Image:
    """Each sample above the pictures of the training set that are nearest to it.

    Args:
        samples: (N, C, S, S).
        nearest: (N, K, C, S, S), the nearest first.

    >>> draw_nearest(np.zeros((4, 1, 28, 28)), np.zeros((4, 2, 1, 28, 28))).size
    (744, 687)
    """
    n, k = nearest.shape[:2]
    width = max(GRID_WIDTH, 84 * n) + 60
    rows = [picture_grid(samples, n, width)]
    rows += [picture_grid(nearest[:, rank], n, width) for rank in range(k)]
    ranks = ["The nearest of the training set", *(f"Number {r + 1}" for r in range(1, k))]
    return contact_sheet(rows, ["Samples", *ranks], 1, gap=8)


def draw_cloud(
    generated: np.ndarray,
    real: np.ndarray,
    realness: Callable[[np.ndarray], np.ndarray],
    half: float = 3.0,
    side: int = PLANE,
    legend: bool = True,
) -> Image.Image:
    """Points of the plane, real and generated, on the field of the discriminator.

    Args:
        generated, real: (N, 2) and (M, 2).
        realness: from points (K, 2) to the probability that each is real, (K,).
        half: the plane is drawn from -half to half, both ways.
        side: of the picture, in pixels.
        legend: whether the colours are named below.

    >>> points = np.zeros((5, 2))
    >>> draw_cloud(points, points + 1, lambda p: np.full(len(p), 0.5), legend=False).size
    (480, 480)
    """
    places = half * ((2 * np.arange(FIELD) + 1) / FIELD - 1)
    x, y = np.meshgrid(places, places[::-1])  # the y axis goes up
    field = np.asarray(realness(np.stack([x.ravel(), y.ravel()], axis=1))).reshape(FIELD, FIELD)
    pale = PALE_SHARE * 255 + (1 - PALE_SHARE) * colour_map(field, 0, 1).astype(np.float64)
    ground = Image.fromarray(np.floor(pale + 0.5).astype(np.uint8))
    canvas = Canvas(ground.resize((side, side), Image.Resampling.BICUBIC))
    for points, colour, radius in ((real, BLUE, 1.6), (generated, VERMILLION, 1.9)):
        for px, py in np.asarray(points, np.float64).tolist():
            if abs(px) <= half and abs(py) <= half:
                place = ((px / half + 1) / 2 * side, (1 - py / half) / 2 * side)
                canvas.disc(place, radius * side / PLANE, (*colour, 190))
    picture = canvas.finish()
    return with_legend(picture, cloud_legend(), margin=8) if legend else picture


def cloud_legend() -> list[LegendEntry]:
    """What the colours of `draw_cloud` mean.

    >>> [entry.name for entry in cloud_legend()][:2]
    ['real points', 'generated points']
    """
    entries = [LegendEntry(BLUE, "real points"), LegendEntry(VERMILLION, "generated points")]
    for level, name in (
        (0.0, "D = 0: generated"),
        (0.5, "D = 1/2: in doubt"),
        (1.0, "D = 1: real"),
    ):
        red, green, blue = (
            int(PALE_SHARE * 255 + (1 - PALE_SHARE) * c) for c in colour_map(level, 0, 1).tolist()
        )
        entries.append(LegendEntry((red, green, blue), name))
    return entries


def titled(picture: Image.Image, title: str, size: int = 18) -> Image.Image:
    """The picture below a line of text.

    >>> titled(Image.new("RGB", (100, 50)), "step 3").size
    (100, 80)
    """
    sheet = Image.new("RGB", (picture.width, picture.height + 30), WHITE)
    sheet.paste(picture, (0, 30))
    canvas = Canvas(sheet)
    canvas.text((4, 15), title, size, INK, "lm")
    return canvas.finish()


def film(frames: Sequence[Image.Image], seconds: float = 0.25, last: float = 2.0) -> bytes:
    """An animated GIF, which plays for ever.

    All frames share the colours of the last one, so nothing flickers.

    Args:
        frames: of one size, at least one.
        seconds: that a frame stands.
        last: that the last one stands.

    Raises:
        ValueError: there are none, or their sizes differ.

    >>> film([Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4), "white")])[:6]
    b'GIF89a'
    """
    if not frames or len({frame.size for frame in frames}) > 1:
        raise ValueError(
            f"film: {len(frames)} frames of the sizes {sorted({f.size for f in frames})}; expected "
            "at least one, all of one size"
        )
    palette = frames[-1].convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced = [
        frame.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
    ]
    times = [round(1000 * seconds)] * (len(frames) - 1) + [round(1000 * last)]
    file = io.BytesIO()
    reduced[0].save(
        file, "GIF", save_all=True, append_images=reduced[1:], duration=times, loop=0, optimize=True
    )
    return file.getvalue()
