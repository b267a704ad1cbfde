"""Exercise: average precision, from detections to the area under their curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.exercises.small_boxes import small_boxes
from minicv.metrics.average_precision_voc import area_under_curve as explained_area
from minicv.metrics.average_precision_voc import voc_average_precision
from minicv.reference.box_iou import iou_of_pair

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def find_targets(
    boxes: np.ndarray, scores: np.ndarray, target_boxes: np.ndarray, iou_threshold: float
) -> np.ndarray:
    """(D,) whether each detection is a true positive.

    >>> target = np.array([[0.0, 0.0, 4.0, 4.0]])
    >>> find_targets(target.repeat(2, axis=0), np.array([0.5, 0.9]), target, 0.5).tolist()
    [False, True]
    """
    true_positive = np.zeros(len(boxes), dtype=bool)
    if len(boxes) == 0 or len(target_boxes) == 0:
        return true_positive
    corner = np.maximum(boxes[:, None, :2], target_boxes[:, :2])  # (D, G, 2)
    opposite = np.minimum(boxes[:, None, 2:], target_boxes[:, 2:])
    shared = np.maximum(opposite - corner, 0).prod(axis=2)  # (D, G)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    target_area = (target_boxes[:, 2:] - target_boxes[:, :2]).prod(axis=1)
    iou = shared / (area[:, None] + target_area - shared)
    claimed = set()
    for d in np.argsort(-scores, kind="stable"):
        best = iou[d].argmax()  # the first of equals
        if iou[d, best] >= iou_threshold and best not in claimed:
            true_positive[d] = True
            claimed.add(best)
    return true_positive


def precision_recall(
    scores: np.ndarray, true_positive: np.ndarray, target_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """(D,) precision and (D,) recall after each detection, best score first.

    >>> precision, recall = precision_recall(np.array([0.5, 0.9]), np.array([False, True]), 2)
    >>> precision.tolist(), recall.tolist()
    ([1.0, 0.5], [0.5, 0.5])
    """
    found = np.cumsum(true_positive[np.argsort(-scores, kind="stable")])
    return found / np.arange(1, len(scores) + 1), found / target_count


def area_under_curve(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """One number.

    >>> float(area_under_curve(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 0.75])))
    0.875
    """
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best from here on
    steps = np.diff(recall, prepend=0.0)
    return (steps * envelope).sum()


def find_targets_by_loops(
    boxes: np.ndarray, scores: np.ndarray, target_boxes: np.ndarray, iou_threshold: float
) -> np.ndarray:
    """Which detections are true positives, of one class in one image.

    The detections are taken best score first, of equal scores in the order they came. Each can
    claim only the target that it overlaps most, the first of equals. It is a true positive if that
    IoU reaches ``iou_threshold`` (``>=``) and no earlier detection has claimed the target. A second
    detection of the same target is a false positive; it cannot claim a neighbour instead.

    Args:
        boxes: (D, 4), the detections; each covers something.
        scores: (D,).
        target_boxes: (G, 4), what there is to be found.
        iou_threshold: above 0.

    Returns:
        (D,) booleans, in the order in which the detections are given.

    >>> target = np.array([[0.0, 0.0, 4.0, 4.0]])
    >>> find_targets_by_loops(target, np.array([0.5]), target, 0.5).tolist()
    [True]
    """
    claimed = [False] * len(target_boxes)
    true_positive = np.zeros(len(boxes), bool)
    for d in sorted(range(len(boxes)), key=lambda d: -scores[d]):
        overlaps = [iou_of_pair(boxes[d], target) for target in target_boxes]
        if overlaps and max(overlaps) >= iou_threshold:
            best = overlaps.index(max(overlaps))
            true_positive[d] = not claimed[best]
            claimed[best] = True
    return true_positive


def precision_recall_by_loops(
    scores: np.ndarray, true_positive: np.ndarray, target_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall after each detection, best score first.

    Precision is the share of the detections so far that are true positives, recall the share of the
    targets that these have found. Equal scores stay in the order they came.

    Args:
        scores: (D,).
        true_positive: (D,) booleans.
        target_count: how many targets there are, 1 or more.

    Returns:
        (D,) precision and (D,) recall.

    >>> precision_recall_by_loops(np.array([0.5]), np.array([True]), 4)
    (array([1.]), array([0.25]))
    """
    precision, recall, found = np.zeros(len(scores)), np.zeros(len(scores)), 0
    for k, d in enumerate(sorted(range(len(scores)), key=lambda d: -scores[d])):
        found += bool(true_positive[d])
        precision[k], recall[k] = found / (k + 1), found / target_count
    return precision, recall


def area_by_loops(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """The twin of `minicv.metrics.average_precision_voc.area_under_curve`.

    >>> float(area_by_loops(np.array([0.5, 1.0]), np.array([0.25, 0.75])))
    0.75
    """
    area, before = 0.0, 0.0
    for k in range(len(recall)):
        area += (recall[k] - before) * max(precision[k:])
        before = recall[k]
    return np.array(area)


def _ours(
    boxes: np.ndarray, scores: np.ndarray, target_boxes: np.ndarray, iou_threshold: float
) -> float:
    """All three steps; the first takes nearly all of the time."""
    prediction = {"boxes": boxes, "scores": scores, "labels": np.zeros(len(boxes), int)}
    target = {"boxes": target_boxes, "labels": np.zeros(len(target_boxes), int)}
    return voc_average_precision([prediction], [target], iou_threshold).mean_area


def _drawn_detections() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(detections: int, targets: int, threshold: float, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        target_boxes = small_boxes(rng, targets, proper=True)
        boxes = small_boxes(rng, detections, proper=True)
        for d in range(detections if targets else 0):  # most are near a target
            if rng.random() < 0.7:
                boxes[d] = target_boxes[rng.integers(targets)]
                boxes[d, 2:] += rng.integers(0, 2, 2)
        return {
            "boxes": boxes,
            "scores": rng.integers(1, 6, detections) / 4,
            "target_boxes": target_boxes,
            "iou_threshold": threshold,
        }

    return st.builds(
        draw, st.integers(0, 6), st.integers(0, 4), st.sampled_from([0.5, 0.25, 0.75]), seeds()
    )


def _drawn_scores() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(detections: int, missed: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        true_positive = rng.random(detections) < 0.5
        return {
            "scores": rng.integers(1, 6, detections) / 4,
            "true_positive": true_positive,
            "target_count": max(1, int(true_positive.sum()) + missed),
        }

    return st.builds(draw, st.integers(0, 7), st.integers(0, 3), seeds())


def _drawn_curves() -> SearchStrategy[Arguments]:
    def curve(drawn: Arguments) -> Arguments:
        precision, recall = precision_recall_by_loops(**drawn)
        return {"recall": recall, "precision": precision}

    return _drawn_scores().map(curve)


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 500, (300, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 120, (300, 2))], axis=1)
    return {
        "boxes": boxes,
        "scores": rng.random(300),
        "target_boxes": boxes[:60] + rng.uniform(-9, 9, (60, 4)),
        "iou_threshold": 0.5,
    }


def _detections(
    about: str,
    boxes: list[list[float]],
    scores: list[float],
    target_boxes: list[list[float]],
) -> Case:
    arguments: Arguments = {
        "boxes": np.array(boxes, float).reshape(-1, 4),
        "scores": np.array(scores, float),
        "target_boxes": np.array(target_boxes, float).reshape(-1, 4),
        "iou_threshold": 0.5,
    }
    return Case(about, arguments)


def _scores(about: str, scores: list[float], true_positive: list[bool], targets: int) -> Case:
    arguments: Arguments = {
        "scores": np.array(scores, float),
        "true_positive": np.array(true_positive, bool),
        "target_count": targets,
    }
    return Case(about, arguments)


def _curve(about: str, recall: list[float], precision: list[float]) -> Case:
    arguments: Arguments = {"recall": np.array(recall), "precision": np.array(precision)}
    return Case(about, arguments)


COW, CALF = [0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0]
EXERCISE = Exercise(
    name="average_precision",
    title="average precision of detections",
    example="12_faster_rcnn.py",
    chapter="13_rcnn.md",
    holes=(
        Hole(
            solution=find_targets,
            twin=find_targets_by_loops,
            explained_by=find_targets_by_loops,
            excerpt=("The detections", "Args", "Returns"),
            results=("true_positive",),
            cases=(
                _detections(
                    "one is found, one detection is beside it",
                    [[0, 0, 4, 3], [5, 0, 9, 4]],
                    [0.9, 0.8],
                    [COW],
                ),
                _detections("found twice", [COW, [0, 0, 4, 3]], [0.8, 0.9], [COW]),
                _detections("an IoU exactly at the threshold", [[0, 0, 4, 2]], [0.5], [COW]),
                _detections(
                    "the second on the cow must not take the calf",
                    [COW, COW],
                    [0.9, 0.8],
                    [COW, CALF],
                ),
                _detections("equal scores", [COW, COW, CALF], [0.5, 0.5, 0.5], [CALF, COW]),
                _detections("nothing there to be found", [COW], [0.5], []),
                _detections("nothing was found", [], [], [COW]),
            ),
            drawn=_drawn_detections,
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="minicv has all overlaps from one array operation, and sees who was first to "
                "claim a target by one np.unique over the sorted claims; a loop over detections "
                "and targets looks at 18,000 pairs. (minicv's time is that of all three steps.)",
            ),
        ),
        Hole(
            solution=precision_recall,
            twin=precision_recall_by_loops,
            explained_by=precision_recall_by_loops,
            excerpt=("Precision is", "Args", "Returns"),
            results=("precision", "recall"),
            cases=(
                _scores("a hit, then a miss", [0.9, 0.8], [True, False], 2),
                _scores("scores in another order", [0.2, 0.9, 0.5], [True, False, True], 4),
                _scores("equal scores", [0.5, 0.5, 0.5], [True, False, True], 2),
                _scores("without any detection", [], [], 3),
            ),
            drawn=_drawn_scores,
        ),
        Hole(
            solution=area_under_curve,
            twin=area_by_loops,
            explained_by=explained_area,
            excerpt=("At each recall", "Args"),
            note="It is not the mean at eleven recall levels, which VOC 2007 took and which is "
            "greater or less by a point or two.",
            results=("area",),
            cases=(
                _curve("one of two targets is found", [0.5], [1.0]),
                _curve("a miss between two hits", [0.5, 0.5, 1.0], [1.0, 0.5, 2 / 3]),
                _curve("precision that rises again", [0.0, 0.25, 0.5], [0.0, 0.5, 2 / 3]),
                _curve("an empty curve", [], []),
            ),
            drawn=_drawn_curves,
        ),
    ),
    hints=(
        "Go through the detections in the order of their scores, as a referee would: each points "
        "to the one target that it overlaps most, and the first that points to a target gets it.",
        'np.argsort(-scores, kind="stable") gives that order. A detection whose target is '
        "taken is a false positive, even if it overlaps a neighbour well.\n"
        "Recall divides by all targets, found or not; precision by the detections so far.\n"
        "Area: recall grows in steps; over each step the best precision from there to the end "
        "counts, for one may stop later and lose nothing.",
        "for d in order: best = iou[d].argmax(); true if iou[d, best] >= threshold and best is "
        "free\n"
        "found = np.cumsum(true_positive[order]); precision = found / (1, 2, 3 ...), recall = "
        "found / target_count\n"
        "envelope = np.maximum.accumulate(precision[::-1])[::-1]\n"
        "area = sum of (recall - recall before, from 0) * envelope",
    ),
)
