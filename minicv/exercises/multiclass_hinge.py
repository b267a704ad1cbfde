"""Exercise: the multiclass hinge, the lecture's SVM loss, and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minicv import reference
from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.multiclass_hinge import multiclass_hinge as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def multiclass_hinge(scores: np.ndarray, labels: np.ndarray, margin: float) -> np.ndarray:
    """The mean over the samples of Σ_{j≠y} max(0, s[j] - s[y] + margin).

    >>> float(multiclass_hinge(np.array([[3.0, 5.0, -2.0]]), np.array([0]), 1.0))
    3.0
    """
    samples = np.arange(len(labels))
    true = scores[samples, labels][:, None]
    terms = np.maximum(0, scores - true + margin)  # (N, K)
    terms[samples, labels] = 0  # the sum goes over the other classes
    return terms.sum(axis=1).mean()


def multiclass_hinge_gradient(scores: np.ndarray, labels: np.ndarray, margin: float) -> np.ndarray:
    """1 / N for each class with a term above 0; the true class gets minus their sum.

    >>> multiclass_hinge_gradient(np.array([[3.0, 5.0, -2.0]]), np.array([0]), 1.0).tolist()
    [[-1.0, 1.0, 0.0]]
    """
    samples = np.arange(len(labels))
    true = scores[samples, labels][:, None]
    gradient = (scores - true + margin > 0).astype(scores.dtype)
    gradient[samples, labels] = 0
    gradient[samples, labels] = -gradient.sum(axis=1)
    return gradient / len(labels)


def _twin_of_gradient(scores: np.ndarray, labels: np.ndarray, margin: float) -> np.ndarray:
    gradient = np.zeros_like(scores)
    for n, label in enumerate(labels):
        for j in range(scores.shape[1]):
            if j != label and scores[n, j] - scores[n, label] + margin > 0:
                gradient[n, j] += 1 / len(labels)
                gradient[n, label] -= 1 / len(labels)
    return gradient


CASES = (
    Case(
        "the lecture's cat",
        {"scores": np.array([[3.2, 5.1, -1.7]]), "labels": np.array([0]), "margin": 1.0},
    ),
    Case(
        "a mean over two samples; two classes are too near",
        {
            "scores": np.array([[4.0, 1.0, 2.0], [0.0, 5.0, 4.0]]),
            "labels": np.array([0, 2]),
            "margin": 2.0,
        },
    ),
    Case(
        "exactly at the margin: neither loss nor slope",
        {"scores": np.array([[0.0, 1.0]]), "labels": np.array([1]), "margin": 1.0},
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(samples: int, classes: int, margin: float, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {
            "scores": rng.integers(-4, 5, (samples, classes)).astype(float),
            "labels": rng.integers(0, classes, samples),
            "margin": margin,
        }

    margins = st.sampled_from([1.0, 0.5, 3.0])
    return st.builds(draw, st.integers(1, 4), st.integers(1, 5), margins, seeds())


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {
        "scores": rng.normal(size=(2000, 20)),
        "labels": rng.integers(0, 20, 2000),
        "margin": 1.0,
    }


EXERCISE = Exercise(
    name="multiclass_hinge",
    title="the multiclass hinge and its gradient",
    example="17_svm_vs_softmax.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=multiclass_hinge,
            twin=reference.multiclass_hinge,
            explained_by=explained,
            excerpt=("Forward, … margin).", "======"),
            note="Here the result is the mean over the N samples.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="all samples at once are three passes over the scores in compiled loops; class "
                "by class, Python spends a hundred nanoseconds on each comparison.",
            ),
        ),
        Hole(
            solution=multiclass_hinge_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient, … classes.", "Kink: … slope 0."),
            note="Here dL/d(loss) is 1 / N for each of the N samples, because the loss is their "
            "mean. Return dL/dscores.",
            results=("dL/dscores",),
            cases=CASES,
            drawn=_drawn,
            slopes=Slopes(
                forward="multiclass_hinge",
                wrt=("scores",),
                arguments={
                    "scores": np.random.default_rng(1).normal(size=(3, 4)),
                    "labels": np.array([1, 3, 1]),
                    "margin": 1.0,
                },
            ),
        ),
    ),
    hints=(
        "One sample first: the true class must lead every other one by the margin. Each class that "
        "is nearer adds what is missing; the true class itself does not count.",
        "terms = np.maximum(0, scores - true + margin), with true of shape (N, 1), does all at "
        "once; then set the terms of the true classes to 0. The slope of a term above 0 is 1 for "
        "its class and -1 for the true class.",
        "true = scores[np.arange(N), labels][:, None]\n"
        "loss = (sum of the terms over axis 1).mean()\n"
        "gradient: 1 where a term is above 0, else 0; 0 at the true class; then at the true class "
        "minus the sum of its row; all divided by N.",
    ),
)
