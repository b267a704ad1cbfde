"""RoI pooling against RoIAlign: what is drawn is what the operations read."""

import numpy as np
import pytest

from minicv import functional as F
from minicv.inspection import draw_roi_grids
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import ORANGE, VERMILLION, WHITE
from minicv.inspection.roi_grids import rounded_box, sample_points

BOX = (20.0, 20.0, 90.0, 70.0)  # 1.25, 1.25, 5.625, 4.375 in cells of 16 pixels


def ramp(height=6, width=8):
    return np.arange(height * width, dtype=np.float32).reshape(height, width)


def has(picture, colour):
    return (np.asarray(picture) == colour).all(axis=2)


@pytest.mark.parametrize("box", [BOX, (8, 8, 24, 40), (0, 0, 3, 3), (33, 17, 120, 90)])
def test_the_rounded_box_is_what_roi_pooling_reads(box):
    """A cell changes the result of 1 x 1 bin if and only if it is in the rounded box."""
    x1, y1, x2, y2 = rounded_box([v / 16 for v in box])
    for row, column in np.ndindex(6, 8):
        features = np.zeros((1, 1, 6, 8), np.float32)
        features[0, 0, row, column] = 1
        boxes = np.array([box], np.float32)
        read = F.roi_pool(features, boxes, np.array([0]), 1, 1 / 16).data.item() == 1
        assert read == (x1 <= column < x2 and y1 <= row < y2)


@pytest.mark.parametrize("ratio", [1, 2, 3, 0])
def test_samples_are_those_of_roi_align(ratio):
    """On a ramp, the mean over the samples of a bin is the ramp at their mean place."""
    box = np.array([[20.0, 20.0, 90.0, 70.0]], np.float32)
    columns = np.broadcast_to(np.arange(8, dtype=np.float32) ** 2, (1, 1, 6, 8))
    found = F.roi_align(columns, box, np.array([0]), 2, 1 / 16, ratio).data[0, 0, 0]
    points = sample_points(20 / 16, 90 / 16, 2, ratio)  # cells; the middle of cell i is i + 0.5
    expected = np.interp(points - 0.5, np.arange(8), np.arange(8.0) ** 2).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_both_halves_and_their_results_are_drawn():
    sheet = draw_roi_grids(ramp(), BOX, 1 / 16, 2)
    pixels = np.asarray(sheet)
    half = sheet.width // 2
    assert has(sheet, VERMILLION)[:, :half].sum() > 2000
    assert not has(sheet, VERMILLION)[: sheet.height - 80, half:].any()
    assert has(sheet, ORANGE)[:, half:].sum() > 300
    assert has(sheet, WHITE)[200:300].any()
    features, box, one = ramp()[None, None], np.array([BOX], np.float32), np.array([0])
    pooled = F.roi_pool(features, box, one, 2, 1 / 16).data.ravel()
    aligned = F.roi_align(features, box, one, 2, 1 / 16, 2).data.ravel()
    for values, part in ((pooled, pixels[:, :half]), (aligned, pixels[:, half:])):
        for value in values:  # a bin of the result, except for its number
            assert (part == colour_map(value, 0, 47)).all(axis=2).sum() > 100 * 100


def test_the_box_lies_where_it_is():
    sheet = np.asarray(draw_roi_grids(np.zeros((6, 8), np.float32), BOX, 1 / 16, 1))
    cell = 560 // 8
    ys, xs = np.nonzero((sheet[:, : sheet.shape[1] // 2] == VERMILLION).all(axis=2)[:560])
    assert xs.min() == 28 + 1 * cell - 2 and xs.max() == 28 + 7 * cell + 1  # a line of 4 pixels
    assert np.ptp(ys) == 4 * cell + 3


@pytest.mark.parametrize(
    ("shape", "box", "size", "ratio"),
    [
        ((1, 1), (0, 0, 9, 9), 1, 1),
        ((6, 8), (-50, -50, 500, 500), 7, 0),
        ((6, 8), (100, 80, 101, 81), (3, 2), 2),
        ((200, 300), (0, 0, 4800, 3200), 7, 2),
        ((1, 50), (0, 0, 799, 15), (1, 14), 2),
    ],
)
def test_any_box_on_any_map(shape, box, size, ratio):
    sheet = draw_roi_grids(np.zeros(shape), box, 1 / 16, size, ratio)
    assert max(sheet.size) < 1500 and has(sheet, ORANGE).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros((1, 4, 4))}, r"features expect the shape \(h, w\).*\(1, 4, 4\)"),
        ({"box": (0, 0, np.nan, 9)}, "expected four finite numbers"),
        ({"box": (0, 0, 9)}, "expected four finite numbers"),
        ({"box": (9, 9, 9, 20)}, "does not cover any of the map"),
        ({"box": (900, 9, 990, 20)}, "does not cover any of the map of 6 rows and 8 columns"),
        ({"pooled_size": 0}, "draw_roi_grids: pooled_size"),
    ],
)
def test_refuses(change, message):
    given = {"features": ramp(), "box": BOX, "spatial_scale": 1 / 16, "pooled_size": 2}
    with pytest.raises(ValueError, match=message):
        draw_roi_grids(**(given | change))
