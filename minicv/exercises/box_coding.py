"""Exercise: box regression, targets from boxes and boxes from what a network says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.exercises.small_boxes import small_boxes
from minicv.vision.boxes import decode_boxes as explained_decode
from minicv.vision.boxes import encode_boxes as explained_encode

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

UNIT = (1.0, 1.0, 1.0, 1.0)
USUAL = (10.0, 10.0, 5.0, 5.0)


def encode_boxes(
    reference_boxes: np.ndarray,
    proposals: np.ndarray,
    weights: tuple[float, float, float, float],
) -> np.ndarray:
    """(N, 4) boxes and proposals -> (N, 4) offsets.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> encode_boxes(np.array([[5.0, 0.0, 15.0, 20.0]]), proposals, (1, 1, 1, 1)).tolist()
    [[0.5, 0.0, 0.0, 0.0]]
    """
    size = reference_boxes[:, 2:] - reference_boxes[:, :2]  # (N, 2): w, h
    centre = reference_boxes[:, :2] + size / 2  # (N, 2): cx, cy
    size_p = proposals[:, 2:] - proposals[:, :2]
    centre_p = proposals[:, :2] + size_p / 2
    offsets = np.concatenate([(centre - centre_p) / size_p, np.log(size / size_p)], axis=1)
    return offsets * np.array(weights)


def decode_boxes(
    deltas: np.ndarray, proposals: np.ndarray, weights: tuple[float, float, float, float]
) -> np.ndarray:
    """(N, 4) offsets and proposals -> (N, 4) boxes.

    >>> proposals = np.array([[0.0, 0.0, 10.0, 20.0]])
    >>> decode_boxes(np.array([[0.5, 0.0, 0.0, 0.0]]), proposals, (1, 1, 1, 1)).tolist()
    [[5.0, 0.0, 15.0, 20.0]]
    """
    offsets = deltas / np.array(weights)
    size_p = proposals[:, 2:] - proposals[:, :2]  # (N, 2): w, h
    centre = proposals[:, :2] + size_p / 2 + offsets[:, :2] * size_p
    size = size_p * np.exp(np.minimum(offsets[:, 2:], np.log(1000 / 16)))
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def _drawn_boxes() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(count: int, weights: tuple[float, ...], seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {
            "reference_boxes": small_boxes(rng, count, proper=True),
            "proposals": small_boxes(rng, count, proper=True),
            "weights": weights,
        }

    return st.builds(draw, st.integers(0, 5), st.sampled_from([UNIT, USUAL]), seeds())


def _drawn_deltas() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(count: int, weights: tuple[float, ...], seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        deltas = rng.integers(-8, 9, (count, 4)) / 4
        deltas[rng.random((count, 4)) < 0.1] *= 100  # as of a network before its training
        return {"deltas": deltas, "proposals": small_boxes(rng, count), "weights": weights}

    return st.builds(draw, st.integers(0, 5), st.sampled_from([UNIT, USUAL]), seeds())


def _timed_boxes() -> Arguments:
    rng = np.random.default_rng(0)
    boxes, proposals = (small_boxes(rng, 2000, proper=True) for _ in range(2))
    return {"reference_boxes": boxes, "proposals": proposals, "weights": UNIT}


def _timed_deltas() -> Arguments:
    rng = np.random.default_rng(0)
    return {
        "deltas": rng.normal(size=(2000, 4)),
        "proposals": small_boxes(rng, 2000),
        "weights": UNIT,
    }


def _encoded(about: str, boxes: list, proposals: list, weights: tuple[float, ...] = UNIT) -> Case:
    arguments: Arguments = {
        "reference_boxes": np.array(boxes, float).reshape(-1, 4),
        "proposals": np.array(proposals, float).reshape(-1, 4),
        "weights": weights,
    }
    return Case(about, arguments)


def _decoded(about: str, deltas: list, proposals: list, weights: tuple[float, ...] = UNIT) -> Case:
    arguments: Arguments = {
        "deltas": np.array(deltas, float).reshape(-1, 4),
        "proposals": np.array(proposals, float).reshape(-1, 4),
        "weights": weights,
    }
    return Case(about, arguments)


EXERCISE = Exercise(
    name="box_coding",
    title="box regression: targets from boxes, and back",
    example="09_rcnn.py",
    chapter="13_rcnn.md",
    holes=(
        Hole(
            solution=encode_boxes,
            twin=reference.encode_boxes,
            explained_by=explained_encode,
            excerpt=("Args", "Returns"),
            note="With the centres (cx, cy) and (cxp, cyp) of box and proposal, and their widths w "
            "and wp: dx = wx (cx - cxp) / wp and dw = ww log(w / wp), where wx, wy, ww, wh are the "
            "weights; dy and dh likewise from the heights. Every box here covers something.",
            results=("offsets",),
            cases=(
                _encoded("moved to the right by half a width", [[5, 0, 15, 20]], [[0, 0, 10, 20]]),
                _encoded(
                    "the same centre, twice as wide, half as high",
                    [[0, 2, 8, 4]],
                    [[2, 1, 6, 5]],
                ),
                _encoded("moved and larger", [[4, 0, 12, 8]], [[0, 0, 4, 2]]),
                _encoded("weights", [[2, 1, 10, 3]], [[0, 0, 4, 4]], USUAL),
                _encoded("two boxes", [[0, 0, 2, 2], [1, 0, 2, 1]], [[0, 1, 2, 3], [0, 0, 4, 1]]),
                _encoded("without any box", [], []),
            ),
            drawn=_drawn_boxes,
            speed=Speed(
                arguments=_timed_boxes,
                ours=explained_encode,
                why="a loop in Python spends microseconds on each of the 2000 boxes; whole columns "
                "at once cost a few array operations, and minicv's also look for boxes without "
                "area.",
            ),
        ),
        Hole(
            solution=decode_boxes,
            twin=reference.decode_boxes,
            explained_by=explained_decode,
            excerpt=("``dw / ww`` … infinite boxes.", "weights: … `encode_boxes`."),
            note="deltas and proposals are (N, 4), and so is the result. A proposal that covers "
            "nothing gives a box that covers nothing. Nothing is clipped to an image.",
            results=("boxes",),
            cases=(
                _decoded("moved to the right by half a width", [[0.5, 0, 0, 0]], [[0, 0, 10, 20]]),
                _decoded(
                    "twice as wide, half as high",
                    [[0, 0, np.log(2), -np.log(2)]],
                    [[2, 1, 6, 5]],
                ),
                _decoded("moved and larger", [[1.5, 1.5, 0, np.log(4)]], [[0, 0, 4, 2]]),
                _decoded("weights", [[10, -5, 5 * np.log(2), 0]], [[0, 0, 4, 4]], USUAL),
                _decoded(
                    "a network before its training",
                    [[0, 0, 50, 2000], [0, 0, -50, -2000]],
                    [[0, 0, 16, 16], [0, 0, 16, 16]],
                    USUAL,
                ),
                _decoded("a proposal that covers nothing", [[1, 1, 1, 1]], [[2, 2, 2, 4]]),
                _decoded("without any box", [], []),
            ),
            drawn=_drawn_deltas,
            speed=Speed(
                arguments=_timed_deltas,
                ours=explained_decode,
                why="a loop in Python spends microseconds on each of the 2000 boxes; whole columns "
                "at once cost a few array operations.",
            ),
        ),
    ),
    hints=(
        "Write a box as centre and size first: w = x2 - x1, cx = x1 + w / 2. Then encode is two "
        "differences and two ratios, and decode solves the same four equations for the box.",
        "Offsets are measured in sizes of the proposal, so divide by wp and hp, never by the size "
        "of the box. The logarithm makes twice as wide and half as wide equally far.\nDecode "
        "undoes what encode did, in the opposite order: first divide by the weights, then cut dw "
        "and dh at log(1000 / 16), then exp.",
        "encode: [wx (cx - cxp) / wp, wy (cy - cyp) / hp, ww log(w / wp), wh log(h / hp)]\n"
        "decode: cx = cxp + dx / wx * wp, w = wp * exp(min(dw / ww, log(1000 / 16))),\n"
        "        x1 = cx - w / 2, x2 = cx + w / 2, and likewise down",
    ),
)
