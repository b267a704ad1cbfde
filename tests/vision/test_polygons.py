"""Polygons: the pixels whose centres lie inside, against a ray for each pixel."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.vision.polygons import fill_polygons


def point_in_polygon(x, y, corners):
    """Even-odd rule: how often does a ray to the left meet the outline?"""
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
            inside = not inside
    return inside


# Sixteenths are exact in binary, so that centre and edge are compared alike in both.
coordinate = st.integers(-40, 200).map(lambda v: v / 16)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=7))
def test_polygon_takes_the_pixels_whose_centres_lie_inside(corners):
    flat = [value for corner in corners for value in corner]
    mask = fill_polygons([flat], 8, 11)
    for row in range(8):
        for column in range(11):
            expected = point_in_polygon(column + 0.5, row + 0.5, corners)
            shifted = point_in_polygon(column + 0.5 + 1e-9, row + 0.5, corners)
            if expected == shifted:  # a centre on a slanted edge may fall on either side
                assert mask[row, column] == expected


def test_whole_pixel_rectangles():
    mask = fill_polygons([[2, 1, 5, 1, 5, 4, 2, 4], [0, 0, 1, 0, 1, 1, 0, 1]], 6, 7)
    expected = np.zeros((6, 7), bool)
    expected[1:4, 2:5] = True
    expected[0, 0] = True
    np.testing.assert_array_equal(mask, expected)


def test_overlapping_polygons_are_joined():
    square = [0, 0, 3, 0, 3, 3, 0, 3]
    assert fill_polygons([square, square], 4, 4).sum() == 9


def test_polygon_outside_and_without_area():
    assert not fill_polygons([[20, 20, 30, 20, 30, 30]], 8, 8).any()
    assert not fill_polygons([[-9, -9, -1, -9, -1, -1]], 8, 8).any()
    assert not fill_polygons([[1, 1, 5, 5, 1, 1]], 8, 8).any()
    assert fill_polygons([], 3, 2).shape == (3, 2)


@pytest.mark.parametrize("polygon", [[], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7]])
def test_too_few_corners(polygon):
    with pytest.raises(ValueError, match=f"has {len(polygon)} numbers"):
        fill_polygons([polygon], 4, 4)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1e300, 2e9])
def test_a_coordinate_beyond_any_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="not finite or beyond 1e9"):
        fill_polygons([[0, 0, 4, 0, 4, wrong]], 5, 5)


def test_a_zigzag_of_very_many_corners_costs_little_memory():
    """20,000 edges from top to bottom cross 400 rows each: eight million crossings."""
    x = np.arange(20_000) / 200
    zigzag = np.stack([x, np.where(np.arange(len(x)) % 2, 0.0, 400.0)], axis=1)
    outline = [*zigzag.ravel().tolist(), 100.0, 500.0, 0.0, 500.0]
    tracemalloc.start()
    mask = fill_polygons([outline], 600, 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6
    assert mask[400:500].all() and not mask[500:].any()
