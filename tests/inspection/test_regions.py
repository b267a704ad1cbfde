"""Regions one by one: the pixels of the box and no others; bars as long as the scores."""

import math

import numpy as np
import pytest
from PIL import Image

from minicv.inspection import crop_of_box, draw_region_scores, region_card
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import GREY, class_colour
from minicv.inspection.regions import draw_score_table

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


def test_of_many_classes_a_region_shows_its_best_eight():
    scores = np.linspace(1, 0.05, 20)[None]
    names = [f"class {k}" for k in range(20)]
    sheet = draw_region_scores(REGIONS[:1], scores[:, ::-1], names)
    shown = [bool(lengths(sheet, class_colour(k))) for k in range(13, 20)]
    assert shown == [True] * 7
    assert not lengths(sheet, class_colour(11)) and not lengths(sheet, class_colour(10))


LOW, HIGH = colour_map(np.array([0.0, 1.0]), 0, 1)


def test_a_card_has_the_crop_the_mean_and_the_strongest_channels():
    features = np.zeros((16, 7, 7))
    features[3, :, 4:] = -9
    card = np.asarray(region_card(Image.new("RGB", (112, 112), "red"), features))
    assert (card[:, :112] == (255, 0, 0)).all()
    mean, channels = card[:, 122:234], card[:, 244:]
    assert (mean[:, :60] == LOW).all() and (mean[:, 70:] == HIGH).all()  # whatever the sign
    assert (channels[:54, :30] == HIGH).all() and (channels[:54, 32:54] == LOW).all()
    assert (channels[58:] != HIGH).any(axis=2).all()  # the other seven are even


def test_a_card_of_flat_features_has_them_row_by_row():
    features = np.zeros(3 * 40)
    features[7] = 1.0
    card = np.asarray(region_card(Image.new("RGB", (112, 112)), features))
    cells = card[:, 122:]
    columns = math.ceil(math.sqrt(120 * cells.shape[1] / 112))
    rows = math.ceil(120 / columns)
    ys, xs = np.nonzero((cells == HIGH).all(axis=2))
    assert ys.max() < 112 / rows + 1
    assert (
        7 * cells.shape[1] / columns - 1 <= xs.min() < xs.max() <= 8 * cells.shape[1] / columns + 1
    )


def test_a_table_has_a_cell_for_each_region_and_class():
    table = np.asarray(draw_score_table(REGIONS, np.array([[1.0, 0.0], [0.3, 0.6]]), ["a", "b"]))
    expected = colour_map(np.array([[1.0, 0.0], [0.3, 0.6]]), 0, 1)
    for row in range(2):
        assert (table[28 + 44 * row : 28 + 44 * row + 42, :42] == 0).all()  # the black region
        for k in range(2):
            assert (table[33 + 44 * row, 60 + 174 * k] == expected[row, k]).all()


def test_names_that_are_wide_stand_upright_in_the_table():
    names = [f"a long name of class {k}" for k in range(8)]
    table = np.asarray(draw_score_table(REGIONS, np.zeros((2, 8)), names))
    head = table.shape[0] - 2 * 44
    assert head > 28
    ink = (table[:head] < 140).all(axis=2)
    assert not ink[:, :52].any()
    per_class = [
        ink[:, int(52 + 43.5 * k) : int(52 + 43.5 * (k + 1))].any(axis=1).sum() for k in range(8)
    ]
    assert min(per_class) > 60  # as high as the name is long


def test_of_many_classes_the_table_has_the_twelve_best():
    scores = np.zeros((2, 40))
    scores[1, 5:17] = 1.0
    table = np.asarray(draw_score_table(REGIONS, scores, [str(k) for k in range(40)]))
    cells = table[-40, 52:][int(348 / 24) :: int(348 / 12)][:12]
    assert (cells == HIGH).all()
