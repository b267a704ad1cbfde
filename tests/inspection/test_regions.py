"""Regions one by one: the pixels of the box and no others; bars as long as the scores."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection import crop_of_box, draw_region_scores
from minicv.inspection.palette import GREY, class_colour

HALVES = np.zeros((3, 300, 600), np.float32)  # red at the left, blue at the right
HALVES[0, :, :300] = 1
HALVES[2, :, 300:] = 1


@pytest.mark.parametrize(
    "box, colour", [((10, 20, 200, 60), [255, 0, 0]), ((400, 0, 600, 300), [0, 0, 255])]
)
def test_a_box_of_one_colour_fills_the_square(box, colour):
    pixels = np.asarray(crop_of_box(HALVES, box, 60))
    assert pixels.shape == (60, 60, 3)
    assert (pixels[5:-5, 5:-5] == colour).all()


def test_width_and_height_are_stretched_apart():
    pixels = np.asarray(crop_of_box(HALVES, (200, 0, 400, 20), 80))
    assert (pixels[10:70, 10:35, 0] > 200).all() and (pixels[10:70, 45:70, 2] > 200).all()


@pytest.mark.parametrize("box", [(-50, -50, 4, 4), (599.5, 299.5, 900, 900), (5, 5, 5, 5)])
def test_boxes_at_and_beyond_the_edges(box):
    assert crop_of_box(HALVES, box, 30).size == (30, 30)


def test_a_tiny_square_has_no_frame():
    assert np.asarray(crop_of_box(HALVES, (0, 0, 9, 9), 4))[0, 0].tolist() == [255, 0, 0]


REGIONS = [Image.new("RGB", (50, 70), "black")] * 2


def lengths(sheet, colour):
    """Of each bar of that colour, from the top: first and last column."""
    hits = (np.asarray(sheet) == colour).all(axis=2)
    rows = np.flatnonzero(hits.any(axis=1))
    starts = rows[np.diff(rows, prepend=-2) > 1]
    return [(np.flatnonzero(hits[row + 2])[0], np.flatnonzero(hits[row + 2])[-1]) for row in starts]


def test_bars_are_as_long_as_the_scores():
    scores = np.array([[1.0, 0.5], [0.25, 0.75]])
    sheet = draw_region_scores(REGIONS, scores, ["cow", "cat"], columns=1)
    for k in range(2):
        long = [last - first + 1 for first, last in lengths(sheet, class_colour(k))]
        np.testing.assert_allclose(long, 110 * scores[:, k], atol=2)


def test_margins_lie_on_both_sides_of_zero():
    sheet = draw_region_scores(REGIONS[:1], np.array([[-2.0, 1.0]]), ["cow", "cat"])
    ((start, end),), ((next_start, next_end),) = (lengths(sheet, class_colour(k)) for k in (0, 1))
    assert abs(next_start - end) <= 2
    assert abs((end - start) - 2 * (next_end - next_start)) <= 3


def test_one_column_more_is_the_background():
    sheet = draw_region_scores(REGIONS[:1], np.array([[0.6, 0.4]]), ["cow"])
    assert lengths(sheet, GREY) and lengths(sheet, class_colour(0))


@pytest.mark.parametrize("classes", [["cow"], []])
def test_no_regions_and_all_scores_zero(classes):
    nothing = draw_region_scores([], np.zeros((0, len(classes))), classes, title="nothing")
    assert (np.asarray(nothing) < 100).any()  # the title
    sheet = draw_region_scores(REGIONS, np.zeros((2, len(classes))), classes)
    assert (np.asarray(sheet) == 0).all(axis=2).sum() >= 2 * 132**2  # both black regions
    assert lengths(sheet, class_colour(0)) == []


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"R = 2 regions and K = 1 classes but have \(2, 3\)"):
        draw_region_scores(REGIONS, np.zeros((2, 3)), ["cow"])
