"""Exercise: intersection over union of all pairs of two lists of boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.exercises.small_boxes import small_boxes
from minicv.vision.boxes import box_iou as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def box_iou(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """(M, 4) and (N, 4) -> (M, N).

    >>> box_iou(np.array([[0.0, 0.0, 4.0, 4.0]]), np.array([[0.0, 0.0, 4.0, 2.0]])).tolist()
    [[0.5]]
    """
    left = np.maximum(boxes1[:, None, 0], boxes2[:, 0])  # (M, 1) and (N,) -> (M, N)
    top = np.maximum(boxes1[:, None, 1], boxes2[:, 1])
    right = np.minimum(boxes1[:, None, 2], boxes2[:, 2])
    bottom = np.minimum(boxes1[:, None, 3], boxes2[:, 3])
    shared = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    area1 = (boxes1[:, 2] - boxes1[:, 0]) * (boxes1[:, 3] - boxes1[:, 1])
    area2 = (boxes2[:, 2] - boxes2[:, 0]) * (boxes2[:, 3] - boxes2[:, 1])
    union = area1[:, None] + area2 - shared
    return shared / np.where(union > 0, union, 1)  # 0 / 1 where both boxes cover nothing


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(m: int, n: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {"boxes1": small_boxes(rng, m), "boxes2": small_boxes(rng, n)}

    return st.builds(draw, st.integers(0, 4), st.integers(0, 5), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {"boxes1": small_boxes(rng, 100), "boxes2": small_boxes(rng, 1000)}


EXERCISE = Exercise(
    name="box_iou",
    title="intersection over union of boxes",
    example="08_region_proposals.py",
    chapter="11_detection.md",
    holes=(
        Hole(
            solution=box_iou,
            twin=reference.box_iou,
            explained_by=explained,
            excerpt=("Args", "Returns"),
            note="A box is x1, y1, x2, y2, and half-open: its width is x2 - x1, without any + 1.",
            results=("iou",),
            cases=(
                Case(
                    "a box, its upper half and one that covers its corner",
                    {
                        "boxes1": np.array([[0.0, 0.0, 4.0, 4.0]]),
                        "boxes2": np.array([[0.0, 0.0, 4.0, 2.0], [2.0, 2.0, 6.0, 6.0]]),
                    },
                ),
                Case(
                    "boxes apart, side by side and corner to corner",
                    {
                        "boxes1": np.array([[0.0, 0.0, 2.0, 2.0]]),
                        "boxes2": np.array(
                            [[3.0, 0.0, 5.0, 2.0], [3.0, 3.0, 5.0, 5.0], [2.0, 0.0, 4.0, 2.0]]
                        ),
                    },
                ),
                Case(
                    "two boxes against three",
                    {
                        "boxes1": np.array([[0.0, 0.0, 2.0, 1.0], [1.0, 0.0, 3.0, 2.0]]),
                        "boxes2": np.array(
                            [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 3.0, 2.0], [1.0, 0.0, 2.0, 4.0]]
                        ),
                    },
                ),
                Case(
                    "boxes that cover nothing",
                    {
                        "boxes1": np.array([[1.0, 1.0, 1.0, 3.0]]),
                        "boxes2": np.array([[1.0, 1.0, 1.0, 3.0], [0.0, 0.0, 2.0, 4.0]]),
                    },
                ),
                Case(
                    "without any box",
                    {"boxes1": np.zeros((0, 4)), "boxes2": np.array([[0.0, 0.0, 2.0, 2.0]])},
                ),
            ),
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="a loop in Python spends microseconds on each of the 100,000 pairs, an array "
                "operation a nanosecond; minicv also works in blocks that stay in the processor's "
                "cache.",
            ),
        ),
    ),
    hints=(
        "What two boxes share is a box too, if it is there at all. Where is its left side, if you "
        "know the left sides of both?",
        "The shared box begins at the larger x1 and ends at the smaller x2, and likewise down. If "
        "it ends before it begins, its width is 0, not negative: two negative sides would make a "
        "positive area.\nThe union counts what is shared once: |A| + |B| - shared. Two boxes "
        "without area have a union of 0.",
        "for each m, n:\n"
        "    width  = max(min(x2s) - max(x1s), 0), height likewise from y1 and y2\n"
        "    shared = width * height\n"
        "    iou[m, n] = shared / (area1[m] + area2[n] - shared), and 0 if that is 0 / 0\n"
        "Without loops: boxes1[:, None, 0] is (M, 1), and np.maximum of it and boxes2[:, 0] is "
        "(M, N).",
    ),
)
