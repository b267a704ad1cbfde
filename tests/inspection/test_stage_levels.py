"""Stages of pyramids: the colours of levels, cells found from anchors, and each level's own map."""

import numpy as np
import pytest

from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import class_colour
from minicv.inspection.stage import Stage
from minicv.inspection.stage_levels import (
    draw_anchors_of_levels,
    draw_levels,
    draw_objectness_of_levels,
    level_of_anchors,
)
from minicv.inspection.stage_scene import Scene
from minicv.vision.anchors import AnchorGrid

GREY = np.full((3, 256, 512), 0.5, np.float32)
STRIDES = np.array([16, 64, 128])


def pyramid():
    grids = [
        AnchorGrid(stride, sizes=(2 * stride,), aspect_ratios=(0.5, 1.0, 2.0)).generate(
            256 // stride, 512 // stride
        )
        for stride in (16, 64)
    ]
    levels = np.repeat([0, 1], [len(grid) for grid in grids])  # the third has no anchors
    return {"anchors": np.concatenate(grids), "levels": levels, "strides": STRIDES}


def drawn(draw, kind, arrays, before=(), image=GREY):
    stages = (*before, Stage("mine", "", kind, arrays, 0.0))
    return draw(stages[-1], Scene(stages, len(before), image, ["cow"]))


def at(picture, x, y):
    return np.asarray(picture)[y, x].tolist()


def test_cells_are_found_from_the_centres_of_anchors():
    arrays = pyramid()
    level = level_of_anchors(arrays["anchors"][arrays["levels"] == 1])
    assert level.xs.tolist() == [32 + 64 * i for i in range(8)]
    assert level.ys.tolist() == [32, 96, 160, 224]
    assert level.cell_size(GREY) == (64, 64)
    assert level.row.tolist() == np.repeat(np.arange(4), 8 * 3).tolist()
    one = level_of_anchors(np.array([[-5.0, -7, 15, 17]]))
    assert one.cell_size(GREY) == (512, 256)


def test_the_anchors_of_the_middle_have_the_colours_of_their_levels():
    tile, note, detail, _ = drawn(draw_anchors_of_levels, "anchors of levels", pyramid())
    assert note == "of each level, those of one cell in the middle"
    for stride, level in ((16, 0), (64, 1)):
        left = 256 - stride / 2 - stride  # of the square anchor of the cell left of the middle
        assert at(tile, int(left), 128 - stride // 2) == list(class_colour(level))
    assert detail.width > 2 * 600
    colours = {tuple(colour) for colour in np.asarray(detail).reshape(-1, 3).tolist()}
    assert {class_colour(0), class_colour(1), class_colour(2)} <= colours  # the last: in the legend


def test_objectness_of_each_level_lies_where_its_anchors_are():
    arrays = pyramid()
    objectness = np.zeros(len(arrays["anchors"]))
    second = np.flatnonzero(arrays["levels"] == 1)
    cell = second.reshape(4, 8, 3)[1, 6]  # 384..448 x 64..128
    objectness[cell] = (0.1, 1.0, 0.2)  # the surest counts
    tile, _, detail, _ = drawn(
        draw_objectness_of_levels, "objectness of levels", {**arrays, "objectness": objectness}
    )
    assert tile.width == 400 and detail.width == 1200
    width = (1200 - 2 * 24) // 3
    bright = np.asarray(tile).astype(int) @ (1, 1, -2) > 100  # yellow
    ys, xs = np.nonzero(bright)
    scale = 188 / 512
    assert xs.mean() == pytest.approx(188 + 24 + 416 * scale, abs=2)  # the second of two columns
    assert np.ptp(xs) < 64 * scale + 2
    shown = np.asarray(detail)[:-36].astype(int) @ (1, 1, -2) > 100  # without the bar of colours
    xs_of_detail = np.nonzero(shown)[1]
    assert xs_of_detail.mean() == pytest.approx(width + 24 + 416 * width / 512, abs=2)
    overlaid = 0.4 * 128 + 0.6 * np.array(colour_map(1.0, 0, 1), int)
    y, x = int(ys.mean()), int(xs.mean())
    assert np.abs(np.asarray(tile)[y, x] - overlaid).max() < 25  # the cells beside it are dark


BOXES = np.array([[20.0, 20, 60, 60], [100, 20, 240, 160], [260, 20, 500, 240]])


def test_regions_have_the_colours_of_their_levels():
    arrays = {"boxes": BOXES, "levels": np.array([0, 1, 2]), "strides": STRIDES}
    tile, note, detail, _ = drawn(draw_levels, "levels", arrays)
    assert note == "each box in the colour of the level from which it is pooled"
    for level, (x1, y1, _, y2) in enumerate(BOXES.astype(int).tolist()):
        assert at(tile, x1, (y1 + y2) // 2) == list(class_colour(level))
    assert tile.height > 256  # and a legend
    assert detail.width > 1200


def test_each_level_shows_its_own_map_and_its_own_regions():
    maps = []
    for stride in (16, 64):
        features = np.zeros((2, 256 // stride, 512 // stride))
        features[:, 0, 0] = 1.0  # the first cell
        arrays = {"features": features, "stride": stride}
        maps.append(Stage(f"feature_map_{stride}", "", "features", arrays, 0.0))
    arrays = {"boxes": BOXES, "levels": np.array([0, 1, 2]), "strides": STRIDES}
    detail = np.asarray(drawn(draw_levels, "levels", arrays, maps).detail)[:, 624:]
    tile_width = 288
    yellow = detail.astype(int) @ (1, 1, -2) > 100
    for number, stride in enumerate((16, 64)):
        own = yellow[:, number * 312 : number * 312 + tile_width]
        columns = np.flatnonzero(own[np.flatnonzero(own.any(axis=1))[0] + 4])  # above its boxes
        assert len(columns) == pytest.approx(stride * tile_width / 512, abs=1)
    first = detail[:200, :tile_width]
    assert (first == class_colour(0)).all(axis=2).any()
    assert not (first == class_colour(1)).all(axis=2).any()


def test_of_many_regions_forty_are_drawn():
    boxes = np.tile(BOXES, (50, 1))
    arrays = {"boxes": boxes, "levels": np.tile([0, 1, 2], 50), "strides": STRIDES}
    assert drawn(draw_levels, "levels", arrays).note.endswith("; 40 of 150 are drawn")
