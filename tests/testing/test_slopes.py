"""Slopes by complex step and by difference, and what counts as a kink."""

from __future__ import annotations

import numpy as np
import pytest

from minicv.testing.slopes import Ray, best_difference, central_difference, complex_step, on_a_kink


def ray(x: float, direction: float = 1.0) -> Ray:
    return Ray([np.array([7.0]), np.array([x])], 1, np.array([direction]))


def of_second(function):
    return lambda arrays: function(arrays[1])


@pytest.mark.parametrize("x", [-1.3, 0.2, 4.0])
@pytest.mark.parametrize("direction", [1.0, -0.4])
def test_both_agree_with_the_derivative(x, direction):
    expected = np.cos(x) * direction
    found = complex_step(of_second(np.sin), ray(x, direction))
    assert found.value == pytest.approx(expected, rel=1e-14)
    found = central_difference(of_second(np.sin), ray(x, direction), 1e-6)
    assert found.value == pytest.approx(expected, rel=1e-8)
    found = best_difference(of_second(np.sin), ray(x, direction), 1e-6)
    assert found.value == pytest.approx(expected, rel=1e-11)
    assert abs(found.value - expected) < found.error < 1e-9


@pytest.mark.parametrize(
    "function", [np.abs, np.floor, lambda x: x.astype(float)], ids=["real", "refused", "warning"]
)
def test_no_complex_step_through_real_functions(function):
    assert complex_step(of_second(function), ray(0.3)) is None


def test_the_point_is_left_alone():
    start = ray(0.3)
    complex_step(of_second(np.sin), start)
    on_a_kink(of_second(np.abs), start, 1e-6)
    assert [array.tolist() for array in start.point] == [[7.0], [0.3]]


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (np.abs, 0.0, True),
        (np.abs, 4e-7, True),  # within the step
        (np.abs, 1e-4, False),
        (lambda x: np.maximum(x, 2 * x), 0.0, True),
        (np.exp, 0.0, False),
        (lambda x: np.exp(500 * x), 0.01, False),  # steep, and curved
        (lambda x: 1 / x, 0.003, False),
        (lambda x: 0 * x, 0.0, False),
    ],
)
def test_kinks(function, x, expected):
    assert on_a_kink(of_second(function), ray(x), 1e-6) is expected
