"""Shapes: smooth curves through their points, tubes and patterns of the right extent."""

from __future__ import annotations

import numpy as np
import pytest

from minicv.data.farmyard_drawing.figure import (
    Figure,
    blend,
    rotate,
    shade,
    smooth_closed,
    smooth_open,
    vary,
)


def area(outline):
    x, y = outline.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


@pytest.mark.parametrize("count", [3, 4, 7])
def test_closed_curve_passes_through_its_points(count):
    points = np.random.default_rng(count).uniform(-1, 1, size=(count, 2))
    curve = smooth_closed(points, detail=5)
    assert curve.shape == (count * 5, 2)
    np.testing.assert_allclose(curve[::5], points, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_open_curve_passes_through_its_points(count):
    points = np.random.default_rng(count).uniform(-1, 1, size=(count, 2))
    curve = smooth_open(points, detail=4)
    assert curve.shape == ((count - 1) * 4 + 1, 2)
    np.testing.assert_allclose(curve[::4], points, atol=1e-12)


def test_open_curve_of_two_points_is_straight():
    curve = smooth_open([(0, 0), (3, 6)], detail=6)
    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0], atol=1e-12)


def test_rotation_turns_right_to_down():
    np.testing.assert_allclose(rotate([(1.0, 0.0)], np.pi / 2), [[0, 1]], atol=1e-12)
    np.testing.assert_allclose(rotate([(2.0, 1.0)], np.pi, about=(1, 1)), [[0, 1]], atol=1e-12)


def test_oval_has_its_radii():
    figure = Figure()
    figure.oval((5, -3), (2, 1), (0, 0, 0), count=40)
    outline = figure.outlines[0]
    np.testing.assert_allclose(outline.max(axis=0) - outline.min(axis=0), [4, 2], atol=1e-6)
    np.testing.assert_allclose(area(outline), 2 * np.pi, rtol=0.01)


def test_limb_is_a_chain_of_capsules():
    figure = Figure()
    numbers = figure.limb([(0, 0), (4, 0), (4, 3)], [1, 1, 1], (9, 9, 9))
    assert numbers == [0, 1]
    # A rectangle and two half circles; the polygon of 18 corners is a little smaller.
    np.testing.assert_allclose(area(figure.outlines[0]), 8 + np.pi, rtol=0.02)
    np.testing.assert_allclose(area(figure.outlines[1]), 6 + np.pi, rtol=0.02)


def test_limb_without_length_is_a_disc():
    figure = Figure()
    figure.limb([(1, 1), (1, 1)], [2, 2], (9, 9, 9))
    outline = figure.outlines[0]
    assert np.isfinite(outline).all()
    assert np.hypot(*(outline - 1).T).max() <= 2 + 1e-9


def test_ribbon_reaches_its_radius_beyond_both_ends():
    figure = Figure()
    figure.ribbon([(0, 0), (2, 0), (4, 0)], [0.5, 0.5, 0.5], (1, 2, 3))
    outline = figure.outlines[0]
    np.testing.assert_allclose(outline.min(axis=0), [-0.5, -0.5], atol=1e-9)
    np.testing.assert_allclose(outline.max(axis=0), [4.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(area(outline), 4 + np.pi / 4, rtol=0.02)


def test_pattern_remembers_what_it_lies_on():
    figure = Figure()
    body = figure.oval((0, 0), (1, 1), (200, 0, 0))
    patch = figure.pattern([(0, 0), (3, 0), (3, 3)], (0, 0, 200), [body])
    assert figure.clips == {patch: (body,)}


def test_a_part_draws_on_its_figure_in_coordinates_of_its_own():
    figure = Figure()
    body = figure.oval((0, 0), (1, 1), (200, 0, 0))
    head = figure.part((10, 20), tilt=np.pi / 2)  # its x points down in the figure, its y left
    patch = head.pattern([(1, 0), (0, 2), (0, 0)], (0, 0, 200), [body])
    assert figure.clips == {patch: (body,)} and figure.colours[patch] == (0, 0, 200)
    np.testing.assert_allclose(figure.outlines[patch][::6], [(10, 21), (8, 20), (10, 20)])
    head.oval((3, 0), (2, 1), (0, 0, 0))
    np.testing.assert_allclose(figure.outlines[-1].mean(axis=0), (10, 23))
    np.testing.assert_allclose(np.ptp(figure.outlines[-1], axis=0), (4, 2), rtol=0.02)
    for add in (head.limb, head.ribbon):
        add([(0, 0), (4, 0)], [0.5, 0.5], (0, 0, 0))
        np.testing.assert_allclose(figure.outlines[-1].max(axis=0), (10.5, 24.5))
    figure.polygon([(0, 0), (1, 0), (0, 1)], (0, 0, 0))  # the figure itself has not turned
    np.testing.assert_array_equal(figure.outlines[-1], [(0, 0), (1, 0), (0, 1)])


def test_colours_stay_in_range():
    rng = np.random.default_rng(0)
    assert shade((250, 10, 128), 2) == (255, 20, 255)
    assert blend((0, 100, 200), (100, 200, 0), 0.25) == (25, 125, 150)
    for _ in range(20):
        assert all(0 <= part <= 255 for part in vary((255, 3, 120), 0.9, rng))
