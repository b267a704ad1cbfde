"""Four ways to make a small map large again, on the lecture's own numbers and on a picture.

A network that pools knows what is there, but on a small map; a label for every pixel needs a large
one. Nearest neighbour and bed of nails put each value into its block without looking. Max unpooling
puts it where the maximum of its block had been on the way down. Transposed convolution stamps a
kernel, scaled by each value, and adds up where stamps overlap.

    python examples/03_four_upsamplings.py
    python examples/03_four_upsamplings.py --image holiday.jpg

It prints the maps and writes three pictures: numbers.png, in which a cell has the colour of the
value that it holds; picture.png, a picture halved and enlarged again in the four ways; and
edges.png, the same for the strength of its edges, a map that is mostly zeros, as a network's are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from minicv import Tensor
from minicv import functional as F
from minicv.data import Farmyard, read_image
from minicv.inspection import contact_sheet, draw_number_grid
from minicv.inspection.canvas import to_picture
from minicv.inspection.palette import CLASS_COLOURS
from minicv.models.photographs import resize_image
from minicv.nn.initializers import bilinear_upsampling

SMALL = np.array([[1, 2], [3, 4]], np.float32)
LARGE = np.array([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]], np.float32)
STAMP = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)  # the learned kernel, say
SIDE = 64  # pixels of the picture, few enough to be seen one by one

Upsample = Callable[[np.ndarray], np.ndarray]  # (C, h, w) -> (C, H, W)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/03_four_upsamplings")
    parser.add_argument("--image", type=Path, help="a photograph; default: a drawn scene")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=6, help="of the drawn scene; default 6")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, numbers in lecture_numbers().items():
        print(f"{name}\n{np.array2string(numbers)}")
    print(f"Transposed convolution of [a, b] and [x, y, z], stride 2\n{letters('ab', 'xyz')}")
    draw_numbers().save(options.out / "numbers.png")
    if options.image is None:
        image = Farmyard(1, size=(SIDE, SIDE), seed=options.seed)[0][0]
    else:
        image = central_square(read_image(options.image))
    grey = image.mean(axis=0, keepdims=True)  # (3, H, W) -> (1, H, W)
    for name, before in {"picture": grey, "edges": edge_strength(grey)}.items():
        print(f"\n{'of the ' + name + ', halved and brought back':<42}zeros  mean error")
        for way, after in halved_and_back(before).items():
            print(f"{way:<42}{(after == 0).mean():>5.0%}{np.abs(after - before).mean():>12.3f}")
        draw_halved_and_back(image, before, name).save(options.out / f"{name}.png")
    print(f"\npictures in {options.out.resolve()}: numbers.png, picture.png, edges.png")


# --- the four, for one image without the axis of the batch -----------------------------------


def four_upsamplings(before: np.ndarray, stamp: np.ndarray) -> dict[str, Upsample]:
    """By name. Max unpooling needs the large map ``before`` (C, H, W) that was pooled."""
    _, places = F.max_pool2d(Tensor(before[None]), 2, return_indices=True)  # (1, C, H/2, W/2)
    size = before.shape[1:]
    return {
        "Nearest neighbour": lambda x: F.unpool_nearest(Tensor(x[None]), 2).data[0],
        "Bed of nails": lambda x: F.unpool_bed_of_nails(Tensor(x[None]), 2).data[0],
        "Max unpooling": lambda x: F.max_unpool2d(Tensor(x[None]), places, output_size=size).data[
            0
        ],
        "Transposed convolution": lambda x: stamped(x, stamp)[:, 1:, 1:],
    }


def stamped(x: np.ndarray, stamp: np.ndarray) -> np.ndarray:
    """3x3 stamps, two pixels apart, each channel by itself: (C, h, w) -> (C, 2h + 1, 2w + 1).

    Without the first row and column (a padding of 1 and an output padding of 1) it has 2h x 2w.
    """
    channels = len(x)
    weight = np.repeat(stamp[None, None], channels, axis=0)  # (C, 1, 3, 3)
    return F.conv_transpose2d(Tensor(x[None]), weight, stride=2, groups=channels).data[0]


def lecture_numbers() -> dict[str, np.ndarray]:
    """What the four make of 1 2 / 3 4, and the pooling from which max unpooling has its places."""
    pooled, places = F.max_pool2d(Tensor(LARGE[None, None]), 2, return_indices=True)
    pooled = pooled.data[0]  # (1, 2, 2)
    upsamplings = four_upsamplings(LARGE[None], STAMP)
    results = {name: upsample(SMALL[None])[0] for name, upsample in upsamplings.items()}
    return {
        "Max pooling of the 4x4 map": pooled[0],
        "Places of its maxima, 4 · row + column": places[0, 0],
        "The maxima, unpooled": upsamplings["Max unpooling"](pooled)[0],
        **{f"{name} of 1 2 / 3 4": result for name, result in results.items()},
        "... with its first row and column": stamped(SMALL[None], STAMP)[0],
    }


def letters(image: str, kernel: str) -> list[str]:
    """A transposed convolution of stride 2 with letters for numbers: which products add up where?

    Found with ones and zeros: letter i of the image and letter k of the kernel alone are one.

    >>> letters("ab", "xyz")
    ['ax', 'ay', 'az + bx', 'by', 'bz']
    """
    sums: list[list[str]] = [[] for _ in range(2 * (len(image) - 1) + len(kernel))]
    for i, one_value in enumerate(np.eye(len(image), dtype=np.float32)):
        for k, one_weight in enumerate(np.eye(len(kernel), dtype=np.float32)):
            x, weight = Tensor(one_value[None, None, None]), one_weight[None, None, None]
            y = F.conv_transpose2d(x, weight, stride=(1, 2)).data.ravel()  # (OW,)
            sums[int(y.argmax())].append(image[i] + kernel[k])
    return [" + ".join(products) for products in sums]


# --- the pictures ----------------------------------------------------------------------------


def origins(upsample: Upsample, size: tuple[int, int]) -> list[list[list]]:
    """For each cell of the result the colours of the values that reach it, one by one."""
    height, width = size
    ones = np.eye(height * width, dtype=np.float32).reshape(-1, 1, height, width)
    reached = np.stack([upsample(one)[0] != 0 for one in ones])  # (h w, H, W)
    return [
        [[CLASS_COLOURS[k] for k in np.flatnonzero(reached[:, row, column])]
         for column in range(reached.shape[2])]
        for row in range(reached.shape[1])
    ]  # fmt: skip


def draw_numbers() -> Image.Image:
    """Five rows of number grids: what goes in at the left, what comes out at the right."""
    numbers = lecture_numbers()
    upsamplings = four_upsamplings(LARGE[None], STAMP)
    own = origins(lambda x: x, (2, 2))  # a colour for each of the four values
    nearest, nails, unpooled, _ = (origins(upsample, (2, 2)) for upsample in upsamplings.values())
    stamps = origins(lambda x: stamped(x, np.ones((3, 3), np.float32)), (2, 2))
    pair = [[[CLASS_COLOURS[0]], [CLASS_COLOURS[1]]]]
    line = [
        [[CLASS_COLOURS[k] for k in range(2) if "ab"[k] in text] for text in letters("ab", "xyz")]
    ]
    grids = {
        "A map of 2x2": (SMALL, own),
        "Nearest neighbour\nEvery value fills its 2x2 block.":
            (numbers["Nearest neighbour of 1 2 / 3 4"], nearest),
        "Bed of nails\nEvery value in the top left corner of its block, among zeros.":
            (numbers["Bed of nails of 1 2 / 3 4"], nails),
        "On the way down: a map of 4x4": (LARGE, unpooled),
        "Max pooling\nIt remembers where its maxima were.":
            (numbers["Max pooling of the 4x4 map"], own),
        "Its maxima, unpooled\nWhere they were, among zeros.":
            (numbers["The maxima, unpooled"], unpooled),
        "On the way up: another map of 2x2\nWhat the layers between made of it.": (SMALL, own),
        "The remembered places\n4 · row + column, counted from 0.":
            (numbers["Places of its maxima, 4 · row + column"], own),
        "Max unpooling\nEvery value where the maximum had been.":
            (numbers["Max unpooling of 1 2 / 3 4"], unpooled),
        "A map of 2x2 ": (SMALL, own),
        "A kernel of 3x3\nOther numbers, once they are learned.": (STAMP, None),
        "Transposed convolution, stride 2\nA stamp for every value, two cells apart; where they "
        "overlap they add up.": (numbers["... with its first row and column"], stamps),
        "In one dimension": ([["a", "b"]], pair),
        "A kernel of 3": ([["x", "y", "z"]], None),
        "Transposed convolution, stride 2 ": ([letters("ab", "xyz")], line),
    }  # fmt: skip
    pictures = [draw_number_grid(values, colours) for values, colours in grids.values()]
    title = "Four upsamplings: each colour is one value of the small map"
    return contact_sheet(pictures, [name.strip() for name in grids], columns=3, title=title)


def edge_strength(grey: np.ndarray) -> np.ndarray:
    """How steeply the brightness changes, largest 1: (1, H, W) -> (1, H, W)."""
    strength = np.hypot(*np.gradient(grey[0]))[None]
    return (strength / max(strength.max(), 1e-6)).astype(np.float32)


def halved_and_back(before: np.ndarray) -> dict[str, np.ndarray]:
    """A map (1, H, W) max pooled to half its size, and brought back in each of the four ways."""
    pooled = F.max_pool2d(Tensor(before[None]), 2).data[0]  # (1, H/2, W/2)
    tent = bilinear_upsampling((1, 1, 3, 3))[0, 0]
    return {name: up(pooled) for name, up in four_upsamplings(before, tent).items()}


def draw_halved_and_back(image: np.ndarray, before: np.ndarray, name: str) -> Image.Image:
    """The image, the map of it that is halved, and the four results; each pixel a square."""
    shown = {
        "Image\n ": image,
        f"The {name} before\nThen 2x2 max pooling leaves a quarter of the numbers.": before,
    }
    notes = (
        "Every value a block: edges are steps of two pixels.",
        "Every value in a corner, wherever it had been.",
        "Every value where it had been: edges are in their places.",
        "With a tent as kernel. Smooth, as edges are not.",
    )
    for (way, after), note in zip(halved_and_back(before).items(), notes, strict=True):
        shown[f"{way}\n{note}"] = after
    pictures = []
    for pixels in shown.values():
        picture = to_picture(np.broadcast_to(pixels, image.shape))  # grey: three equal colours
        size = (8 * picture.width, 8 * picture.height)
        pictures.append(picture.resize(size, Image.Resampling.NEAREST))
    title = f"The {name}, halved and brought back"
    return contact_sheet(pictures, list(shown), columns=3, title=title)


def central_square(image: np.ndarray) -> np.ndarray:
    """The largest square in the middle of a photograph, at `SIDE` x `SIDE` pixels."""
    side = min(image.shape[1:])
    top, left = ((length - side) // 2 for length in image.shape[1:])
    return resize_image(image[:, top : top + side, left : left + side], SIDE, SIDE)


if __name__ == "__main__":
    main()
