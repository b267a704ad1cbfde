"""COCO's masks: run lengths by their definition, polygons by their pixel centres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minicv.data.coco_masks import (
    decode_runs,
    decode_segmentation,
    expand_counts,
    fill_polygons,
)


def run_lengths(mask):
    """Lengths of the runs down the columns, the first one of zeros, pixel by pixel."""
    runs, value = [0], False
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def compress(runs):
    """COCO's string for run lengths, written from its description."""
    text = ""
    for k, run in enumerate(runs):
        value = run - runs[k - 2] if k > 2 else run
        while True:
            bits = value & 31
            value >>= 5
            done = value == (-1 if bits & 16 else 0)
            text += chr(48 + (bits if done else bits | 32))
            if done:
                break
    return text


masks = arrays.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 9)))


@given(masks)
def test_runs_both_plain_and_compressed(mask):
    runs = run_lengths(mask)
    size = list(mask.shape)
    for counts in (runs, compress(runs), compress(runs).encode()):
        decoded = decode_segmentation({"counts": counts, "size": size}, *mask.shape)
        assert decoded.dtype == bool
        np.testing.assert_array_equal(decoded, mask)


@given(st.lists(st.integers(0, 10**6), max_size=12))
def test_compressed_numbers(runs):
    assert expand_counts(compress(runs)) == runs


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


def test_runs_of_another_size():
    with pytest.raises(ValueError, match="not"):
        decode_runs([6], (2, 3), (3, 2))
    with pytest.raises(ValueError, match="hold 5 pixels"):
        decode_runs([2, 3], (2, 3), (2, 3))
    with pytest.raises(ValueError, match="expected 2"):
        decode_runs([-1, 7], (2, 3), (2, 3))
