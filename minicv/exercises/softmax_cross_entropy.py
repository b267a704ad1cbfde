"""Exercise: softmax and cross entropy, and their gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minicv.exercises.exercise import Arguments, Case, Exercise, Hole, Slopes, Speed
from minicv.functional.softmax_cross_entropy import softmax_cross_entropy as explained

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean over the samples of -log p, p being the softmax at the true class.

    >>> round(float(softmax_cross_entropy(np.array([[3.2, 5.1, -1.7]]), np.array([0]))), 2)
    2.04
    """
    shifted = logits - logits.max(axis=1, keepdims=True)  # the largest is 0: exp cannot overflow
    log_total = np.log(np.exp(shifted).sum(axis=1))  # (N,)
    true = shifted[np.arange(len(labels)), labels]  # (N,)
    return (log_total - true).mean()


def softmax_cross_entropy_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """dL/dlogits = (p - [k = y]) / N.

    >>> softmax_cross_entropy_gradient(np.zeros((1, 2)), np.array([0])).tolist()
    [[-0.5, 0.5]]
    """
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient = exps / exps.sum(axis=1, keepdims=True)  # p, (N, K)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)


def _twin(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    # As minicv.reference, but for any size of logits: log Σ exp(z) is m + log Σ exp(z - m).
    total = 0.0
    for scores, label in zip(logits, labels, strict=True):
        largest = max(scores)
        total += largest + math.log(sum(math.exp(z - largest) for z in scores)) - scores[label]
    return np.array(total / len(labels))


def _twin_of_gradient(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    gradient = np.zeros_like(logits)
    for n, label in enumerate(labels):
        largest = max(logits[n])
        total = sum(np.exp(score - largest) for score in logits[n])
        for k, score in enumerate(logits[n]):
            probability = np.exp(score - largest) / total
            gradient[n, k] = (probability - (k == label)) / len(labels)
    return gradient


CASES = (
    Case(
        "the lecture's cat",
        {"logits": np.array([[3.2, 5.1, -1.7]]), "labels": np.array([0])},
    ),
    Case(
        "a mean over two samples, with other labels",
        {"logits": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), "labels": np.array([0, 1])},
    ),
    Case(
        "large logits",
        {"logits": np.array([[1000.0, 999.0], [-1000.0, 0.0]]), "labels": np.array([1, 1])},
    ),
)


def _drawn() -> SearchStrategy[Arguments]:
    from hypothesis import strategies as st

    from minicv.testing.strategies import seeds

    def draw(samples: int, classes: int, scale: int, seed: int) -> Arguments:
        rng = np.random.default_rng(seed)
        return {
            "logits": rng.integers(-scale, scale + 1, (samples, classes)).astype(float),
            "labels": rng.integers(0, classes, samples),
        }

    return st.builds(
        draw, st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 5, 900]), seeds()
    )


def _timed() -> Arguments:
    rng = np.random.default_rng(0)
    return {"logits": rng.normal(size=(2000, 20)), "labels": rng.integers(0, 20, 2000)}


EXERCISE = Exercise(
    name="softmax_cross_entropy",
    title="softmax, cross entropy and their gradient",
    example="17_svm_vs_softmax.py",
    chapter="02_classification.md",
    holes=(
        Hole(
            solution=softmax_cross_entropy,
            twin=_twin,
            explained_by=explained,
            excerpt=("Forward … nothing overflows.", "======"),
            note="Here logits are (N, K) and labels (N,), all weights are 1, and the result is the "
            "mean over the N samples.",
            cases=CASES,
            drawn=_drawn,
            speed=Speed(
                arguments=_timed,
                ours=explained,
                why="both make the same few passes over the logits; minicv also keeps the softmax "
                "for the way back.",
            ),
        ),
        Hole(
            solution=softmax_cross_entropy_gradient,
            twin=_twin_of_gradient,
            explained_by=explained,
            excerpt=("Gradient … dL/d(loss).",),
            note="Here dL/d(loss) is 1 / N for each of the N samples, because the loss is their "
            "mean.",
            results=("dL/dlogits",),
            cases=CASES,
            drawn=_drawn,
            slopes=Slopes(
                forward="softmax_cross_entropy",
                wrt=("logits",),
                arguments={
                    "logits": np.random.default_rng(0).normal(size=(3, 4)),
                    "labels": np.array([1, 3, 1]),
                },
            ),
        ),
    ),
    hints=(
        "Begin with one sample: exp of each score, divided by the sum of them, gives the "
        "probabilities; the loss is -log of one of them. Which one?",
        "log(exp(z) / total) = z - log(total). Subtract the largest logit of each sample first, so "
        "that no exp overflows: this changes no probability.\nlogits[np.arange(N), labels] picks "
        "one score of each row. The gradient is p - 1 at the true class and p at the others.",
        "shifted = logits - logits.max(axis=1, keepdims=True)\n"
        "loss of each sample = log(sum of exp(shifted) over axis 1) - shifted at its label; then "
        "the mean.\n"
        "gradient: softmax of each row, minus 1 at [np.arange(N), labels], all divided by N.",
    ),
)
