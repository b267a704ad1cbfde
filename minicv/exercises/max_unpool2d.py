"""Exercise: max unpooling with the switches of a max pooling, and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.max_unpool2d import max_unpool2d as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def max_unpool2d(x: np.ndarray, indices: np.ndarray, output_size: tuple[int, int]) -> np.ndarray:
    """Each map flat, one after the other; values that share a position add up.

    >>> indices = np.array([[[[5, 2], [12, 15]]]])
    >>> max_unpool2d(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), indices, (4, 4))[0, 0].tolist()
    [[0.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 4.0]]
    """
    batch, channels = x.shape[:2]
    height, width = output_size
    flat = np.zeros((batch * channels, height * width), x.dtype)
    maps = np.arange(batch * channels)[:, None]  # which map, beside each position in it
    positions = indices.reshape(batch * channels, -1)
    np.add.at(flat, (maps, positions), x.reshape(batch * channels, -1))
    return flat.reshape(batch, channels, height, width)


def max_unpool2d_gradient(grad: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """dL/dx: what stands in dL/dy at the position of each value.

    >>> max_unpool2d_gradient(np.array([[[[5.0, 6.0, 7.0]]]]), np.array([[[[2, 0]]]])).tolist()
    [[[[7.0, 5.0]]]]
    """
    batch, channels, height, width = grad.shape
    flat = grad.reshape(batch, channels, height * width)
    taken = np.take_along_axis(flat, indices.reshape(batch, channels, -1), axis=2)
    return taken.reshape(indices.shape)


def _twin_of_gradient(grad: np.ndarray, indices: np.ndarray) -> np.ndarray:
    grad_x = np.zeros(indices.shape, grad.dtype)
    for n, c, i, j in np.ndindex(indices.shape):
        row, column = divmod(int(indices[n, c, i, j]), grad.shape[3])
        grad_x[n, c, i, j] = grad[n, c, row, column]
    return grad_x


SWITCHES = np.array([[[[5, 2], [12, 15]]]])
SHARED = np.array([[[[1, 1, 3]]]])
OF_TWO_CHANNELS = np.array([[[[0, 3]], [[5, 2]]]])
CASES = (
    Case(
        "the lecture's example",
        {
            "x": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]),
            "indices": SWITCHES,
            "output_size": (4, 4),
        },
    ),
    Case(
        "wider than high: a position is row · width + column",
        {
            "x": np.array([[[[7.0, 8.0]]]]),
            "indices": np.array([[[[4, 9]]]]),
            "output_size": (2, 5),
        },
    ),
    Case(
        "two channels, each with its own switches",
        {
            "x": np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]]),
            "indices": OF_TWO_CHANNELS,
            "output_size": (2, 3),
        },
    ),
    Case(
        "two values at one position add up",
        {"x": np.array([[[[1.0, 10.0, 5.0]]]]), "indices": SHARED, "output_size": (2, 2)},
    ),
)
CASES_OF_GRADIENT = (
    Case(
        "the lecture's switches",
        {"grad": np.arange(16.0).reshape(1, 1, 4, 4), "indices": SWITCHES},
    ),
    Case(
        "two channels, each with its own switches",
        {"grad": 1.0 + np.arange(12.0).reshape(1, 2, 2, 3), "indices": OF_TWO_CHANNELS},
    ),
    Case(
        "two values at one position both get its gradient",
        {"grad": np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), "indices": SHARED},
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(
        maps: tuple[int, int], size: tuple[int, int], output: tuple[int, int], seed: int
    ) -> Arguments:
        rng = np.random.default_rng(seed)
        shape = (*maps, *size)
        return {
            "x": rng.integers(1, 10, shape).astype(float),
            "indices": rng.integers(0, output[0] * output[1], shape),
            "output_size": output,
        }

    one_to_four = st.integers(1, 4)
    return st.builds(
        draw,
        st.tuples(st.integers(1, 3), st.integers(1, 3)),
        st.tuples(one_to_four, one_to_four),
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        seeds(),
    )


def _drawn_for_gradient() -> SearchStrategy[Arguments]:
    def of_gradient(drawn: Arguments) -> Arguments:
        maps, output = drawn["x"].shape[:2], drawn["output_size"]
        grad = 1.0 + np.arange(np.prod((*maps, *output))).reshape(*maps, *output)
        return {"grad": grad, "indices": drawn["indices"]}

    return _drawn().map(of_gradient)


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    # One position in each 2x2 block of 64x64 pixels, as a max pooling would name it.
    row, column = np.indices((32, 32)) * 2
    across, down = rng.integers(0, 2, (2, 2, 8, 32, 32))
    return {
        "x": rng.normal(size=(2, 8, 32, 32)),
        "indices": (row + down) * 64 + column + across,
        "output_size": (64, 64),
    }


_SLOPES = np.random.default_rng(0)
EXERCISE = Exercise(
    name="max_unpool2d",
    title="max unpooling with switches, and its gradient",
    example="05_max_unpooling_keeps_edges.py",
    chapter="05_upsampling.md",
    holes=(
        Hole(
            solution=max_unpool2d,
            twin=reference.max_unpool2d,
            explained_by=explained,
            excerpt=(
                "Forward: … indices[n, c, h, w].",
                "With the … places.",
                "=====",
                "Duplicates: … add up.",
            ),
            note="Here output_size always is (OH, OW).",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="minicv adds all values with one call of np.bincount for all maps together, "
                "instead of one at a time.",
            ),
        ),
        Hole(
            solution=max_unpool2d_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient: … position.",),
            note="grad is dL/dy, (N, C, OH, OW). Return dL/dx, which has the shape of x and so of "
            "the indices.",
            results=("dL/dx",),
            cases=CASES_OF_GRADIENT,
            drawn=_drawn_for_gradient,
            slopes=Slopes(
                forward="max_unpool2d",
                wrt=("x",),
                arguments={
                    "x": _SLOPES.normal(size=(2, 2, 2, 3)),
                    "indices": _SLOPES.integers(0, 20, (2, 2, 2, 3)),
                    "output_size": (4, 5),
                },
            ),
        ),
    ),
    hints=(
        "Begin with zeros of the size of the result. An index counts the pixels of one map in "
        "reading order: which row and which column is number 7 of a map that is 5 wide?",
        "row, column = divmod(index, OW), with OW the width of the result. Loop over n, c, h, w "
        "and add: += where two values may share a position. The gradient reads from where the "
        "forward pass wrote to.",
        "forward: y[n, c, row, column] += x[n, c, h, w]\n"
        "gradient: grad_x[n, c, h, w] = grad[n, c, row, column]\n"
        "Without loops: reshape each map to one row; np.add.at(flat, (maps, positions), values) "
        "also counts positions that come twice, and flat[maps, positions] reads them.",
    ),
)
