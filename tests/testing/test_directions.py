"""Groups of elements of similar size, and the search for the worst."""

from __future__ import annotations

import numpy as np
import pytest

from minicv.testing.directions import (
    MOST_GROUPS,
    MOST_MEMBERS,
    groups,
    random_direction,
    worst_element,
)


@pytest.mark.parametrize("count", [0, 1, 7, 5_000, 40_000])
def test_every_element_is_in_one_group(count):
    sizes = 10.0 ** np.random.default_rng(0).uniform(-12, 3, count)
    sizes[::5] = 0
    found = list(groups(sizes))
    assert sorted(np.concatenate([*found, np.zeros(0, int)]).tolist()) == list(range(count))
    for members in found:
        assert sizes[members].max() <= 100 * sizes[members].min() * (1 + 1e-12)
        assert len(members) <= max(MOST_MEMBERS, -(-count // MOST_GROUPS))


def test_a_number_of_groups_that_a_check_can_afford():
    assert len(list(groups(np.ones(1_000_000)))) == MOST_GROUPS


def test_nan_is_the_greatest():
    assert [members.tolist() for members in groups(np.array([1.0, np.nan]))] == [[1], [0]]


@pytest.mark.parametrize("place", [0, 500, 999])
def test_worst_element_of_many(place):
    off = np.full(1000, 1e-3)
    off[place] = -5.0
    assert worst_element(np.arange(1000), lambda some: abs(off[some].sum())) == place


def test_directions_leave_no_element_out():
    direction = random_direction((40, 50), np.random.default_rng(0))
    assert np.abs(direction).min() >= 0.3
    assert 800 < (direction > 0).sum() < 1200
