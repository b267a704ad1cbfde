"""Exercise: one round of hard-negative mining, as R-CNN's SVMs are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Speed
from minicv.training.svms import HardNegativeMiner as explained
from minicv.vision.linear_models import LinearSVM

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def hard_negatives(
    features: np.ndarray,
    overlap: np.ndarray,
    weight: np.ndarray,
    bias: float,
    held: np.ndarray,
    negative_iou: float,
    hard_score: float,
    easy_score: float,
) -> np.ndarray:
    """(R, D) regions of an image and (M, D) negatives held -> (M', D) negatives to train with.

    >>> held, features = np.array([[-9.0], [-1.0]]), np.array([[2.0], [3.0], [-5.0]])
    >>> overlap = np.array([0.1, 0.8, 0.0])
    >>> hard_negatives(features, overlap, np.ones(1), 0.0, held, 0.3, -1.0, -1.5).tolist()
    [[-1.0], [2.0]]
    """
    background = features[overlap < negative_iou]  # what overlaps an object is no background
    joining = background[background @ weight + bias > hard_score]
    staying = held[held @ weight + bias >= easy_score]
    return np.concatenate([staying, joining])


def _twin(
    features: np.ndarray,
    overlap: np.ndarray,
    weight: np.ndarray,
    bias: float,
    held: np.ndarray,
    negative_iou: float,
    hard_score: float,
    easy_score: float,
) -> np.ndarray:
    def score(row: np.ndarray) -> float:
        return sum(float(f) * float(w) for f, w in zip(row, weight, strict=True)) + bias

    negatives = [row for row in held if not score(row) < easy_score]
    for row, iou in zip(features, overlap, strict=True):
        if iou < negative_iou and score(row) > hard_score:
            negatives.append(row)
    return np.array(negatives, float).reshape(-1, features.shape[1])


def _ours(
    features: np.ndarray,
    overlap: np.ndarray,
    weight: np.ndarray,
    bias: float,
    held: np.ndarray,
    negative_iou: float,
    hard_score: float,
    easy_score: float,
) -> np.ndarray:
    svm = LinearSVM(weight, bias, 0.0, 0.0)
    background = features[overlap < negative_iou]
    joining = background[svm.scores(background) > hard_score]
    return np.concatenate([held[svm.scores(held) >= easy_score], joining])


def _case(
    about: str,
    features: list[list[float]],
    overlap: list[float],
    held: list[list[float]],
    bias: float = 0.0,
    weight: tuple[float, float] = (1.0, 0.0),
) -> Case:
    arguments: Arguments = {
        "features": np.array(features, float).reshape(-1, 2),
        "overlap": np.array(overlap, float),
        "weight": np.array(weight),
        "bias": bias,
        "held": np.array(held, float).reshape(-1, 2),
        "negative_iou": 0.3,
        "hard_score": -1.0,
        "easy_score": -1.5,
    }
    return Case(about, arguments)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(regions: int, held: int, length: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {
            "features": rng.integers(-4, 5, (regions, length)) / 2,
            "overlap": rng.integers(0, 5, regions) / 4,
            "weight": rng.integers(-2, 3, length).astype(float),
            "bias": float(rng.integers(-2, 3)) / 2,
            "held": rng.integers(-4, 5, (held, length)) / 2,
            "negative_iou": float(rng.choice([0.25, 0.5])),
            "hard_score": -1.0,
            "easy_score": -1.5,
        }

    return st.builds(draw, st.integers(0, 6), st.integers(0, 4), st.integers(1, 3), seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {
        "features": rng.normal(size=(2000, 64)),
        "overlap": rng.random(2000),
        "weight": rng.normal(size=64),
        "bias": 0.5,
        "held": rng.normal(size=(500, 64)),
        "negative_iou": 0.3,
        "hard_score": -1.0,
        "easy_score": -1.2,
    }


EXERCISE = Exercise(
    name="hard_negatives",
    title="a round of hard-negative mining",
    example="09_rcnn.py",
    chapter="13_rcnn.md",
    holes=(
        Hole(
            solution=hard_negatives,
            twin=_twin,
            explained_by=explained,
            excerpt=("Background that … are dropped.",),
            note="Here the SVM is trained already: a region with the features f scores weight · f "
            "+ bias. Given are the features (R, D) of an image's regions, the greatest IoU (R,) of "
            "each with an object of the class, and the negatives (M, D) held so far. A region is "
            "background only if that IoU is below negative_iou; what overlaps an object more is "
            "neither object nor background. Return the negatives for the next training: those held "
            "that are not dropped, then those that join, in the order they came.",
            results=("negatives",),
            cases=(
                _case(
                    "one region of four is background that takes in the SVM",
                    [[2, 7], [-3, 7], [3, 8], [-9, 8]],
                    [0.0, 0.1, 0.9, 0.6],
                    [[0, 5]],
                ),
                _case("of those held, one is easy by now", [], [], [[-1, 5], [-4, 6], [1, 7]]),
                _case(
                    "scores and an overlap exactly at the limits",
                    [[-1, 7], [5, 8]],
                    [0.0, 0.3],
                    [[-1.5, 5], [-1, 6]],
                ),
                _case("a bias", [[-2, 7], [-3, 8]], [0.0, 0.0], [[-3, 5], [-4, 6]], 1.5),
                _case(
                    "those held first, then those that join",
                    [[1, 7], [4, 1]],
                    [0.2, 0.2],
                    [[2, 9], [3, 9]],
                    -0.5,
                    (-1.0, 1.0),
                ),
                _case("everything is left out", [[-5, 1]], [0.0], [[-6, 2]]),
            ),
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=_ours,
                why="all scores are one product of a matrix and a vector, which NumPy hands to "
                "BLAS; a loop makes a Python number of every one of the 160,000 features.",
            ),
        ),
    ),
    hints=(
        "Three questions, one mask each: which regions of the image are background at all? Which "
        "of them does the SVM not put safely below the margin of -1? Which of the held ones does "
        "it put far below by now?",
        "scores = features @ weight + bias. A background region joins where its score is greater "
        "than hard_score, not where it is small: small scores are the easy ones. A held one is "
        "dropped where its score is less than easy_score.\nRegions with overlap >= negative_iou "
        "score high because they show the object; as negatives they would ruin the SVM.",
        "background = features[overlap < negative_iou]\n"
        "joining = background[background @ weight + bias > hard_score]\n"
        "staying = held[held @ weight + bias >= easy_score]\n"
        "return np.concatenate([staying, joining])",
    ),
)
