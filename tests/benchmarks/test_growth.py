"""Exponents of made-up curves, and the curves of made-up measurements."""

import doctest
import math

import numpy as np
import pytest

from benchmarks import growth, growth_chart
from benchmarks.growth import SERIES, Series, curves, exponent, exponents
from benchmarks.libraries import with_minicv


@pytest.mark.parametrize("module", [growth, growth_chart])
def test_examples(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_exponent_of_a_power_law_is_its_power(power):
    sizes = np.array([3, 10, 40, 100])
    assert exponent(sizes, 7e-3 * sizes**power) == pytest.approx(power, abs=1e-9)


def test_exponent_takes_the_best_line():
    # Slopes 0 and 2 at equal distances: the best line rises by their mean.
    assert exponent([1, 10, 100], [1, 1, 100]) == pytest.approx(1.0)


def test_small_memory_and_missing_times_are_left_out():
    series = {
        "sizes": [1, 10, 100],
        "seconds": {"minicv": [1.0, 10.0, math.nan], "torch": [math.nan, math.nan, 1.0]},
        "memory_mib": {"minicv": [1, 10, 100], "torch": [0, 3, 400]},
    }
    found = exponents(series)
    assert found["time"]["minicv"] == pytest.approx(1.0) and found["time"]["torch"] is None
    assert found["memory"]["minicv"] == pytest.approx(1.0) and found["memory"]["torch"] is None


def result(name, seconds, peak, start):
    return {
        "case": name, "seconds": seconds, "memory_mib": peak, "memory_at_start_mib": start,
        "cores_used_by_others": [0.1, None], "versions": {},
    }  # fmt: skip


def test_curves_hold_memory_beyond_the_start_and_a_gap_where_a_side_failed():
    series = Series("s", "boxes", (10, 20), "nms", "count")
    first = result("10 boxes", {"minicv": 1.0, "torch": 2.0},
                   {"minicv": 70, "torch": 300}, {"minicv": 50, "torch": 200})  # fmt: skip
    second = result("20 boxes", {"minicv": 4.0}, {"minicv": 90}, {"minicv": 50})
    own = curves(series, [first, second])
    assert own["memory_mib"]["minicv"] == [20, 40] and own["memory_mib"]["torch"][0] == 100
    assert own["seconds"]["torch"][0] == 2.0 and math.isnan(own["seconds"]["torch"][1])
    assert own["exponents"]["time"]["minicv"] == pytest.approx(2.0)
    assert own["cores_used_by_others"] == 0.1
    picture = growth_chart.draw_growth([own])
    assert picture.size == (2 * growth_chart.SIZE[0], growth_chart.SIZE[1])
    # Time rises by the slope: a line from the lower left to the upper right in the first colour.
    blue = (np.asarray(picture) == growth_chart.LINE_COLOURS[0]).all(axis=2)[66:, :460]
    rows, columns = np.nonzero(blue)
    assert rows[columns.argmin()] > rows[columns.argmax()] + 50


@pytest.mark.parametrize("series", SERIES, ids=lambda own: own.name)
def test_every_series_has_a_case_for_each_size(series):
    cases = [series.case(size) for size in series.sizes]
    assert len({case.name for case in cases}) == len(series.sizes) >= 4
    assert len({str(case.parameters) for case in cases}) == len(cases)
    assert "'{}'" not in str(cases[0].parameters)
    assert hasattr(with_minicv, series.operation)


def test_matching_finds_objects_and_background():
    (labels,) = with_minicv.matching("float32", 500, 20, (600, 800))()
    assert set(np.unique(labels)) == {-1, 0, 1}
    assert 10 <= (labels == 1).sum() < 100  # every object has its best anchor, perhaps a shared one
    (y, gradient) = with_minicv.tanh_chain_of("float32", 30, (2, 2))()
    assert y.shape == gradient.shape == (2, 2)
