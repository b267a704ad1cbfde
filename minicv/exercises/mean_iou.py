"""Exercise: the confusion matrix of label maps, and mean IoU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.metrics.segmentation import SegmentationValues
from minicv.metrics.segmentation import confusion_matrix as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def confusion_matrix(predicted: np.ndarray, truth: np.ndarray, num_classes: int) -> np.ndarray:
    """(H, W) twice -> (K, K).

    >>> confusion_matrix(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]), 2).tolist()
    [[1, 1], [0, 0]]
    """
    labelled = truth != 255
    rows = truth[labelled].astype(np.int64)  # bytes would overflow below
    columns = predicted[labelled].astype(np.int64)
    counts = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def mean_iou(confusion: np.ndarray) -> tuple[np.ndarray, float]:
    """(K,) IoU of each class, and their mean.

    >>> class_iou, mean = mean_iou(np.array([[6, 2, 0], [0, 2, 0], [0, 0, 0]]))
    >>> class_iou.tolist(), float(mean)
    ([0.75, 0.5, nan], 0.625)
    """
    both = np.diag(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0) - both
    class_iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    there = class_iou[union > 0]
    mean = there.mean() if len(there) > 0 else np.nan
    return class_iou, mean


def _twin(predicted: np.ndarray, truth: np.ndarray, num_classes: int) -> np.ndarray:
    confusion = np.zeros((num_classes, num_classes), np.int64)
    for row, column in np.ndindex(truth.shape):
        if truth[row, column] != 255:
            confusion[truth[row, column], predicted[row, column]] += 1
    return confusion


def _twin_of_mean(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = []
    for k in range(len(confusion)):
        right = int(confusion[k, k])
        missed = sum(int(confusion[k, j]) for j in range(len(confusion)) if j != k)
        added = sum(int(confusion[i, k]) for i in range(len(confusion)) if i != k)
        union = right + missed + added
        values.append(right / union if union else float("nan"))
    there = [value for value in values if value == value]  # NaN alone differs from itself
    return np.array(values), np.array(sum(there) / len(there) if there else float("nan"))


def _drawn_maps() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import distinct_sizes, seeds

    def draw(shape: tuple[int, ...], classes: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, classes, shape).astype(np.uint8)
        predicted = np.where(rng.random(shape) < 0.5, truth, rng.integers(0, classes, shape))
        truth[rng.random(shape) < 0.2] = 255
        return {"predicted": predicted.astype(np.uint8), "truth": truth, "num_classes": classes}

    return st.builds(draw, distinct_sizes(2, 1, 6), st.sampled_from([2, 3, 5, 20]), seeds())


def _drawn_confusion() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(classes: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        confusion = rng.integers(0, 9, (classes, classes))
        absent = rng.random(classes) < 0.3
        confusion[absent] = 0
        confusion[:, absent & (rng.random(classes) < 0.7)] = 0
        return {"confusion": confusion}

    return st.builds(draw, st.integers(1, 5), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 20, (2, 200, 300)).astype(np.uint8)
    return {"predicted": predicted, "truth": truth, "num_classes": 20}


def _maps(about: str, predicted: list, truth: list, classes: int, dtype: type = int) -> Case:
    arguments: Arguments = {
        "predicted": np.array(predicted, dtype),
        "truth": np.array(truth, dtype),
        "num_classes": classes,
    }
    return Case(about, arguments)


def _confusion(about: str, rows: list[list[int]]) -> Case:
    return Case(about, {"confusion": np.array(rows)})


EXERCISE = Exercise(
    name="mean_iou",
    title="confusion matrix and mean IoU of a segmentation",
    example="04_fcn_32s_16s_8s.py",
    chapter="03_sliding_window.md",
    holes=(
        Hole(
            solution=confusion_matrix,
            twin=_twin,
            explained_by=explained,
            excerpt=("Pixels whose … there.", "Returns"),
            note="predicted and truth are (H, W) whole numbers, the labels 0 to num_classes - 1; "
            "in truth a pixel may be `VOID`, which is 255.",
            results=("confusion",),
            cases=(
                _maps("four pixels, one of them mistaken", [[0, 1], [1, 1]], [[0, 1], [0, 1]], 2),
                _maps("a pixel without a label", [[0, 1, 1]], [[0, 255, 1]], 2),
                _maps("a class that is nowhere", [[0, 1, 1], [1, 0, 0]], [[0, 1, 0], [1, 1, 0]], 3),
                _maps(
                    "labels in bytes, of twenty classes",
                    [[19, 13, 1]],
                    [[19, 14, 1]],
                    20,
                    np.uint8,
                ),
            ),
            drawn=_drawn_maps,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="each pixel is one number, truth * K + predicted, and np.bincount counts all "
                "in one pass, where a loop in Python takes a step for each of the 60,000 pixels; "
                "minicv also looks for labels that are out of range.",
            ),
        ),
        Hole(
            solution=mean_iou,
            twin=_twin_of_mean,
            explained_by=SegmentationValues,
            excerpt=("With t(i) … given it:", "mean_iou: … have one.", "class_iou: … lacks."),
            note="n(i, j) is the number of pixels of true class i that were given class j: row i "
            "of the confusion matrix (K, K), column j. A class without a value is left out of "
            "the mean; without any value the mean is NaN.",
            results=("class_iou", "mean"),
            cases=(
                _confusion("two classes", [[3, 1], [2, 4]]),
                _confusion("a class that is nowhere", [[6, 2, 0], [0, 2, 0], [0, 0, 0]]),
                _confusion(
                    "a class that was predicted and is not there", [[4, 0, 4], [0, 2, 0], [0, 0, 0]]
                ),
                _confusion("not one pixel", [[0, 0], [0, 0]]),
            ),
            drawn=_drawn_confusion,
        ),
    ),
    hints=(
        "The confusion matrix first: each labelled pixel adds 1 to one cell. Then all that IoU "
        "needs of class k stands in row k and in column k.",
        "A pixel's cell can be one number, truth * K + predicted, and np.bincount counts such "
        "numbers; of bytes make np.int64 before, for 14 * 20 is no byte.\nThe union of class k is "
        "its row plus its column, less the diagonal cell, which stands in both. A union of 0 means "
        "that the class is nowhere: NaN, and left out of the mean.",
        "labelled = truth != 255\n"
        "np.bincount(truth[labelled] * K + predicted[labelled], minlength=K * K).reshape(K, K)\n"
        "both = np.diag(confusion); union = confusion.sum(axis=1) + confusion.sum(axis=0) - both\n"
        "class_iou = both / union, NaN where union is 0; mean of those that are not NaN",
    ),
)
