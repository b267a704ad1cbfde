"""Stages of mask and joint heads: grids beside their crops, hills over the image, instances."""

import numpy as np
import pytest

from minicv.inspection.heatmap import colour_map
from minicv.inspection.instances import instance_colours
from minicv.inspection.palette import ORANGE, SKY_BLUE
from minicv.inspection.stage import Stage
from minicv.inspection.stage_instances import (
    SMALL_SIDE,
    draw_all_instances,
    draw_heat_maps,
    draw_mask_probabilities,
)
from minicv.inspection.stage_scene import Scene
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

GREY = np.full((3, 300, 600), 0.5, np.float32)
BOXES = np.array([[20.0, 20, 120, 220], [200, 40, 300, 240], [400, 60, 560, 260]])
LABELS = np.array([0, 1, 0])
LOW, HIGH = colour_map(np.array([0.0, 1.0]), 0, 1).tolist()


def drawn(draw, kind, arrays, before=()):
    stages = (*before, Stage("mine", "", kind, arrays, 0.0))
    return draw(stages[-1], Scene(stages, len(before), GREY, ["cow", "cat"]))


def at(picture, x, y):
    return np.asarray(picture)[y, x].tolist()


def test_each_grid_stands_beside_the_pixels_of_its_box():
    grids = np.zeros((3, 4, 4))
    grids[1, :, 2:] = 1.0  # the right half
    arrays = {"boxes": BOXES, "labels": LABELS, "scores": np.ones(3), "mask_probabilities": grids}
    tile, note, detail, _ = drawn(draw_mask_probabilities, "mask probabilities", arrays)
    assert note == ""
    step = SMALL_SIDE + 8
    assert at(tile, SMALL_SIDE // 2, 50) == [128, 128, 128]  # the crop
    assert at(tile, step + 70, 50) == LOW
    assert at(tile, 3 * step + 20, 50) == LOW and at(tile, 3 * step + 70, 50) == HIGH
    assert (np.asarray(detail) == HIGH).all(axis=2).sum() > 112 * 112 / 2


def test_of_many_detections_eight_are_shown():
    arrays = {
        "boxes": np.tile(BOXES, (4, 1)),
        "labels": np.tile(LABELS, 4),
        "scores": np.ones(12),
        "mask_probabilities": np.zeros((12, 28, 28)),
    }
    tile, note, *_ = drawn(draw_mask_probabilities, "mask probabilities", arrays)
    assert note == "the first 8 of 12 are shown"
    assert tile.height == 4 * SMALL_SIDE + 3 * 8


def heat_maps(peaks, size=8):
    """One body; a joint for each peak: all of its heat in one cell."""
    maps = np.zeros((1, len(peaks), size, size))
    for joint, (row, column) in enumerate(peaks):
        maps[0, joint, row, column] = 1.0
    return maps


def test_a_joint_is_bright_where_it_is_in_its_box():
    arrays = {"boxes": BOXES[2:], "heatmaps": heat_maps([(0, 0), (7, 7)])}
    tile, note, detail, _ = drawn(draw_heat_maps, "heat maps", arrays)
    assert note == "bright is where a joint may be"
    pixels = np.asarray(tile).astype(int) @ (1, 1, -1)
    assert pixels[60 + 12, 400 + 10] > 300 and pixels[260 - 12, 560 - 10] > 300
    assert pixels[160, 480] < 150 and at(tile, 300, 150) == [185] * 3  # pale beside the box
    assert detail.width > 1200


def test_a_joint_that_nobody_is_sure_of_is_faint_among_the_others():
    maps = heat_maps([(1, 1), (1, 6), (6, 1)])
    maps[0, 2] = 1 / 64  # spread evenly
    pixels = np.asarray(drawn(draw_heat_maps, "heat maps", {
        "boxes": BOXES[2:], "heatmaps": maps,
    }).tile).astype(int) @ (1, 1, -1)  # fmt: skip
    assert pixels[60 + 37, 400 + 30] > 250 and pixels[220, 480] < 150


def test_boxes_beyond_the_picture_and_of_no_extent():
    boxes = np.array([[-50.0, -20, 700, 400], [580, 290, 580, 290], [700, 0, 900, 90]])
    heat = np.tile(heat_maps([(4, 4)]), (3, 1, 1, 1))
    tile, *_ = drawn(draw_heat_maps, "heat maps", {"boxes": boxes, "heatmaps": heat})
    assert tile.size == (600, 300)
    assert (np.asarray(tile).astype(int) @ (1, 1, -1))[215, 370] > 300


def test_of_many_bodies_four_are_shown():
    arrays = {"boxes": np.tile(BOXES, (2, 1)), "heatmaps": np.full((6, 2, 4, 4), 1 / 16)}
    note = drawn(draw_heat_maps, "heat maps", arrays).note
    assert note == "bright is where a joint may be; the first 4 of 6 are shown"


def instances(scores, **more):
    return {"image": GREY, "boxes": BOXES, "labels": LABELS, "scores": np.array(scores), **more}


def test_instances_are_drawn_where_they_are_sure():
    masks = np.zeros((3, 300, 600), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    arrays = instances([0.9, 0.4, 0.5], masks=masks)
    tile, note, *_ = drawn(draw_all_instances, "instances", arrays)
    assert note == "the 2 with a score of at least 0.5"
    first, second = instance_colours(2)
    assert at(tile, 20, 120) == list(first) and at(tile, 400, 160) == list(second)
    assert at(tile, 250, 140) == [128] * 3
    note = drawn(draw_all_instances, "instances", instances([0.3, 0.1, 0.2])).note
    assert note == "none has a score of at least 0.5; shown: the surest 3"


@pytest.mark.parametrize("where", ["own", "before"])
def test_names_of_joints_are_those_of_the_stage_or_of_one_before(where):
    names = [name.replace("right", "l").replace("left", "right") for name in LEEDS_SPORTS_JOINTS]
    joints = np.zeros((3, 14, 3))
    joints[0, :2] = [[300, 20, 1], [360, 20, 1]]  # ankle and knee, the right ones by their order
    arrays = instances([0.9, 0.9, 0.9], keypoints=joints)
    assert at(drawn(draw_all_instances, "instances", arrays).tile, 330, 20) == list(ORANGE)
    before = ()
    if where == "own":
        arrays["joint_names"] = names
    else:
        heat = {"boxes": BOXES, "heatmaps": np.ones((3, 14, 2, 2)), "joint_names": names}
        before = (Stage("heat", "", "heat maps", heat, 0.0),)
    tile = drawn(draw_all_instances, "instances", arrays, before).tile
    assert at(tile, 330, 20) == list(SKY_BLUE)


def test_without_instances_the_image_remains():
    none = {name: values[:0] for name, values in instances([0.1] * 3).items() if name != "image"}
    tile, note, *_ = drawn(draw_all_instances, "instances", {"image": GREY, **none})
    assert note == "none has a score of at least 0.5" and (np.asarray(tile) == 128).all()
