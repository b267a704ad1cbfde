"""Regions one by one: the pixels of the box and no others, bars as long as the scores, and the
bins that RoI pooling takes the maximum of."""

import math

import numpy as np
import pytest
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.functional.pooling_windows import adaptive_bins
from minicv.inspection import crop_of_box, draw_pyramid, draw_region_scores
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import GREY, VERMILLION, class_colour
from minicv.inspection.regions import region_card

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


def test_the_bar_of_a_single_class_is_no_block():
    """The fault before: two thirds of the card were one bar."""
    sheet = np.asarray(draw_region_scores(REGIONS[:1], np.array([[0.5]]), ["cow"]))
    rows = np.flatnonzero((sheet == class_colour(0)).all(axis=2).any(axis=1))
    assert 23 <= len(rows) <= 26 and rows[-1] - rows[0] == len(rows) - 1


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


@pytest.mark.parametrize("level", [1, 2, 3, 6])
@pytest.mark.parametrize("region", [(2, 1, 9, 7), (4, 4, 5, 4), (0, 0, 10, 8)])
def test_bins_are_those_of_roi_pooling(level, region):
    features = np.random.default_rng(0).random((1, 1, 9, 11), dtype=np.float32)
    boxes = np.array([region], np.float32)
    pooled = F.roi_pool(Tensor(features), boxes, np.zeros(1, np.int64), level).data[0, 0]
    x1, y1, x2, y2 = region
    across, down = adaptive_bins(x2 - x1 + 1, level), adaptive_bins(y2 - y1 + 1, level)
    cells = features[0, 0, y1 : y2 + 1, x1 : x2 + 1]
    by_hand = [[cells[rows, columns].max() for columns in across] for rows in down]
    np.testing.assert_array_equal(pooled, by_hand)
    # Each bin is framed where its first cell begins and its last one ends.
    pixels = np.asarray(draw_pyramid(np.zeros((9, 11)), region, (level,))[0]).astype(int)
    red = pixels[y1 * 16 + 3 : (y2 + 1) * 16 - 3, :, 0].mean(axis=0)  # of the columns of pixels
    white = [x for x in range(x1 + 1, x2 + 1) if red[16 * x - 1 : 16 * x + 1].min() > 120]
    edges = {x1 + edge for bin_ in across for edge in (bin_.start, bin_.stop)}
    assert white == sorted(edges - {x1, x2 + 1})


def test_the_region_is_framed_on_each_level():
    levels = [np.asarray(p) for p in draw_pyramid(np.zeros((8, 8)), (1, 2, 6, 5), (3, 1))]
    for picture in levels:
        framed = (picture == VERMILLION).all(axis=2)
        rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
        assert np.ptp(rows) == pytest.approx(4 * 16 + 2, abs=1)
        assert np.ptp(columns) == pytest.approx(6 * 16 + 2, abs=1)
    # Within the frame: lines on the first level, nothing on the last.
    inside = [picture[2 * 16 + 5 : 6 * 16 - 5, 16 + 5 : 7 * 16 - 5] for picture in levels]
    assert [len(np.unique(part.reshape(-1, 3), axis=0)) > 1 for part in inside] == [True, False]


@pytest.mark.parametrize("region", [(-1, 0, 2, 2), (0, 0, 8, 2), (3, 0, 2, 2)])
def test_a_region_outside_is_refused(region):
    with pytest.raises(ValueError, match="not within a map of 8 rows and 8 columns"):
        draw_pyramid(np.zeros((8, 8)), region, (1,))
