"""Stages about regions: the colour of each score, class and crop, where it must be."""

import math

import numpy as np
import pytest

from minicv.inspection import draw_stages
from minicv.inspection.heatmap import colour_map
from minicv.inspection.palette import class_colour
from minicv.inspection.panels import CAPTION_SIZE, LINE_HEIGHT
from minicv.inspection.stage import Stage
from minicv.inspection.stage_regions import (
    SMALL_SIDE,
    draw_boxes,
    draw_detected,
    draw_refined_boxes,
    draw_region_features,
    draw_regions,
    draw_scores_of_regions,
)
from minicv.inspection.stage_scene import PANEL_WIDTH, Objects, Scene

NAMES = ["cow", "cat", "dog"]
GREY = np.full((3, 300, 600), 0.5, np.float32)
BOXES = np.array([[20, 20, 120, 220], [200, 40, 300, 240], [400, 60, 560, 260.0]])
SCORES = np.array([[0.1, 0.2, 0.0], [0.9, 0.0, 0.0], [0.0, 0.0, 0.5]])
ORDER = [1, 2, 0]  # the surest first
SIDE = SMALL_SIDE
CAPTION = math.ceil(CAPTION_SIZE * LINE_HEIGHT) + 8  # height of a line of text above a picture


def stage(kind, **arrays):
    return Stage(kind, "", kind, arrays, 0.0)


def drawn(draw, *stages, image=GREY):
    return draw(stages[0], Scene(stages, 0, image, NAMES))


def at(picture, x, y):
    return np.asarray(picture)[y, x].tolist()


def nearly(colour, other, most=3):
    return np.abs(np.asarray(colour, int) - np.asarray(other, int)).max() <= most


def test_boxes_have_the_colours_of_their_scores():
    boxes = stage("boxes", boxes=BOXES, scores=np.array([1.0, 0.5, 0.0]))
    tile, note, detail, _ = drawn(draw_boxes, boxes)
    assert note == "bright is best"
    for picture in (tile, detail):
        assert at(picture, 20, 120) == colour_map(1.0, 0, 1).tolist()
        assert at(picture, 320, 10) == [128, 128, 128]
    assert detail.height > tile.height  # the bar of colours


def test_of_boxes_with_one_score_some_from_everywhere_are_drawn():
    boxes = np.tile([[200.0, 40, 300, 240]], (400, 1))
    boxes[0], boxes[-1] = BOXES[0], BOXES[2]
    tile, note, *_ = drawn(draw_boxes, stage("boxes", boxes=boxes, scores=np.ones(400)))
    assert note == "40 are drawn, all with the same score"
    assert at(tile, 20, 120) != [128, 128, 128] and at(tile, 400, 160) != [128, 128, 128]
    few = stage("boxes", boxes=BOXES, scores=np.ones(3))
    assert drawn(draw_boxes, few).note == "all with the same score"


@pytest.mark.parametrize("thinned_out, most", [(False, 40), (True, 300)])
def test_the_best_boxes_are_drawn_and_more_of_a_crowd_that_is_thinned_out(thinned_out, most):
    count = 400
    boxes = np.tile([[200.0, 40, 300, 240]], (count, 1))
    boxes[most] = BOXES[2]  # the first that is too many
    boxes[most - 1] = BOXES[0]  # the last that is drawn
    crowd = stage("boxes", boxes=boxes, scores=np.linspace(1, 0.5, count))
    later = [stage("boxes", boxes=BOXES[:1], scores=np.ones(1))] if thinned_out else []
    tile, note, *_ = drawn(draw_boxes, crowd, *later)
    assert note == f"the best {most} are drawn; bright is best"
    assert at(tile, 20, 120) != [128, 128, 128] and at(tile, 400, 160) == [128, 128, 128]


def test_crops_are_shown_the_surest_first_and_numbered_where_they_are():
    crops = np.zeros((3, 3, 8, 8), np.float32)
    for region in range(3):
        crops[region, region] = 1  # red, green, blue
    regions = stage("regions", boxes=BOXES / 5, crops=crops)
    scores = stage("region scores", boxes=BOXES / 5, class_scores=SCORES)
    tile, note, detail, _ = drawn(draw_regions, regions, scores, image=GREY[:, ::5, ::5])
    assert note == ""
    for number, region in enumerate(ORDER):
        colour = [255 * (channel == region) for channel in range(3)]
        assert at(tile, number * (SIDE + 8) + SIDE // 2, SIDE // 2) == colour
    for region, label in zip(ORDER, (0, 2, 1), strict=True):  # on the left
        x1, y1, _, y2 = BOXES[region].astype(int).tolist()
        assert at(detail, x1, CAPTION + (y1 + y2) // 2) == list(class_colour(label))


def test_without_crops_the_pixels_of_the_boxes_are_shown():
    image = GREY.copy()
    image[:, :, 400:] = np.array([1, 0, 0], np.float32)[:, None, None]
    tile = drawn(draw_regions, stage("regions", boxes=BOXES[[2, 0]]), image=image).tile
    assert at(tile, SIDE // 2, SIDE // 2) == [255, 0, 0]
    assert at(tile, SIDE + 8 + SIDE // 2, SIDE // 2) == [128, 128, 128]


@pytest.mark.parametrize("shape", [(4, 2, 2), (4,)])
def test_features_stand_beside_their_region(shape):
    features = np.zeros((3, *shape))
    features[2].flat[-1] = 5.0  # the last cell of the region that is shown second
    pooled = stage("region features", boxes=BOXES, region_features=features)
    scores = stage("region scores", boxes=BOXES, class_scores=SCORES)
    tile, _, detail, _ = drawn(draw_region_features, pooled, scores)
    low, high = colour_map(np.array([0.0, 1.0]), 0, 1).tolist()
    second = 3 * (SIDE + 8)
    assert at(tile, second + SIDE - 5, SIDE - 5) == high and at(tile, second + 5, 5) == low
    assert at(tile, SIDE + 8 + SIDE - 5, SIDE - 5) == low
    right = np.asarray(detail)[:, PANEL_WIDTH:]
    assert (right == high).all(axis=2).sum() > 1000


def test_scores_are_bars_as_long_as_they_are():
    scores = stage("region scores", boxes=BOXES, class_scores=SCORES)
    tile, note, detail, detail_note = drawn(draw_scores_of_regions, scores)
    assert note == detail_note == ""
    for row, region in enumerate(ORDER):
        card = np.asarray(tile)[140 * row : 140 * row + 132]
        for k in range(3):
            longest = (card == class_colour(k)).all(axis=2).sum(axis=1).max()
            assert longest == pytest.approx(110 * SCORES[region, k] / 0.9, abs=2)
    cow = (np.asarray(detail)[:, PANEL_WIDTH:] == class_colour(0)).all(axis=2)
    assert cow.sum(axis=1).max() == pytest.approx(110, abs=2)  # the bar of 0.9, the greatest


def test_of_many_regions_the_overview_shows_the_scores_of_three():
    boxes, scores = np.concatenate([BOXES, BOXES + 1]), np.concatenate([SCORES, SCORES / 2])
    many = stage("region scores", boxes=boxes, class_scores=scores)
    tile, note, _, detail_note = drawn(draw_scores_of_regions, many)
    assert tile.height == 3 * 132 + 2 * 8
    assert (note, detail_note) == ("3 of 6 regions are shown", "")


def test_sure_regions_move_as_their_best_class_does():
    refined = np.tile(BOXES[:, None], (1, 3, 1))
    refined[1, 0] += (0, 10, 40, 20)  # cow
    refined[1, 1:] = 0  # another class would move it away
    arrays = {"boxes": BOXES, "refined_boxes": refined, "class_scores": SCORES}
    tile, note, detail, _ = drawn(draw_refined_boxes, stage("refined boxes", **arrays))
    assert note == "the surest 2 of 3; white is where they were"
    for picture in (tile, detail):
        assert at(picture, 340, 150) == list(class_colour(0))
        assert at(picture, 560, 160) == list(class_colour(2))
        assert nearly(at(picture, 250, 40), (255, 255, 255), 60)  # its upper edge, before
        assert at(picture, 20, 120) == [128, 128, 128]  # the one that nobody is sure of
    patches = np.asarray(detail)[300:]
    assert (patches == class_colour(0)).all(axis=2).any()
    assert not (patches == class_colour(1)).all(axis=2).any()


def test_lines_lead_from_corner_to_corner_and_the_surest_lies_on_top():
    boxes = np.array([[50, 50, 200, 250], [52, 50, 200, 250.0]])
    refined = np.tile([90.0, 60, 260, 270], (2, 3, 1))
    for sure in (1, 2):
        scores = np.zeros((2, 3))
        scores[0, sure], scores[1, 0] = 0.9, 0.8
        arrays = {"boxes": boxes, "refined_boxes": refined, "class_scores": scores}
        tile = drawn(draw_refined_boxes, stage("refined boxes", **arrays)).tile
        assert at(tile, 260, 160) == list(class_colour(sure))
        assert nearly(at(tile, 70, 55), class_colour(sure), 40)  # between two upper left corners
        assert at(tile, 500, 10) == [128, 128, 128]


def test_detections_are_drawn_where_they_are_sure():
    labels, scores = np.array([0, 1, 2]), np.array([0.9, 0.4, 0.5])
    found = stage("detections", image=GREY, boxes=BOXES, labels=labels, scores=scores)
    tile, note, *_ = drawn(draw_detected, found, image=None)
    assert note == "the 2 with a score of at least 0.5"
    assert at(tile, 20, 120) == list(class_colour(0))
    assert at(tile, 400, 160) == list(class_colour(2))
    assert at(tile, 200, 140) == [128, 128, 128]


def test_where_no_detection_is_sure_the_surest_are_drawn():
    boxes, labels = np.concatenate([BOXES, BOXES[:1] + 240]), np.array([0, 1, 2, 1])
    scores = np.array([0.3, 0.1, 0.2, 0.05])
    found = stage("detections", image=GREY, boxes=boxes, labels=labels, scores=scores)
    tile, note, *_ = drawn(draw_detected, found, image=None)
    assert note == "none has a score of at least 0.5; shown: the surest 3"
    assert [at(tile, x, 140) for x in (20, 200, 400)] == [list(class_colour(k)) for k in range(3)]
    assert at(tile, 260, 280) == [128, 128, 128]
    arrays = {"boxes": BOXES[:0], "labels": labels[:0], "scores": scores[:0]}
    tile, note, *_ = drawn(draw_detected, stage("detections", image=GREY, **arrays), image=None)
    assert note == "none has a score of at least 0.5" and (np.asarray(tile) == 128).all()


def test_proposals_that_hit_an_object_have_its_colour_and_the_others_are_grey():
    image = np.full((3, 400, 400), 0.5, np.float32)
    truth = {"boxes": np.array([[20.0, 20.0, 180.0, 180.0]]), "labels": np.array([1])}
    boxes = np.array(
        [
            [20.0, 20.0, 180.0, 180.0],  # the object
            [20.0, 20.0, 100.0, 180.0],  # IoU 0.5, just a hit
            [20.0, 20.0, 98.0, 180.0],  # IoU 0.49
            [220.0, 220.0, 380.0, 380.0],
        ],
        np.float32,
    )
    scores = np.array([0.1, 0.2, 0.3, 0.9])
    stages = [
        Stage("input", "", "image", {"image": image}, 0.0),
        Stage("proposals", "", "boxes", {"boxes": boxes, "scores": scores}, 0.0),
    ]
    drawn = draw_stages(stages, ["cow", "cat", "dog"], truth=truth)["proposals"]
    plain = draw_stages(stages, ["cow", "cat", "dog"])["proposals"]
    colour = (np.asarray(drawn) == class_colour(1)).all(axis=2)
    assert colour.any() and not (np.asarray(plain) == class_colour(1)).all(axis=2).any()
    objects = Objects(truth["boxes"], truth["labels"])
    assert objects.hit_by(boxes).tolist() == [1, 1, -1, -1]
    assert objects.hit_by(np.zeros((0, 4))).tolist() == []
    assert Objects(np.zeros((0, 4)), np.zeros(0, int)).hit_by(boxes).tolist() == [-1] * 4


def test_the_truth_is_that_of_the_last_image_whatever_the_size_of_the_first():
    """Proposals lie on the resized input, and the truth on the photograph that was given."""
    resized, given = (np.full((3, side, side), 0.5, np.float32) for side in (64, 256))
    truth = {"boxes": np.array([[128.0, 128.0, 256.0, 256.0]]), "labels": np.array([0])}
    boxes = {"boxes": np.array([[32.0, 32.0, 64.0, 64.0]], np.float32), "scores": np.ones(1)}
    none = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    stages = [
        Stage("input", "", "image", {"image": resized}, 0.0),
        Stage("proposals", "", "boxes", boxes, 0.0),
        Stage("detections", "", "detections", {"image": given, **none}, 0.0),
    ]
    drawn = np.asarray(draw_stages(stages, ["cow"], truth=truth)["proposals"])
    assert (drawn == class_colour(0)).all(axis=2).sum() > 200


def test_features_that_are_maps_are_drawn_as_maps():
    maps = np.random.default_rng(0).random((len(BOXES), 4, 3, 3))
    flat = maps.reshape(len(BOXES), -1)
    scores = stage("region scores", boxes=BOXES, class_scores=np.ones((len(BOXES), 2)))
    as_maps = stage("region features", boxes=BOXES, region_features=maps)
    more = np.concatenate([flat, np.ones((len(BOXES), 5))], axis=1)  # of coarser levels
    for features in (flat, more):
        told = stage(
            "region features", boxes=BOXES, region_features=features, maps=np.array([4, 3, 3])
        )
        expected, _, _, _ = drawn(draw_region_features, as_maps, scores)
        tile, _, _, _ = drawn(draw_region_features, told, scores)
        np.testing.assert_array_equal(np.asarray(tile), np.asarray(expected))
