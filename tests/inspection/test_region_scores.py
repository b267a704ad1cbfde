"""draw_region_scores: bars as long as the scores, on one scale, on both sides of 0."""

import numpy as np
import pytest
from PIL import Image

from minicv.inspection import draw_region_scores
from minicv.inspection.palette import GREY, class_colour

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
    draw_region_scores([], np.zeros((0, len(classes))), classes, title="nothing")
    draw_region_scores(REGIONS, np.zeros((2, len(classes))), classes)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"R = 2 regions and K = 1 classes but have \(2, 3\)"):
        draw_region_scores(REGIONS, np.zeros((2, 3)), ["cow"])
