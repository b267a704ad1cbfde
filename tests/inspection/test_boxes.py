"""Proposals and plates: the colour at the place, and what lies on top."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.inspection import colour_map, draw_proposals, regions_behind
from minicv.inspection.boxes import place_plates

GREY_IMAGE = np.full((3, 300, 600), 0.5, np.float32)
LEFT, RIGHT = [50, 50, 200, 250], [350, 50, 550, 250]


def on_left_edge(picture, box):
    return np.asarray(picture)[(box[1] + box[3]) // 2, box[0]]


def test_scores_run_over_the_colours():
    picture = draw_proposals(GREY_IMAGE, np.array([LEFT, RIGHT]), np.array([7.0, 3.0]))
    assert on_left_edge(picture, LEFT).tolist() == colour_map(1.0, 0, 1).tolist()
    weak = on_left_edge(picture, RIGHT).astype(int)
    assert np.argmax(weak) == 2 and np.ptp(weak) > 10  # a faint dark blue
    assert np.asarray(picture)[10, 10].tolist() == [128, 128, 128]


def test_the_best_lies_on_top_and_the_ends_may_be_given():
    both = np.array([LEFT, LEFT])
    for scores in ([0.2, 0.6], [0.6, 0.2]):
        picture = draw_proposals(GREY_IMAGE, both, np.array(scores), low=0, high=0.6)
        assert on_left_edge(picture, LEFT).tolist() == colour_map(1.0, 0, 1).tolist()


def test_only_the_best_are_drawn():
    boxes, scores = np.array([RIGHT, LEFT]), np.array([1.0, 2.0])
    picture = draw_proposals(GREY_IMAGE, boxes, scores, most=1)
    assert on_left_edge(picture, RIGHT).tolist() == [128, 128, 128]
    assert on_left_edge(picture, LEFT).tolist() != [128, 128, 128]


@pytest.mark.parametrize("ends", [{}, {"low": 0, "high": 1}])
def test_no_proposals_leave_the_image(ends):
    picture = draw_proposals(GREY_IMAGE, np.zeros((0, 4)), np.zeros(0), **ends)
    assert (np.asarray(picture) == 128).all()


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"boxes have \(1, 4\) and scores \(2,\)"):
        draw_proposals(GREY_IMAGE, np.array([LEFT]), np.zeros(2))


def test_the_region_behind_each_detection():
    rng = np.random.default_rng(0)
    refined = rng.uniform(0, 100, (20, 5, 4))
    regions, labels = rng.permutation(20)[:8], rng.integers(0, 5, 8)
    boxes = refined[regions, labels] + rng.normal(0, 1e-4, (8, 4))
    assert regions_behind(refined, boxes, labels).tolist() == regions.tolist()


def test_no_detections_and_no_regions():
    none, no_labels = np.zeros((0, 4)), np.zeros(0, int)
    assert regions_behind(np.zeros((3, 2, 4)), none, no_labels).shape == (0,)
    assert regions_behind(np.zeros((0, 2, 4)), none, no_labels).shape == (0,)
    with pytest.raises(ValueError, match="refined holds no region"):
        regions_behind(np.zeros((0, 2, 4)), np.zeros((1, 4)), np.zeros(1, int))


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


coordinates = st.integers(-50, 350)


@given(st.lists(st.tuples(coordinates, coordinates, coordinates, coordinates), max_size=12))
def test_plates_keep_their_size_and_stay_inside(boxes):
    plates = place_plates(boxes, [(60, 15)] * len(boxes), (300, 200))
    assert len(plates) == len(boxes)
    for x1, y1, x2, y2 in plates:
        assert (x2 - x1, y2 - y1) == (60, 15)
        assert x1 >= 0 and y1 >= 0 and x2 <= 300 and y2 <= 200


def test_ten_equal_boxes_have_ten_plates_that_do_not_touch():
    plates = place_plates([(100, 100, 200, 220)] * 10, [(60, 15)] * 10, (400, 400))
    assert all(overlap(a, b) == 0 for i, a in enumerate(plates) for b in plates[:i])


def test_first_choice_is_above_the_upper_left_corner():
    assert place_plates([(50, 60, 90, 90)], [(30, 10)], (200, 200)) == [(50, 50, 80, 60)]


def test_at_the_top_of_the_picture_the_plate_moves_inside_the_box():
    assert place_plates([(50, 0, 90, 90)], [(30, 10)], (200, 200)) == [(50, 0, 80, 10)]


def test_no_boxes():
    assert place_plates([], [], (10, 10)) == []
