"""AUROC against a loop over all pairs, with ties; degenerate cases."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.metrics.ranking import area_under_roc


def by_pairs(scores, is_positive):
    """Each positive beside each negative: 1 where it scores higher, 1/2 where equal."""
    positives = [s for s, p in zip(scores, is_positive, strict=True) if p]
    negatives = [s for s, p in zip(scores, is_positive, strict=True) if not p]
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0 for a, b in itertools.product(positives, negatives)
    ]
    return sum(wins) / len(wins) if wins else float("nan")


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=30))
def test_equals_the_loop_with_ties(pairs):
    scores = np.array([score for score, _ in pairs], np.float64)
    is_positive = np.array([positive for _, positive in pairs], bool)
    np.testing.assert_allclose(
        area_under_roc(scores, is_positive), by_pairs(scores, is_positive), rtol=1e-12
    )


def test_perfect_reversed_and_chance():
    is_positive = np.array([False] * 5 + [True] * 3)
    assert area_under_roc(np.arange(8.0), is_positive) == 1
    assert area_under_roc(-np.arange(8.0), is_positive) == 0
    assert area_under_roc(np.zeros(8), is_positive) == 0.5
    assert area_under_roc(np.array([-np.inf, 0, np.inf]), np.array([False, False, True])) == 1


@pytest.mark.parametrize(
    ("scores", "positive", "said"),
    [
        ([np.nan, 1.0], [True, False], "1 scores are NaN"),
        ([1.0], [True, False], r"expected \(N,\) for both"),
        ([[1.0]], [[True]], r"expected \(N,\) for both"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, positive, said):
    with pytest.raises(ValueError, match=said):
        area_under_roc(np.array(scores), np.array(positive))
