"""Bits against the numbers that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.binary_template import (
    BinaryTemplate,
    binary_bases,
    count_ones,
    window_codes,
)


def windows(values):
    """(H, W) -> (H - 7, W - 7, 64)."""
    view = np.lib.stride_tricks.sliding_window_view(values, (8, 8))
    return view.reshape(*view.shape[:2], 64)


def smooth(rng, size):
    """Random, but neighbours are alike, as in normed gradients."""
    coarse = rng.integers(0, 256, (size[0] // 4 + 2, size[1] // 4 + 2))
    fine = np.kron(coarse, np.ones((4, 4)))[: size[0], : size[1]]
    return np.clip(fine + rng.normal(0, 20, size), 0, 255).astype(np.uint8)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 8))
def test_bases_come_closer_one_by_one(seed, count):
    template = np.random.default_rng(seed).normal(size=64)
    beta, a = binary_bases(template, count)
    assert set(np.unique(a)) <= {-1.0, 1.0} and a.shape == (count, 64)
    errors = [np.linalg.norm(template - beta[:n] @ a[:n]) for n in range(count + 1)]
    assert (np.diff(errors) < 0).all()
    # The first is the best that signs alone can do: |w|_1 / 64.
    assert beta[0] == pytest.approx(np.abs(template).mean())


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_count_ones(numbers):
    expected = [bin(number).count("1") for number in numbers]
    assert count_ones(np.array(numbers, np.uint64)).tolist() == expected


@given(seed=st.integers(0, 10_000), height=st.integers(8, 12), width=st.integers(8, 12))
def test_codes_hold_the_bits_row_by_row(seed, height, width):
    plane = np.random.default_rng(seed).integers(0, 2, (height, width)).astype(np.uint8)
    codes = window_codes(plane)
    for row in range(height - 7):
        for column in range(width - 7):
            bits = plane[row : row + 8, column : column + 8].ravel()
            assert int(codes[row, column]) == sum(int(bit) << i for i, bit in enumerate(bits))


@given(seed=st.integers(0, 10_000), bases=st.integers(1, 3), bits=st.integers(1, 8))
def test_scores_are_those_of_what_the_bits_stand_for(seed, bases, bits):
    rng = np.random.default_rng(seed)
    values, template = smooth(rng, (10, 13)), rng.normal(size=64)
    beta, a = binary_bases(template, bases)
    kept = values >> (8 - bits) << (8 - bits)
    expected = windows(kept.astype(float)) @ (beta @ a)
    scores = BinaryTemplate(template, bases, bits).scores(values)
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


def test_approximate_scores_go_with_the_exact_ones():
    rng = np.random.default_rng(0)
    values = smooth(rng, (60, 70))
    ring = np.ones((8, 8))
    ring[2:6, 2:6] = -0.5
    template = (ring + rng.normal(0, 0.3, (8, 8))).ravel()
    exact = windows(values.astype(float)) @ template

    def correlation(bases, bits):
        scores = BinaryTemplate(template, bases, bits).scores(values)
        return np.corrcoef(scores.ravel(), exact.ravel())[0, 1]

    assert correlation(2, 4) > 0.95
    assert correlation(2, 4) > correlation(1, 1)
    assert correlation(20, 8) > 0.9999
