"""Exercise: spatial pyramid pooling and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.spatial_pyramid_pool import spatial_pyramid_pool as explained
from minicv.reference.adaptive_avg_pool2d import bin_positions

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def spatial_pyramid_pool(x: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    """(N, C, H, W) -> (N, C · Σ l²).

    >>> x = np.array([[[[1.0, 2.0], [4.0, 3.0]]]])
    >>> spatial_pyramid_pool(x, levels=(2, 1)).tolist()
    [[1.0, 2.0, 4.0, 3.0, 4.0]]
    """
    batch, channels, height, width = x.shape
    parts = []
    for level in levels:
        maxima = np.zeros((batch, channels, level, level))
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                maxima[:, :, i, j] = bin.max(axis=(2, 3))
        parts.append(maxima.reshape(batch, channels * level**2))
    return np.concatenate(parts, axis=1)


def spatial_pyramid_pool_gradient(
    grad: np.ndarray, x: np.ndarray, levels: tuple[int, ...]
) -> np.ndarray:
    """(N, C · Σ l²) -> (N, C, H, W).

    >>> x = np.array([[[[1.0, 2.0], [4.0, 3.0]]]])
    >>> spatial_pyramid_pool_gradient(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), x, (2, 1)).tolist()
    [[[[1.0, 2.0], [8.0, 4.0]]]]
    """
    batch, channels, height, width = x.shape
    grad_x = np.zeros(x.shape)
    n, c = np.ogrid[:batch, :channels]  # (N, 1), (1, C)
    start = 0
    for level in levels:
        stop = start + channels * level**2
        of_level = grad[:, start:stop].reshape(batch, channels, level, level)
        for i in range(level):
            first_row, stop_row = i * height // level, -(-(i + 1) * height // level)
            for j in range(level):
                first_column, stop_column = j * width // level, -(-(j + 1) * width // level)
                bin = x[:, :, first_row:stop_row, first_column:stop_column]
                # argmax takes the first of equals, in reading order
                best = bin.reshape(batch, channels, bin[0, 0].size).argmax(axis=2)
                down, along = np.divmod(best, stop_column - first_column)  # (N, C)
                grad_x[n, c, first_row + down, first_column + along] += of_level[:, :, i, j]
        start = stop
    return grad_x


def _twin_of_gradient(grad: np.ndarray, x: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    grad_x = np.zeros(x.shape)
    for n in range(x.shape[0]):
        place = 0
        for level in levels:
            for c, i, j in np.ndindex(x.shape[1], level, level):
                bin = [
                    (n, c, row, column)
                    for row in bin_positions(i, level, x.shape[2])
                    for column in bin_positions(j, level, x.shape[3])
                ]
                best = max(bin, key=lambda position: x[position])  # the first of equals
                grad_x[best] += grad[n, place]
                place += 1
    return grad_x


def _backward(case: Case) -> Case:
    """The same case, with a grad of 1, 2, 3 ..."""
    x, levels = case.arguments["x"], case.arguments["levels"]
    shape = (x.shape[0], x.shape[1] * sum(level**2 for level in levels))
    grad = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return Case(case.about, {"grad": grad, **case.arguments})


CASES = (
    Case(
        "four positions, in four bins and in one",
        {"x": np.array([[[[1.0, 2.0], [4.0, 3.0]]]]), "levels": (2, 1)},
    ),
    Case(
        "bins that overlap in the middle column",
        {"x": np.array([[[[1.0, 9.0, 2.0], [3.0, 4.0, 5.0]]]]), "levels": (2,)},
    ),
    Case(
        "five columns in three bins",
        {"x": np.array([[[[5.0, 1.0, 2.0, 3.0, 4.0]]]]), "levels": (3,)},
    ),
    Case(
        "two channels",
        {
            "x": np.array([[[[1.0, 2.0], [3.0, 4.0]], [[50.0, 60.0], [70.0, 80.0]]]]),
            "levels": (1, 2),
        },
    ),
    Case(
        "two images of negative numbers",
        {"x": np.array([[[[-1.0, -2.0]]], [[[-4.0, -3.0]]]]), "levels": (1,)},
    ),
    Case(
        "more bins than positions",
        {"x": np.array([[[[1.0, 2.0]]]]), "levels": (3,)},
    ),
)
CASES_OF_GRADIENT = (
    *map(_backward, CASES),
    _backward(
        Case(
            "equal numbers: the first one",
            {"x": np.array([[[[7.0, 7.0], [7.0, 1.0]]]]), "levels": (1,)},
        )
    ),
)


def _drawn(with_grad: bool) -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(sizes: tuple[int, ...], levels: tuple[int, ...], seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        x = rng.integers(-9, 10, sizes).astype(float)
        case = Case("", {"x": x, "levels": levels})
        return _backward(case).arguments if with_grad else case.arguments

    levels = st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True).map(tuple)
    return st.builds(draw, distinct_sizes(4, 1, 6), levels, seeds())


def _timed() -> Arguments:
    x = np.random.default_rng(0).normal(size=(1, 32, 30, 40))
    return {"x": x, "levels": (6, 3, 2, 1)}


EXERCISE = Exercise(
    name="spatial_pyramid_pool",
    title="spatial pyramid pooling and its gradient",
    example="10_spp_net.py",
    chapter="14_spp_net.md",
    holes=(
        Hole(
            solution=spatial_pyramid_pool,
            twin=reference.spatial_pyramid_pool,
            explained_by=explained,
            excerpt=(
                "Forward: … by channel.",
                "Where a … repeated.",
                "=====",
            ),
            note="A map of H rows has l bins: bin i reaches from i · H / l to (i + 1) · H / l, and "
            "holds every row that lies in there at least in part. Columns likewise.",
            results=("y",),
            cases=CASES,
            drawn=lambda: _drawn(False),
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="there are only 50 bins, and the maximum of one can be taken for all channels "
                "at once; Python needs about as long for each single number that it looks at as "
                "NumPy for a hundred.",
            ),
        ),
        Hole(
            solution=spatial_pyramid_pool_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient: … what it gets.",),
            note="grad is dL/dy, as long as y, and dL/dx has the shape of x. Of equal numbers in a "
            "bin the first in reading order held the maximum.",
            results=("dL/dx",),
            cases=CASES_OF_GRADIENT,
            drawn=lambda: _drawn(True),
            slopes=Slopes(
                forward="spatial_pyramid_pool",
                wrt=("x",),
                arguments={
                    "x": np.random.default_rng(0).permutation(30).reshape(1, 2, 5, 3) / 4,
                    "levels": (2, 1),
                },
            ),
        ),
    ),
    hints=(
        "Do one level first: its l * l bins are small windows of the map, and each gives one "
        "maximum for every image and channel. In which order do they go into the vector?",
        "A bin begins with the row in which i * H / l lies, so round down, and ends with the last "
        "row that it touches, so round up: i * H // l and -(-(i + 1) * H // l).\nFor each level "
        "the vector holds channel by channel, and each channel row by row: maxima of shape "
        "(N, C, l, l), reshaped to (N, C * l * l).\nGradient: cut grad into the same parts, and "
        "add each number where the maximum of its bin was.",
        "for each level l: for each i, j:\n"
        "    rows from i * H // l up to, not including, -(-(i + 1) * H // l); columns likewise\n"
        "    maxima[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))\n"
        "    parts.append(maxima.reshape(N, C * l * l))\n"
        "np.concatenate(parts, axis=1). Gradient: argmax of the bin laid flat, divmod by its "
        "width, and +=.",
    ),
)
