"""The bootstrap's interval: against the formula for a mean, and a loop."""

import math

import numpy as np
import pytest

from minicv.metrics.bootstrap import bootstrap_interval


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = bootstrap_interval(values, draws=4000)
    deviation = values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * deviation, abs=0.15 * deviation)
    assert high == pytest.approx(values.mean() + 1.96 * deviation, abs=0.15 * deviation)


def test_shares_are_of_sums_as_a_loop_computes_them():
    right, counted = np.array([3.0, 0, 5, 1]), np.array([4.0, 2, 5, 3])
    rng = np.random.default_rng(7)
    chosen = rng.integers(4, size=(50, 4))
    shares = sorted(right[row].sum() / counted[row].sum() for row in chosen)
    low, high = bootstrap_interval(right, counted, draws=50, level=0.8, seed=7)
    assert (low, high) == pytest.approx(tuple(np.quantile(shares, [0.1, 0.9])))


def test_images_that_are_wrong_together_make_it_wider():
    """40 people of 14 joints: all joints of a person alike, or each by itself."""
    alike = np.repeat([14, 0], 20)
    apart = np.full(40, 7)
    counted = np.full(40, 14)
    assert np.ptp(bootstrap_interval(alike, counted)) > 0.25
    assert np.ptp(bootstrap_interval(apart, counted)) == 0


def test_images_without_a_joint_are_drawn_and_count_nothing():
    low, high = bootstrap_interval([1, 0, 0], [1, 1, 0], draws=500)
    assert (low, high) == (0.0, 1.0)
    assert all(math.isnan(end) for end in bootstrap_interval([0, 0], [0, 0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1]), r"right has shape \(2,\) and counted \(1,\)"),
        (([[1.0]],), r"right has shape \(1, 1\)"),
    ],
)
def test_wrong_lengths_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*arguments)


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="level=95"):
        bootstrap_interval([1, 0], level=95)
