"""Exercise: the anchors of a feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.vision.anchors import generate_anchors as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def generate_anchors(
    feature_height: int,
    feature_width: int,
    stride: float,
    sizes: tuple[float, ...],
    aspect_ratios: tuple[float, ...],
) -> np.ndarray:
    """(H · W · A, 4).

    >>> generate_anchors(1, 1, 16, (8,), (1, 4)).tolist()
    [[4.0, 4.0, 12.0, 12.0], [6.0, 0.0, 10.0, 16.0]]
    """
    root = np.sqrt(aspect_ratios)[:, None]
    half_w = (np.array(sizes) / root / 2).ravel()  # (ratios, sizes) -> (A,)
    half_h = (np.array(sizes) * root / 2).ravel()
    around_zero = np.stack([-half_w, -half_h, half_w, half_h], axis=1)  # (A, 4)
    rows = (np.arange(feature_height) + 0.5) * stride
    columns = (np.arange(feature_width) + 0.5) * stride
    cy, cx = np.meshgrid(rows, columns, indexing="ij")  # (H, W) each
    centres = np.stack([cx, cy, cx, cy], axis=2)  # (H, W, 4)
    return (centres[:, :, None] + around_zero).reshape(-1, 4)  # (H, W, A, 4) -> (H W A, 4)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    sides = st.integers(0, 4)
    sizes = st.lists(st.sampled_from([4, 8, 12, 32]), min_size=1, max_size=3, unique=True)
    ratios = st.lists(st.sampled_from([1, 0.25, 0.5, 2, 4]), min_size=1, max_size=3, unique=True)
    return st.fixed_dictionaries(
        {
            "feature_height": sides,
            "feature_width": sides,
            "stride": st.sampled_from([8, 4, 16]),
            "sizes": sizes.map(tuple),
            "aspect_ratios": ratios.map(tuple),
        }
    )


def _timed() -> Arguments:
    return {
        "feature_height": 38,
        "feature_width": 63,
        "stride": 16,
        "sizes": (128, 256, 512),
        "aspect_ratios": (0.5, 1, 2),
    }


def _case(
    about: str,
    cells: tuple[int, int],
    stride: float,
    sizes: tuple[float, ...],
    aspect_ratios: tuple[float, ...],
) -> Case:
    arguments: Arguments = {
        "feature_height": cells[0],
        "feature_width": cells[1],
        "stride": stride,
        "sizes": sizes,
        "aspect_ratios": aspect_ratios,
    }
    return Case(about, arguments)


EXERCISE = Exercise(
    name="anchors",
    title="the anchors of a feature map",
    example="12_faster_rcnn.py",
    chapter="16_faster_rcnn.md",
    holes=(
        Hole(
            solution=generate_anchors,
            twin=reference.generate_anchors,
            explained_by=explained,
            excerpt=(
                "feature_height, feature_width: … no anchors.",
                "sizes: … pixels.",
                "aspect_ratios: … over width.",
                "Returns",
            ),
            note="The stride is one number here, image pixels per cell. An anchor's centre is the "
            "centre of the stride x stride pixels that its cell stands for, and its area is "
            "size ** 2 whatever its ratio. Sides are not rounded, and nothing is cut off at the "
            "border. Order: rows, then columns, then ratios, then sizes.",
            results=("anchors",),
            cases=(
                _case("one square in one cell", (1, 1), 16, (8,), (1,)),
                _case("a wide box and a high one", (1, 1), 16, (8,), (0.25, 4)),
                _case("two ratios and two sizes", (1, 1), 16, (4, 8), (0.25, 1)),
                _case("two rows of three cells", (2, 3), 8, (4,), (1,)),
                _case("a ratio whose root is not whole", (1, 2), 8, (8,), (2,)),
                _case("a map without rows", (0, 2), 8, (4,), (1,)),
            ),
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="a map has only H * W centres and A shapes; minicv adds each centre to each "
                "shape in one broadcast sum instead of computing every box anew.",
            ),
        ),
    ),
    hints=(
        "A box has two unknown sides, and you are told two things about them: height / width is "
        "the ratio, width * height is size ** 2.",
        "width = size / sqrt(ratio), height = size * sqrt(ratio). The cell in column c covers the "
        "pixels from c * stride to (c + 1) * stride, so its centre is at (c + 0.5) * stride; half "
        "of the width lies on each side.",
        "for row, for column, for ratio, for size:\n"
        "    cx, cy = (column + 0.5) * stride, (row + 0.5) * stride\n"
        "    append [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]\n"
        "np.array(list).reshape(-1, 4) has the right shape also without any anchor; dtype float64.",
    ),
)
