import numpy as np
import pytest
from PIL import Image

from minicv.inspection import draw_faster_rcnn_stages
from minicv.inspection.heatmap import colour_map
from minicv.inspection.stage_pictures import (
    anchor_picture,
    anchor_sizes,
    anchors_by_cell,
    feature_map_overlay,
    objectness_overlay,
    proposal_picture,
    surest_proposals,
)

NAMES = ["cow", "cat"]
ORDER = [
    "input",
    "feature_map",
    "anchors",
    "objectness",
    "proposals_before_nms",
    "proposals",
    "region_features",
    "detections",
    "overview",
]


def test_a_picture_for_each_stage_in_order(make_stages):
    pictures = draw_faster_rcnn_stages(make_stages(), NAMES)
    assert list(pictures) == ORDER
    for picture in pictures.values():
        assert isinstance(picture, Image.Image) and picture.mode == "RGB"
        assert min(picture.size) >= 300
        assert (np.asarray(picture)[:10] == 255).all()  # a white margin


def test_no_proposals_and_no_detections(make_stages):
    stages = make_stages(proposals=0, detections=0)
    pictures = draw_faster_rcnn_stages(stages, NAMES)
    assert list(pictures) == ORDER
    for name in ORDER:
        assert (np.asarray(pictures[name]) < 100).any(), f"{name} says nothing"


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1)])
def test_tiny_images(make_stages, size):
    stages = make_stages(*size, proposals=3, detections=1)
    assert list(draw_faster_rcnn_stages(stages, NAMES)) == ORDER


def test_stages_are_not_changed(make_stages):
    stages, again = make_stages(), make_stages()
    draw_faster_rcnn_stages(stages, NAMES)
    for name, value in again.items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(stages[name], value), name


def test_anchors_are_read_in_their_order(make_stages):
    stages = make_stages(40, 56)
    by_cell = anchors_by_cell(stages)  # (h, w, A, 4)
    assert by_cell.shape == (3, 4, 6, 4)
    centres = (by_cell[..., :2] + by_cell[..., 2:]) / 2
    for row in range(3):
        for column in range(4):
            assert np.allclose(centres[row, column], ((column + 0.5) * 16, (row + 0.5) * 16))
    sizes, number = anchor_sizes(stages)
    assert sizes == [8, 16] and np.bincount(number).tolist() == [3, 3]


@pytest.mark.parametrize("cell", [(0, 0), (1, 3), (2, 2)])
def test_objectness_and_features_are_brightest_where_their_cell_is(make_stages, cell):
    stages = make_stages(40, 56)
    stages["input"][:] = 0
    stages["objectness"][:] = -20
    stages["objectness"][4, cell[0], cell[1]] = 20
    stages["feature_map"][:] = 0
    stages["feature_map"][2, cell[0], cell[1]] = -1  # strong, whatever its sign
    factor = 10  # 56 pixels become 560
    y = min(int((cell[0] + 0.5) * 16 * factor), 399)
    x = min(int((cell[1] + 0.5) * 16 * factor), 559)
    for picture in objectness_overlay(stages), feature_map_overlay(stages):
        brightness = np.asarray(picture).astype(int).sum(axis=2)
        assert brightness.shape == (400, 560)
        assert brightness[y, x] >= brightness.max() - 6
        assert brightness[399 - y, 559 - x] < brightness.max() / 2


def test_all_cells_have_a_dot_and_the_middle_one_its_anchors(make_stages):
    stages = make_stages(48, 64)
    stages["input"][:] = 1
    pixels = np.asarray(anchor_picture(stages)).astype(int)
    for row in range(3):
        for column in range(4):
            assert pixels[int((row + 0.5) * 128), int((column + 0.5) * 128)].sum() < 300
    colourful = pixels.max(axis=2) - pixels.min(axis=2) > 60
    ys, xs = np.nonzero(colourful)
    middle = anchors_by_cell(stages)[1, 2] * 8
    assert abs(xs.min() - middle[:, 0].min()) <= 3 and abs(xs.max() - middle[:, 2].max()) <= 3
    assert abs(ys.min() - middle[:, 1].min()) <= 3 and abs(ys.max() - middle[:, 3].max()) <= 3


def test_surest_proposal_lies_on_top_in_its_colour(make_stages):
    stages = make_stages()
    boxes = np.array([[10.0, 10, 30, 30], [10.0, 10, 30, 30], [40, 5, 50, 15]])
    picture = proposal_picture(stages, boxes, np.array([0.2, 1.0, 0.5]), 300)
    assert np.array_equal(np.asarray(picture)[200, 100], colour_map(1.0, 0, 1))


def test_surest_proposals_are_chosen_and_at_most_eight(make_stages):
    stages = make_stages(proposals=20)
    stages["proposal_scores"] = np.linspace(0, 1, 20)
    assert surest_proposals(stages) == [19, 18, 17, 16, 15, 14, 13, 12]


def test_refuses(make_stages):
    stages = make_stages()
    del stages["anchors"]
    with pytest.raises(ValueError, match="stages lacks anchors"):
        draw_faster_rcnn_stages(stages, NAMES)
    with pytest.raises(ValueError, match=r"class_scores expects the shape \(12, 2\)"):
        draw_faster_rcnn_stages(make_stages(), ["cow"])
