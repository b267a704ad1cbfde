"""Two results that differ must not pass for the same."""

import numpy as np
import pytest

from benchmarks.fingerprint import difference, fingerprint

X = np.random.default_rng(0).normal(size=(3, 40)).astype(np.float32)


def test_rounding_passes_and_other_numbers_do_not():
    same = difference(fingerprint([X, X]), fingerprint([X, X + 1e-6]))
    assert 0 < same < 1e-5
    assert difference(fingerprint([X]), fingerprint([2 * X])) > 0.5
    assert difference(fingerprint([X]), fingerprint([-X])) > 0.5
    assert difference(fingerprint([X]), fingerprint([X[::-1]])) > 0.5


@pytest.mark.parametrize("other", [[X, X], [X[:2]], [X * np.nan], []])
def test_other_shapes_counts_and_nan_are_infinitely_far(other):
    assert difference(fingerprint([X]), fingerprint(other)) == np.inf


def test_vanished_gradients_agree():
    assert difference(fingerprint([X * np.float32(1e-42)]), fingerprint([X * 0])) < 1e-9


def test_empty_and_zero_results_agree_with_themselves():
    for array in (np.zeros((0, 4)), np.zeros(3)):
        assert difference(fingerprint([array]), fingerprint([array])) == 0
