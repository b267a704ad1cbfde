"""Exercise: non-maximum suppression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.exercises.small_boxes import small_boxes
from minicv.vision.boxes import nms as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """The indices of the boxes that stay.

    >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [5.0, 0.0, 9.0, 4.0]])
    >>> nms(boxes, np.array([0.6, 0.9, 0.7]), 0.5).tolist()
    [1, 2]
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")  # equal scores stay in the order they came
    kept = []
    while len(order) > 0:
        best, rest = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[rest, :2])  # (R, 2): left, top
        opposite = np.minimum(boxes[best, 2:], boxes[rest, 2:])  # right, bottom
        shared = np.maximum(opposite - corner, 0).prod(axis=1)
        union = area[best] + area[rest] - shared
        iou = shared / np.where(union > 0, union, 1)
        order = rest[iou <= iou_threshold]
    return np.array(kept, dtype=np.int64)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(count: int, threshold: float, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {
            "boxes": small_boxes(rng, count),
            "scores": rng.integers(1, 6, count) / 4,  # few values, so that many are equal
            "iou_threshold": threshold,
        }

    return st.builds(draw, st.integers(0, 7), st.sampled_from([0.5, 0.25, 0.0, 1.0]), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 500, (400, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 120, (400, 2))], axis=1)
    return {"boxes": boxes, "scores": rng.random(400), "iou_threshold": 0.5}


EXERCISE = Exercise(
    name="nms",
    title="non-maximum suppression",
    example="07_sliding_window.py",
    chapter="13_rcnn.md",
    holes=(
        Hole(
            solution=nms,
            twin=reference.nms,
            explained_by=explained,
            excerpt=("Args", "Returns"),
            note="The method is greedy: take the box with the highest score, remove the boxes "
            "whose IoU with it is greater than the threshold, and repeat with the remaining ones. "
            "Of equal scores the first goes first. A box that covers nothing has an IoU of 0.",
            results=("kept",),
            cases=(
                Case(
                    "two boxes on one cow, and one on another",
                    {
                        "boxes": np.array(
                            [[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [5.0, 0.0, 9.0, 4.0]]
                        ),
                        "scores": np.array([0.6, 0.9, 0.7]),
                        "iou_threshold": 0.5,
                    },
                ),
                Case(
                    "an IoU exactly at the threshold",
                    {
                        "boxes": np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0]]),
                        "scores": np.array([0.5, 0.75]),
                        "iou_threshold": 0.5,
                    },
                ),
                Case(
                    "a chain, in which a removed box removes nothing",
                    {
                        "boxes": np.array(
                            [[0.0, 0.0, 4.0, 4.0], [1.0, 0.0, 5.0, 4.0], [2.0, 0.0, 6.0, 4.0]]
                        ),
                        "scores": np.array([0.9, 0.8, 0.7]),
                        "iou_threshold": 0.5,
                    },
                ),
                Case(
                    "equal scores",
                    {
                        "boxes": np.array(
                            [[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [5.0, 0.0, 9.0, 4.0]]
                        ),
                        "scores": np.array([0.5, 0.5, 0.5]),
                        "iou_threshold": 0.5,
                    },
                ),
                Case(
                    "boxes that cover nothing",
                    {
                        "boxes": np.array([[1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 1.0, 3.0]]),
                        "scores": np.array([0.25, 0.5]),
                        "iou_threshold": 0.5,
                    },
                ),
                Case(
                    "without any box",
                    {"boxes": np.zeros((0, 4)), "scores": np.zeros(0), "iou_threshold": 0.5},
                ),
            ),
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="minicv takes the boxes in blocks of 64: those of a block suppress one "
                "another, and its survivors remove boxes from all later blocks in one array "
                "operation. Box by box it takes a few short operations for each one that is "
                "kept, and pair by pair a step of Python for each pair.",
            ),
        ),
    ),
    hints=(
        "Sort once, best score first, and keep a list of the boxes that are still there. What is "
        "certain about its first entry?",
        "Work with indices into boxes, not with positions in the sorted list: they are what is "
        'returned. np.argsort(-scores, kind="stable") keeps equal scores in the order they '
        "came; reversing an ascending order does not.\nA box exactly at the threshold stays: "
        "remove where IoU > iou_threshold.",
        'order = np.argsort(-scores, kind="stable")\n'
        "while order is not empty:\n"
        "    best, rest = order[0], order[1:]; keep best\n"
        "    order = those of rest whose IoU with boxes[best] is <= iou_threshold\n"
        "return the kept indices as np.int64, also if there are none",
    ),
)
