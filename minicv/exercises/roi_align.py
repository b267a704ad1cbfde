"""Exercise: RoIAlign and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.roi_align import roi_align as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def roi_align(
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
) -> np.ndarray:
    """(N, C, H, W) and R boxes -> (R, C, PH, PW).

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_align(x, np.array([[1.0, 1.0, 3.0, 3.0]]), np.array([0]), (2, 2), 1.0, 1).tolist()
    [[[[5.0, 6.0], [9.0, 10.0]]]]
    """
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5  # the centre of position 0 is at 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples  # (bins · S,)
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]  # (bins · S, length): the weight of each position
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        of_rows, of_columns = weights  # (PH, H), (PW, W)
        y[r] = of_rows @ x[batch_indices[r]] @ of_columns.T
    return y


def roi_align_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
) -> np.ndarray:
    """(R, C, PH, PW) -> (N, C, H, W).

    >>> x, box = np.zeros((1, 1, 2, 2)), np.array([[0.0, 0.0, 2.0, 2.0]])
    >>> roi_align_gradient(np.ones((1, 1, 1, 1)), x, box, np.array([0]), (1, 1), 1.0, 1).tolist()
    [[[[0.25, 0.25], [0.25, 0.25]]]]
    """
    grad_x = np.zeros(x.shape)
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        of_rows, of_columns = weights
        grad_x[batch_indices[r]] += of_rows.T @ grad[r] @ of_columns  # the transposed way back
    return grad_x


def _twin_of_gradient(
    grad: np.ndarray,
    x: np.ndarray,
    boxes: np.ndarray,
    batch_indices: np.ndarray,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
) -> np.ndarray:
    """The operation is linear: its value for a map that is 1 at one position is their weight."""
    grad_x = np.zeros(x.shape)
    options = boxes, batch_indices, output_size, spatial_scale, sampling_ratio
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[place] = 1
        grad_x[place] = (grad * reference.roi_align(unit, *options)).sum()
    return grad_x


def _case(
    about: str,
    x: np.ndarray,
    boxes: list[list[float]],
    output_size: tuple[int, int],
    sampling_ratio: int = 1,
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
        "sampling_ratio": sampling_ratio,
    }
    return Case(about, arguments)


def _backward(case: Case) -> Case:
    """The same case, with a grad of 16, 32, 48 ..., so that the shares are whole numbers."""
    a = case.arguments
    shape = (len(a["boxes"]), a["x"].shape[1], *a["output_size"])
    grad = 16 * np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return Case(case.about, {"grad": grad, **a})


SQUARE = np.arange(12.0).reshape(1, 1, 3, 4)
STEEP = np.array([[[[0.0, 4.0, 0.0], [8.0, 12.0, 0.0], [0.0, 0.0, 64.0]]]])
PAIR = np.array([[[[1.0, 2.0], [3.0, 4.0]]], [[[8.0, 7.0], [6.0, 5.0]]]])
CASES = (
    _case("the four positions in the middle, one bin each", SQUARE, [[1, 1, 3, 3]], (2, 2)),
    _case("a sample between four positions", STEEP, [[0, 0, 2, 2]], (1, 1)),
    _case("nearer to one of two columns", STEEP, [[0, 0, 1.5, 1]], (1, 1)),
    _case("four samples in each bin", STEEP, [[0, 0, 2, 2]], (1, 2), 2),
    _case("a map of half the image's size", SQUARE, [[0, 0, 4, 8]], (2, 1), 1, 0.5),
    _case("samples at the edge of the map", SQUARE, [[-1, -1, 1, 1]], (2, 2)),
    _case("samples far outside of the map", SQUARE, [[-4, 0, 4, 4]], (1, 4)),
    _case("two images", PAIR, [[0, 0, 1, 1], [0, 0, 2, 2]], (1, 1), images=[1, 0]),
    _case("without any box", PAIR, [], (1, 2)),
)
CASES_OF_GRADIENT = (
    _backward(CASES[0]),
    _backward(_case("boxes that overlap", PAIR[:1], [[0, 0, 2, 2], [0, 0, 1, 1]], (1, 1))),
    *map(_backward, CASES[1:]),
)


def _drawn(with_grad: bool) -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(
        sizes: tuple[int, ...],
        bins: tuple[int, int],
        regions: int,
        scale: float,
        ratio: int,
        seed: int,
    ) -> Arguments:
        rng = np.random.default_rng(seed)
        # Halves and quarters are exact, so all agree on which sample lies outside of the map.
        corner = rng.integers(-5, 11, (regions, 2)) / 2 / scale
        boxes = np.concatenate([corner, corner + rng.integers(0, 13, (regions, 2)) / scale / 2], 1)
        drawn: Arguments = {
            "x": rng.integers(-9, 10, (2, 2, *sizes)).astype(float),
            "boxes": boxes,
            "batch_indices": rng.integers(0, 2, regions),
            "output_size": bins,
            "spatial_scale": scale,
            "sampling_ratio": ratio,
        }
        if not with_grad:
            return drawn
        return {"grad": rng.integers(-5, 6, (regions, 2, *bins)).astype(float), **drawn}

    return st.builds(
        draw,
        distinct_sizes(2, 1, 4),
        st.sampled_from([(1, 2), (2, 1), (2, 4), (4, 1)]),
        st.integers(0, 2),
        st.sampled_from([1.0, 0.5]),
        st.sampled_from([1, 2]),
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
        "sampling_ratio": 2,
    }


EXERCISE = Exercise(
    name="roi_align",
    title="RoIAlign and its gradient",
    example="13_roi_pool_vs_roi_align.py",
    chapter="18_mask_rcnn.md",
    holes=(
        Hole(
            solution=roi_align,
            twin=reference.roi_align,
            explained_by=explained,
            excerpt=("Forward: ", "A sample … away is 0.", "====", "``aligned=True`` … scaling."),
            note="Here aligned is always True, and sampling_ratio is S, 1 or more.",
            results=("y",),
            cases=CASES,
            drawn=lambda: _drawn(False),
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="the weights of a box are the same for all channels, so minicv computes them "
                "once, lays those of all boxes into one sparse matrix, and multiplies the map with "
                "that.",
            ),
        ),
        Hole(
            solution=roi_align_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient: … same weights.",),
            note="grad is dL/dy (R, C, PH, PW), and dL/dx has the shape of x. The weights are "
            "those of roi_align: of the interpolation, and 1 / S² for the mean.",
            results=("dL/dx",),
            cases=CASES_OF_GRADIENT,
            drawn=lambda: _drawn(True),
            slopes=Slopes(
                forward="roi_align",
                wrt=("x",),
                arguments={
                    "x": np.random.default_rng(0).normal(size=(2, 1, 4, 3)),
                    "boxes": np.array([[0.0, 0.0, 3.0, 4.0], [0.5, 1.0, 3.0, 2.5], [0, 1, 2, 3]]),
                    "batch_indices": np.array([0, 0, 1]),
                    "output_size": (1, 2),
                    "spatial_scale": 1.0,
                    "sampling_ratio": 2,
                },
            ),
        ),
    ),
    hints=(
        "Begin with one box, one bin, one sample: where on the map does it lie, counted in "
        "positions? Nothing is rounded on the way there.",
        "After scaling, subtract 0.5: what lies at 0.5 in pixels is the centre of position 0. "
        "Sample k of the S in bin i lies (i + (k + 0.5) / S) bin heights below the top.\n"
        "Between positions take (1 - share) of the one before and share of the one after, down and "
        "along. First look whether the sample is more than 1 outside, then clip it to 0..H - 1.\n"
        "Gradient: the same loops; add grad times the weight where the forward pass read.",
        "top = y1 * scale - 0.5; bin_height = (y2 - y1) * scale / PH; left, bin_width likewise\n"
        "row = top + (i + (k + 0.5) / S) * bin_height, column likewise\n"
        "outside of -1..H or -1..W: 0; else clip, and with r0 = floor(row), d = row - r0:\n"
        "    (1 - d) * (value left and right at row r0) + d * (the same at row r0 + 1)\n"
        "y is the mean over the S * S samples. With weights down (PH, H) and along (PW, W), it is\n"
        "down @ x[n] @ along.T, and the gradient down.T @ grad[r] @ along.",
    ),
)
