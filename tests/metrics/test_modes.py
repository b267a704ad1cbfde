"""Modes covered: by hand, at the edges of the rule, and of the mixture itself."""

import numpy as np
import pytest

from minicv.metrics.modes import mode_coverage

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_by_hand():
    points = np.array([[0, 0.2]] * 6 + [[10.29, 0]] * 1 + [[0, 10]] * 2 + [[5, 5]] * 7)
    found = mode_coverage(points, CENTRES, std=0.1)
    # 16 points, 4 a mode; a quarter of that is one point. (10.29, 0) is just within 3 deviations.
    assert found.counts.tolist() == [6, 1, 2, 0] and found.covered == 3
    assert found.good == 9 / 16


def test_radius_and_share_are_limits():
    points = np.array([[0.31, 0.0], [0.29, 0.0], [10, 10], [10, 10]])
    assert mode_coverage(points, CENTRES, 0.1).counts.tolist() == [1, 0, 0, 2]
    assert mode_coverage(points, CENTRES, 0.1, near=4).counts.tolist() == [2, 0, 0, 2]
    assert mode_coverage(points, CENTRES, 0.1, least_share=2.0).covered == 1


def test_points_of_the_mixture_cover_it_and_nearly_all_are_good():
    rng = np.random.default_rng(0)
    points = CENTRES[rng.integers(4, size=4000)] + 0.1 * rng.standard_normal((4000, 2))
    found = mode_coverage(points, CENTRES, 0.1)
    assert found.covered == 4
    assert found.good == pytest.approx(1 - np.exp(-4.5), abs=0.005)  # Rayleigh within 3


def test_nothing_to_count_is_refused():
    with pytest.raises(ValueError, match="0 points and 4 centres"):
        mode_coverage(np.zeros((0, 2)), CENTRES, 0.1)
