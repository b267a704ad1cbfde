"""Four ways from a small map to a large one, a convolution as a matrix, and a checkerboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from board import Panel, board, table
from PIL import Image
from sheet import Sheet, paler

from minicv import Tensor
from minicv import functional as F
from minicv.inspection import draw_number_grid
from minicv.inspection.palette import BLUE, CLASS_COLOURS, Colour

STEM = Path(__file__).stem
SMALL = np.array([[1, 2], [3, 4]], np.float32)
LARGE = np.array([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]], np.float32)
STAMP = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)
CELL = 72
TINT = 0.55  # share of white in the colours of a table
OWN = [[[CLASS_COLOURS[2 * r + c]] for c in range(2)] for r in range(2)]

Upsample = Callable[[np.ndarray], np.ndarray]  # (h, w) -> (H, W)


def draw(out: Path) -> None:
    draw_unpooling().save(out / f"{STEM}_unpooling.png")
    draw_stamps().save(out / f"{STEM}_stamps.png")
    draw_matrix().save(out / f"{STEM}_matrix.png")
    draw_overlap().save(out / f"{STEM}_overlap.png")


# --- without weights -------------------------------------------------------------------------


def draw_unpooling() -> Sheet:
    pooled, places = F.max_pool2d(Tensor(LARGE[None, None]), 2, return_indices=True)
    ways: dict[str, Upsample] = {
        "Nearest neighbour": lambda x: F.unpool_nearest(_map(x), 2).data[0, 0],
        "Bed of nails": lambda x: F.unpool_bed_of_nails(_map(x), 2).data[0, 0],
        "Max unpooling": lambda x: F.max_unpool2d(_map(x), places, output_size=(4, 4)).data[0, 0],
    }
    first: list[Panel | str] = [Panel(grid(SMALL, OWN), "A small map", width=170), "→"]
    for name, note in (
        ("Nearest neighbour", "each value fills its block"),
        ("Bed of nails", "each in its block's corner"),
    ):
        first.append(Panel(grid(ways[name](SMALL), origins(ways[name])), name, note))
    unpool = ways["Max unpooling"]
    second = [
        Panel(grid(LARGE, origins(unpool)), "On the way down", "a map of 4 x 4"),
        "→",
        Panel(grid(pooled.data[0, 0], OWN), "Pooled", "places are kept", 186),
        "…",
        Panel(grid(SMALL, OWN), "On the way up", "another small map", 214),
        "→",
        Panel(grid(unpool(SMALL), origins(unpool)), "Max unpooling", "to the kept places"),
    ]
    return board([first, second], gap=14)


def grid(values: np.ndarray, colours: list | None = None) -> Image.Image:
    return draw_number_grid(values, colours, CELL)


def _map(x: np.ndarray) -> Tensor:
    """(h, w) as a batch of one image with one channel."""
    return Tensor(x[None, None])


def origins(upsample: Upsample) -> list[list[list[Colour]]]:
    """For each cell of the result the colours of the values of a 2x2 map that reach it."""
    ones = np.eye(4, dtype=np.float32).reshape(4, 2, 2)
    reached = np.stack([upsample(one) != 0 for one in ones])  # (4, H, W)
    return [
        [
            [CLASS_COLOURS[k] for k in np.flatnonzero(reached[:, r, c])]
            for c in range(reached.shape[2])
        ]
        for r in range(reached.shape[1])
    ]


# --- transposed convolution ------------------------------------------------------------------


def stamped(x: np.ndarray, stamp: np.ndarray) -> np.ndarray:
    return F.conv_transpose2d(_map(x), stamp[None, None], stride=2).data[0, 0]


def draw_stamps() -> Sheet:
    line = [["ax", "ay", "az + bx", "by", "bz"]]
    assert line[0] == sums(transposed_letters(), "ab")
    of_a, of_b = paler(CLASS_COLOURS[0], TINT), paler(CLASS_COLOURS[1], TINT)
    tint = [[[of_a], [of_a], [of_a, of_b], [of_b], [of_b]]]
    first = [
        Panel(table([["a", "b"]], [[[of_a], [of_b]]], (84, 78)), "A line of two"),
        Panel(table([["x", "y", "z"]], [[[]] * 3], (84, 78)), "A kernel"),
        "→",
        Panel(table(line, tint, (136, 78)), "Stride 2", "two stamps, two cells apart, added"),
    ]
    large = stamped(SMALL, STAMP)
    colours = origins(lambda x: stamped(x, np.ones((3, 3), np.float32)))
    second = [
        Panel(grid(SMALL, OWN), "A map"),
        Panel(grid(STAMP), "A kernel"),
        "→",
        Panel(grid(large, colours), "Stride 2", "four stamps; overlaps add up"),
    ]
    return board([first, second])


def conv_letters() -> list[list[str]]:
    """The matrix of a convolution of five numbers with x, y, z and stride 2: (2, 5) letters.

    Column i is found by convolving the i-th unit vector with each letter alone.
    """
    matrix = [["0"] * 5 for _ in range(2)]
    for i, unit in enumerate(np.eye(5, dtype=np.float32)):
        for k, weight in enumerate(np.eye(3, dtype=np.float32)):
            y = F.conv2d(_map(unit[None]), weight[None, None, None], stride=(1, 2)).data.ravel()
            for o in np.flatnonzero(y):
                matrix[o][i] = "xyz"[k]
    return matrix


def transposed_letters() -> list[list[str]]:
    """The matrix of the transposed convolution of two numbers: (5, 2) letters, found likewise."""
    matrix = [["0"] * 2 for _ in range(5)]
    for i, unit in enumerate(np.eye(2, dtype=np.float32)):
        for k, weight in enumerate(np.eye(3, dtype=np.float32)):
            y = F.conv_transpose2d(_map(unit[None]), weight[None, None, None], stride=(1, 2))
            for o in np.flatnonzero(y.data.ravel()):
                matrix[o][i] = "xyz"[k]
    return matrix


def sums(matrix: Sequence[Sequence[str]], vector: str) -> list[str]:
    """The product of a matrix of letters and a vector of letters."""
    rows = [[v + m for m, v in zip(row, vector, strict=True) if m != "0"] for row in matrix]
    return [" + ".join(row) for row in rows]


def draw_matrix() -> Sheet:
    matrix, transposed = conv_letters(), transposed_letters()
    assert transposed == [list(column) for column in zip(*matrix, strict=True)]
    cell = (66, 60)
    down = [
        Panel(letters(matrix, cell), "Convolution, stride 2", "five numbers to two", 340),
        "*",
        Panel(letters([[v] for v in "pqrst"], cell), ""),
        "=",
        Panel(letters([[v] for v in sums(matrix, "pqrst")], (250, 60)), ""),
    ]
    up = [
        Panel(letters(transposed, cell), "Its transpose", "two numbers to five", 340),
        "*",
        Panel(letters([[v] for v in "ab"], cell), ""),
        "=",
        Panel(letters([[v] for v in sums(transposed, "ab")], (250, 60)), ""),
    ]
    return board([down, up])


def letters(rows: Sequence[Sequence[str]], cell: tuple[int, int]) -> Image.Image:
    """Letters in cells; those of the kernel on a colour, a zero without a word."""
    fills = {"xyz"[k]: [paler(CLASS_COLOURS[k], TINT)] for k in range(3)}
    words = [["" if word == "0" else word for word in row] for row in rows]
    return table(words, [[fills.get(word, []) for word in row] for row in rows], cell)


# --- what goes wrong -------------------------------------------------------------------------


def draw_overlap() -> Sheet:
    panels = []
    shades = {1: [], 2: [paler(BLUE, 0.4)], 4: [BLUE]}
    for size in (3, 4):
        ones = np.ones((7, 7), np.float32)
        weight = np.ones((1, 1, size, size), np.float32)
        counts = F.conv_transpose2d(_map(ones), weight, stride=2).data[0, 0]
        counts = counts[3:11, 3:11].astype(int)  # away from the edges
        words = {3: "1, 2 or 4", 4: "4"}[size]
        assert {*map(str, np.unique(counts))} == set(re.findall(r"\d", words))
        fills = [[shades[count] for count in row] for row in counts.tolist()]
        heading, note = f"Kernel {size} x {size}, stride 2", f"{words} stamps on a cell"
        panels.append(Panel(draw_number_grid(counts, fills, 56), heading, note))
    return board([panels])
