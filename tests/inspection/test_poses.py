"""Poses drawn: in the colours of the sides, beside the truth, after each stage, as a stage."""

import numpy as np
import pytest

from minicv.inspection import draw_pose, draw_pose_beside_truth, draw_pose_stages, draw_stages
from minicv.inspection.palette import ORANGE, SKY_BLUE, WHITE
from minicv.inspection.stage import Stage
from minicv.inspection.stage_sizes import smaller_stages


def black(side=600):
    return np.zeros((3, side, side), np.float32)


def person():
    """Joints in a row of 40 pixels distance."""
    return np.column_stack([20 + 40.0 * np.arange(14), np.full(14, 300.0)])


def test_sides_have_their_colours():
    pixels = np.asarray(draw_pose(black(), person()))
    assert pixels[300, 40].tolist() == list(ORANGE)  # right ankle to right knee
    assert pixels[300, 200].tolist() == list(SKY_BLUE)  # left knee to left ankle


def test_a_joint_that_is_not_annotated_is_left_out():
    joints = np.column_stack([person(), np.ones(14)])
    joints[0, 2] = 0
    pixels = np.asarray(draw_pose(black(), joints))
    assert not pixels[300, 15:45].any() and pixels[300, 60].any()


def test_a_line_goes_to_the_true_place_where_it_is_known():
    truth = np.column_stack([person() + (0, 100), np.zeros(14)])
    truth[5, 2] = 1
    pixels = np.asarray(draw_pose(black(), person(), truth=truth))
    assert pixels[360, 220].tolist() == list(WHITE)
    assert pixels[400, 220].tolist() == list(SKY_BLUE)
    assert not pixels[350:, :200].any()


def test_a_large_photograph_is_drawn_smaller_with_its_joints():
    picture = draw_pose(np.zeros((3, 1200, 2400), np.float32), person() * 4)
    assert picture.size == (1200, 600)
    assert np.asarray(picture)[600 - 1, 80].any() and np.asarray(picture)[590:, 60:120].any()


def test_other_joints_by_their_names():
    joints = np.array([[100.0, 300], [200, 300]])
    pixels = np.asarray(draw_pose(black(), joints, ("left_knee", "left_ankle")))
    assert pixels[300, 150].tolist() == list(SKY_BLUE)
    assert draw_pose(black(), joints).size == (600, 600)  # without names: lone dots


def test_the_truth_is_at_the_left():
    truth = np.column_stack([person(), np.ones(14)])
    sheet = np.asarray(draw_pose_beside_truth(black(), truth, person() + (0, 200), note="13 of 14"))
    orange = np.argwhere((sheet == ORANGE).all(axis=2))
    legend = orange[:, 0].max()
    drawn = orange[orange[:, 0] < legend - 40]
    rows = [drawn[side, 0].mean() for side in (drawn[:, 1] < 600, drawn[:, 1] > 700)]
    assert rows[1] - rows[0] == pytest.approx(200, abs=60)


def test_stages_stand_beside_each_other_and_the_truth_last():
    by_stage = np.stack([person(), person() + 5, person() + 10])
    truth = np.column_stack([person(), np.ones(14)])
    alone = draw_pose_stages(black(), by_stage)
    beside = draw_pose_stages(black(), by_stage, truth=truth, notes=["12 of 14"], title="A person")
    assert beside.width > alone.width > 3 * 600


def test_a_stage_of_joints_is_drawn_and_reduced_with_its_image():
    arrays = {"image": np.zeros((3, 1200, 2400), np.float32), "joints": person() * 4}
    stage = Stage("joints_1", "Joints\nof stage 1", "pose", arrays, 0.0)
    (small,) = smaller_stages([stage])
    np.testing.assert_allclose(small.arrays["joints"], person() * 2)
    assert list(draw_stages([stage], ["person"])) == ["joints_1", "overview"]


@pytest.mark.parametrize("shape", [(14,), (14, 4), (1, 14, 3)])
def test_joints_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="joints expect the shape"):
        draw_pose(black(), np.zeros(shape))


def test_one_pixel():
    assert draw_pose(np.zeros((3, 1, 1), np.float32), np.zeros((14, 2))).size == (512, 512)
