"""draw_proposals: the colour of a score, the best on top, how many, and empty lists."""

import numpy as np
import pytest

from minicv.inspection import colour_map, draw_proposals

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
