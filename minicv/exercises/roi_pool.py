"""Exercise: RoI pooling and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.roi_pool import roi_pool as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def roi_pool(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> np.ndarray:
    """(N, C, H, W) and R boxes -> (R, C, PH, PW).

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_pool(x, np.array([[0.0, 0.0, 3.0, 1.0]]), np.array([0]), (2, 2), 1.0).tolist()
    [[[[1.0, 3.0], [5.0, 7.0]]]]
    """
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                # -(-a // b) rounds a / b up; clipped, so that no index counts from the end
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    y[r, :, i, j] = bin.max(axis=(1, 2))
    return y


def roi_pool_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> np.ndarray:
    """(R, C, PH, PW) -> (N, C, H, W).

    >>> x, box = np.arange(16.0).reshape(1, 1, 4, 4), np.array([[0.0, 0.0, 3.0, 1.0]])
    >>> grad = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> roi_pool_gradient(grad, x, box, np.array([0]), (2, 2), 1.0)[0, 0, :2].tolist()
    [[0.0, 1.0, 0.0, 2.0], [0.0, 3.0, 0.0, 4.0]]
    """
    channels, height, width = x.shape[1:]
    grad_x = np.zeros(x.shape)
    corners = np.floor(boxes * spatial_scale + 0.5).astype(int)
    for r, (left, top, right, bottom) in enumerate(corners):
        rows, columns = max(bottom - top + 1, 1), max(right - left + 1, 1)
        for i in range(output_size[0]):
            for j in range(output_size[1]):
                first_row = np.clip(top + i * rows // output_size[0], 0, height)
                stop_row = np.clip(top - (-(i + 1) * rows // output_size[0]), 0, height)
                first_column = np.clip(left + j * columns // output_size[1], 0, width)
                stop_column = np.clip(left - (-(j + 1) * columns // output_size[1]), 0, width)
                bin = x[batch_indices[r], :, first_row:stop_row, first_column:stop_column]
                if bin.size > 0:
                    # argmax takes the first of equals, in reading order
                    best = bin.reshape(channels, -1).argmax(axis=1)  # (C,)
                    down, along = np.divmod(best, bin.shape[2])
                    row, column = first_row + down, first_column + along
                    grad_x[batch_indices[r], range(channels), row, column] += grad[r, :, i, j]
    return grad_x


def _twin(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> np.ndarray:
    return reference.roi_pool(x, boxes, batch_indices, output_size, spatial_scale)[0]


def _twin_of_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> np.ndarray:
    positions = reference.roi_pool(x, boxes, batch_indices, output_size, spatial_scale)[1]
    grad_x = np.zeros(x.shape)
    for r, c, i, j in np.ndindex(positions.shape):
        if positions[r, c, i, j] >= 0:
            row, column = divmod(positions[r, c, i, j], x.shape[3])
            grad_x[batch_indices[r], c, row, column] += grad[r, c, i, j]
    return grad_x


def _case(
    about: str,
    x: np.ndarray,
    boxes: list[list[float]],
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    images: list[int] | None = None,
) -> Case:
    indices = np.zeros(len(boxes), int) if images is None else np.array(images)
    arguments: Arguments = {
        "x": x,
        "boxes": np.array(boxes, float).reshape(-1, 4),
        "batch_indices": indices,
        "output_size": output_size,
        "spatial_scale": spatial_scale,
    }
    return Case(about, arguments)


def _backward(case: Case) -> Case:
    """The same case, with a grad of 1, 2, 3 ..."""
    a = case.arguments
    shape = (len(a["boxes"]), a["x"].shape[1], *a["output_size"])
    grad = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return Case(case.about, {"grad": grad, **a})


SQUARE = np.arange(12.0).reshape(1, 1, 3, 4)
NEGATIVE = -np.arange(1.0, 13.0).reshape(1, 1, 3, 4)
PAIR = np.array([[[[1.0, 2.0], [3.0, 4.0]]], [[[8.0, 7.0], [6.0, 5.0]]]])
CASES = (
    _case("a box of two rows and four columns", SQUARE, [[0, 0, 3, 1]], (2, 2)),
    _case("three rows in two bins, which overlap", SQUARE, [[1, 0, 2, 2]], (2, 1)),
    _case("corners at halves are rounded up", SQUARE, [[0.5, 0.5, 2.5, 1.5]], (1, 2)),
    _case("a map of half the image's size", SQUARE, [[2, 0, 6, 2]], (2, 2), 0.5),
    _case("a box that sticks out of a map of negative numbers", NEGATIVE, [[-3, 1, 0, 4]], (2, 2)),
    _case("one position in four bins", SQUARE, [[2, 1, 2, 1]], (2, 2)),
    _case("two images", PAIR, [[0, 0, 1, 0], [0, 0, 1, 1]], (1, 2), images=[1, 0]),
    _case("without any box", SQUARE, [], (2, 1)),
)
TIES = np.array([[[[5.0, 5.0, 1.0], [0.0, 5.0, 2.0]]]])
CASES_OF_GRADIENT = (
    _backward(CASES[0]),
    _backward(_case("boxes that overlap", SQUARE, [[0, 0, 3, 2], [2, 2, 3, 2]], (1, 1))),
    _backward(_case("equal numbers: the first one", TIES, [[0, 0, 2, 1]], (1, 1))),
    *map(_backward, CASES[1:]),
)


def _drawn(with_grad: bool) -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(
        sizes: tuple[int, ...], bins: tuple[int, ...], regions: int, scale: float, seed: int
    ) -> Arguments:
        rng = np.random.default_rng(seed)
        height, width = sizes
        corner = rng.integers(-3, 7, (regions, 2)) / 2 / scale
        boxes = np.concatenate([corner, corner + rng.integers(-1, 9, (regions, 2)) / scale / 2], 1)
        drawn: Arguments = {
            "x": rng.integers(-9, 10, (2, 2, height, width)).astype(float),
            "boxes": boxes,
            "batch_indices": rng.integers(0, 2, regions),
            "output_size": bins,
            "spatial_scale": scale,
        }
        if not with_grad:
            return drawn
        return {"grad": rng.integers(-5, 6, (regions, 2, *bins)).astype(float), **drawn}

    return st.builds(
        draw,
        distinct_sizes(2, 1, 5),
        distinct_sizes(2, 1, 3),
        st.integers(0, 3),
        st.sampled_from([1.0, 0.5, 0.25]),
        seeds(),
    )


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 300, (20, 2))
    return {
        "x": rng.normal(size=(1, 8, 30, 40)),
        "boxes": np.concatenate([corner, corner + rng.uniform(30, 300, (20, 2))], axis=1),
        "batch_indices": np.zeros(20, int),
        "output_size": (7, 7),
        "spatial_scale": 1 / 16,
    }


EXERCISE = Exercise(
    name="roi_pool",
    title="RoI pooling and its gradient",
    example="11_fast_rcnn.py",
    chapter="15_fast_rcnn.md",
    holes=(
        Hole(
            solution=roi_pool,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward, with … over bin (i, j).", "====", "The rounded … may overlap."),
            note="A bin that lies outside of the map is empty, and its value is 0.",
            results=("y",),
            cases=CASES,
            drawn=lambda: _drawn(False),
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="minicv makes a table of the maxima of all squares of 1, 2, 4, 8 ... positions "
                "once for each map; then every bin of every box, however large, is the greatest of "
                "four look-ups, and nothing loops over boxes.",
            ),
        ),
        Hole(
            solution=roi_pool_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient: … what it gets.", "Ties: … reading order."),
            note="grad is dL/dy (R, C, PH, PW), and dL/dx has the shape of x. The gradient of an "
            "empty bin is dropped.",
            results=("dL/dx",),
            cases=CASES_OF_GRADIENT,
            drawn=lambda: _drawn(True),
            slopes=Slopes(
                forward="roi_pool",
                wrt=("x",),
                arguments={
                    "x": np.random.default_rng(0).permutation(40).astype(float).reshape(2, 1, 5, 4),
                    "boxes": np.array([[0.0, 0.0, 3.0, 4.0], [1.0, 2.0, 5.0, 4.0], [0, 1, 2, 3]]),
                    "batch_indices": np.array([0, 0, 1]),
                    "output_size": (2, 3),
                    "spatial_scale": 1.0,
                },
            ),
        ),
    ),
    hints=(
        "Do it for one box and one bin first: round the corners to whole positions, find the rows "
        "and the columns of the bin, take the maximum of that part of the map for all channels at "
        "once.",
        "floor(v + 0.5) rounds halves up; Python's round and np.round take the even neighbour. For "
        "whole numbers, a * b // c rounds down and -(-a * b // c) rounds up, without any floating "
        "number.\nCut rows and columns off at both edges of the map: a negative stop would count "
        "from the end.\nGradient: the position of the maximum of the same bin, with +=, because "
        "boxes may overlap.",
        "rows = max(bottom - top + 1, 1)\n"
        "first, stop = top + i * rows // PH, top - (-(i + 1) * rows // PH), both clipped to 0..H\n"
        "y[r, :, i, j] = x[n, :, first:stop, ...].max(axis=(1, 2)), or 0 where that is empty\n"
        "gradient: argmax of the bin laid flat; divmod by the bin's width gives row and column",
    ),
)
