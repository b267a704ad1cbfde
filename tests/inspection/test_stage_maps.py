"""Stages over the whole image: what is bright, coloured or named, and where."""

import math

import numpy as np
import pytest

from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import BLUE, class_colour, class_palette
from minicv.inspection.panels import CAPTION_SIZE, GAP, LINE_HEIGHT
from minicv.inspection.stage import Stage
from minicv.inspection.stage_maps import (
    TILE,
    anchor_sizes,
    draw_anchors,
    draw_class_maps,
    draw_class_scores,
    draw_features,
    draw_image,
    draw_label_map,
    draw_objectness,
)
from minicv.inspection.stage_scene import PANEL_WIDTH, Scene
from minicv.vision.anchors import AnchorGrid
from minicv.vision.label_maps import VOID

NAMES = ["cow", "cat", "dog"]
WHITE, BLACK = np.ones((3, 40, 56), np.float32), np.zeros((3, 40, 56), np.float32)
FACTOR = 10  # 56 pixels become 560
CAPTION = math.ceil(CAPTION_SIZE * LINE_HEIGHT) + 8  # height of a line of text above a picture
ANCHORS = AnchorGrid(16, sizes=(8, 16), aspect_ratios=(0.5, 1.0, 2.0)).generate(3, 4)
ANCHORS = ANCHORS.reshape(3, 4, 6, 4)


def drawn(draw, arrays, image=None, names=NAMES):
    kind = {
        draw_image: "image",
        draw_features: "features",
        draw_anchors: "anchors",
        draw_objectness: "objectness",
        draw_class_scores: "class scores",
        draw_class_maps: "class maps",
        draw_label_map: "label map",
    }[draw]
    stage = Stage("mine", "", kind, arrays, 0.0)
    return draw(stage, Scene([stage], 0, image, names))


def in_rows(sheet, count, columns, width, height):
    """The pictures on a sheet without margins, each below a line of text."""
    tiles = []
    for number in range(count):
        row, column = divmod(number, columns)
        x, y = column * (width + GAP), CAPTION + row * (CAPTION + height + GAP)
        tiles.append(sheet[y : y + height, x : x + width])
    return tiles


def brightness(picture):
    return np.asarray(picture).astype(int).sum(axis=2)


def test_the_image_is_shown_as_it_is():
    image = np.random.default_rng(0).random((3, 600, 700), dtype=np.float32)
    tile = drawn(draw_image, {"image": image}, image).tile
    expected = np.floor(image.transpose(1, 2, 0) * 255 + 0.5)
    np.testing.assert_array_equal(np.asarray(tile), expected)


@pytest.mark.parametrize("cell", [(0, 0), (1, 3), (2, 2)])
def test_objectness_and_features_are_brightest_where_their_cell_is(cell):
    features, objectness = np.zeros((5, 3, 4)), np.zeros((3, 4, 6))
    features[2][cell] = -1  # strong, whatever its sign
    objectness[cell][4] = 1
    y = min(int((cell[0] + 0.5) * 16 * FACTOR), 399)
    x = min(int((cell[1] + 0.5) * 16 * FACTOR), 559)
    for tile in (
        drawn(draw_features, {"features": features, "stride": 16}, BLACK).tile,
        drawn(draw_objectness, {"objectness": objectness, "anchors": ANCHORS}, BLACK).tile,
    ):
        bright = brightness(tile)
        assert bright.shape == (400, 560)
        assert bright[y, x] >= bright.max() - 6
        assert bright[399 - y, 559 - x] < bright.max() / 2


def test_the_strongest_channels_stand_beside_the_feature_map():
    features = np.zeros((3, 8, 8))
    features[1, :, :4] = 7
    detail = drawn(draw_features, {"features": features, "stride": 8}, BLACK).detail
    right = np.asarray(detail)[CAPTION:, PANEL_WIDTH + GAP :]
    low, high = colour_map(np.array([0.0, 1.0]), 0, 1)
    first, second = right[30:147, :147], right[30:147, 151 : 151 + 147]  # two in a row
    assert (first[:, :70] == high).all() and (first[:, 80:] == low).all()  # channel 1
    assert (second == low).all()


def test_objectness_is_shown_anchor_by_anchor_on_one_scale():
    objectness = np.zeros((3, 4, 6))
    objectness[..., 4] = 1.0
    objectness[..., 1] = 0.5
    detail = drawn(draw_objectness, {"objectness": objectness, "anchors": ANCHORS}, BLACK).detail
    right = np.asarray(detail)[CAPTION:, PANEL_WIDTH + GAP :]
    tiles = in_rows(right, count=6, columns=3, width=184, height=131)
    expected = 0.6 * colour_map(np.array([0, 0.5, 0, 0, 1, 0]), 0, 1)  # over a black image
    for tile, colour in zip(tiles, expected, strict=True):
        assert np.abs(tile.astype(float) - colour).max() < 1.5


def test_all_cells_have_a_dot_and_the_middle_one_its_anchors():
    image = np.ones((3, 48, 64), np.float32)
    pixels = np.asarray(drawn(draw_anchors, {"anchors": ANCHORS}, image).tile).astype(int)
    for row in range(3):
        for column in range(4):
            assert pixels[int((row + 0.5) * 128), int((column + 0.5) * 128)].sum() < 300
    ys, xs = np.nonzero(np.ptp(pixels, axis=2) > 60)
    middle = ANCHORS[1, 2] * 8
    assert abs(xs.min() - middle[:, 0].min()) <= 3 and abs(xs.max() - middle[:, 2].max()) <= 3
    assert abs(ys.min() - middle[:, 1].min()) <= 3 and abs(ys.max() - middle[:, 3].max()) <= 3


def test_anchors_are_told_apart_by_size():
    sizes, size_of = anchor_sizes(ANCHORS)
    assert sizes == [8, 16] and np.bincount(size_of).tolist() == [3, 3]
    detail = np.asarray(drawn(draw_anchors, {"anchors": ANCHORS}, WHITE).detail)
    small, large = in_rows(detail[CAPTION:, PANEL_WIDTH + GAP :], 2, 2, 288, 206)
    for part, own, other in ((small, 0, 1), (large, 1, 0)):
        assert (part == class_colour(own)).all(axis=2).any()
        assert not (part == class_colour(other)).all(axis=2).any()


def test_bars_of_the_best_classes_are_as_long_as_their_scores():
    scores = np.array([0.1, 0.8, 0.4])
    pixels = np.asarray(drawn(draw_class_scores, {"class_scores": scores}).detail)
    hits = (pixels == BLUE).all(axis=2)
    rows = np.flatnonzero(hits.any(axis=1))
    starts = rows[np.diff(rows, prepend=-2) > 1]
    lengths = hits[starts + 5].sum(axis=1)
    assert len(lengths) == 3
    np.testing.assert_allclose(lengths / lengths[0], [1, 0.5, 0.125], atol=0.01)
    # A score of 1 would take all the room, so 0.8 does not.
    sure = drawn(draw_class_scores, {"class_scores": np.array([0.0, 1.0, 0.0])}).detail
    assert (np.asarray(sure) == BLUE).all(axis=2).sum(axis=1).max() > 1.2 * lengths[0]
    many = {"class_scores": np.full(30, 1 / 30)}
    bars = np.asarray(drawn(draw_class_scores, many, names=list(map(str, range(30)))).detail)
    rows = np.flatnonzero((bars == BLUE).all(axis=2).any(axis=1))
    assert (np.diff(rows, prepend=-2) > 1).sum() == 10


def test_each_class_has_its_map():
    class_maps = np.zeros((3, 2, 2))
    class_maps[0, 0, 0] = class_maps[1, 1, 1] = class_maps[2, 0, 1] = 1
    tile, note, detail, _ = drawn(draw_class_maps, {"class_maps": class_maps}, BLACK)
    assert note == "where each class may be; bright is sure"
    assert tile.width == TILE
    small = in_rows(np.asarray(tile), count=3, columns=2, width=188, height=134)
    large = in_rows(np.asarray(detail), count=3, columns=3, width=330, height=236)
    for tiles in (small, large):
        for part, (bottom, right) in zip(tiles, [(0, 0), (1, 1), (0, 1)], strict=True):
            corners = part[:: len(part) - 1, :: part.shape[1] - 1].astype(int).sum(axis=2)
            assert np.unravel_index(corners.argmax(), (2, 2)) == (bottom, right)


def test_of_many_classes_the_largest_maps_are_shown():
    class_maps = np.zeros((30, 1, 1))
    class_maps[[3, 28, 7, 11], 0, 0] = [0.4, 0.3, 0.2, 0.1]
    arrays, names = {"class_maps": class_maps}, [f"class {k}" for k in range(30)]
    tile, note, _, detail_note = drawn(draw_class_maps, arrays, BLACK, names)
    assert note == "where the 4 largest of 30 classes may be; bright is sure"
    assert detail_note == "where the 24 largest of 30 classes may be; bright is sure"
    tiles = in_rows(np.asarray(tile), count=4, columns=2, width=188, height=134)
    expected = 0.6 * colour_map(np.array([0.4, 0.2, 0.1, 0.3]), 0, 1)  # 3, 7, 11, 28
    for part, colour in zip(tiles, expected, strict=True):
        assert np.abs(part.astype(float) - colour).max() < 1.5


def test_the_label_map_has_the_colours_of_its_classes_and_a_legend():
    segmentation = np.zeros((40, 56), int)
    segmentation[:, 28:] = 2
    tile, note, detail, _ = drawn(draw_label_map, {"image": WHITE, "segmentation": segmentation})
    palette = np.array(class_palette(3))
    pixels = np.asarray(tile).astype(int)
    on_white = 0.66 * palette + 0.34 * 255
    assert np.abs(pixels[100, 100] - on_white[0]).max() < 2
    assert np.abs(pixels[100, 300] - on_white[2]).max() < 2
    for sheet in (tile, detail):
        patches = [(np.asarray(sheet) == colour).all(axis=2).sum() > 50 for colour in palette]
        assert patches == [True, False, True]
    assert note == ""


def test_a_label_map_of_many_classes_names_the_largest():
    segmentation = np.repeat(np.arange(12), 4)[None].repeat(40, axis=0)
    segmentation = np.pad(segmentation, ((0, 0), (0, 8)), constant_values=VOID)
    arrays, names = {"image": WHITE, "segmentation": segmentation}, [f"c{k}" for k in range(12)]
    _, note, _, detail_note = drawn(draw_label_map, arrays, names=names)
    assert note == "the largest 9 classes are named" and detail_note == ""


def test_a_label_without_a_name_is_refused_by_the_name_of_the_stage():
    with pytest.raises(ValueError, match="stage 'mine': label 3 in row 0, column 0"):
        drawn(draw_label_map, {"image": WHITE, "segmentation": np.full((40, 56), 3)})
