"""Joints to cells and back: loops, torchvision, borders of the box, and the peak that is found."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import reference
from minicv.backend import to_numpy
from minicv.reference.heatmaps import bicubic
from minicv.testing import strategies
from minicv.vision import heatmaps_to_keypoints, joint_positions

FIXTURE = np.load(Path(__file__).parent.parent / "fixtures" / "masks_and_joints.npz")
BOX = np.array([[10.0, 20.0, 18.0, 36.0]])  # 8 x 16


def cells_of(joints, box=BOX, size=4):
    keypoints = np.array([[[x, y, 1.0] for x, y in joints]])
    positions, valid = joint_positions(keypoints, box, size)
    return [int(p) if v else None for p, v in zip(positions[0], valid[0], strict=True)]


def test_cells_are_counted_row_by_row():
    assert cells_of([(10, 20), (13, 20), (10, 25), (17.9, 35.9)]) == [0, 1, 4, 15]


def test_a_joint_on_the_right_or_bottom_border_is_in_the_last_cell():
    assert cells_of([(18, 20), (10, 36), (18, 36)]) == [3, 12, 15]
    beside = [np.nextafter(18, 0), np.nextafter(18, 99)]
    assert cells_of([(x, 20) for x in beside]) == [3, None]
    assert cells_of([(10, np.nextafter(36, 99)), (np.nextafter(10, 0), 20)]) == [None, None]


def test_a_border_is_found_although_the_joint_has_more_digits():
    """A joint of float64 on a box of float32, which a resize has rounded."""
    box = np.array([[0, 0, 0.1, 0.7]], np.float32)
    assert cells_of([(0.1, 0.7)], box) == [15]


@given(
    strategies.distinct_sizes(3, low=1, high=7),
    strategies.seeds(),
    st.sampled_from([1, 2, 8]),
)
def test_positions_against_loops(xp, sizes, seed, steps):
    """Joints and boxes on a coarse grid, so that they often meet; some boxes are degenerate."""
    regions, joints, cells = sizes
    rng = np.random.default_rng(seed)
    first, last = (rng.integers(low, 5 * steps, (regions, 2)) / steps for low in (0, 2 * steps))
    boxes = np.concatenate([first, np.maximum(last, first)], axis=1)
    keypoints = np.concatenate(
        [
            rng.integers(-1, 5 * steps + 2, (regions, joints, 2)) / steps,
            rng.integers(0, 2, (regions, joints, 1)),
        ],
        axis=2,
    )
    positions, valid = joint_positions(xp.asarray(keypoints), xp.asarray(boxes), cells)
    assert positions.dtype == np.int64
    assert valid.dtype == bool
    expected, expected_valid = reference.joint_positions(keypoints, boxes, cells)
    np.testing.assert_array_equal(to_numpy(valid), expected_valid)
    np.testing.assert_array_equal(to_numpy(positions), expected)


def test_positions_as_torchvision():
    positions, valid = joint_positions(FIXTURE["keypoints"], FIXTURE["boxes"], 56)
    np.testing.assert_array_equal(valid, FIXTURE["valid"])
    np.testing.assert_array_equal(positions, FIXTURE["positions"])
    assert 55 * 56 + 55 in positions[0]  # on the lower right corner


def test_positions_of_nothing_and_of_joints_nobody_knows(xp):
    nothing = joint_positions(xp.zeros((0, 4, 3)), xp.zeros((0, 4)), 7)
    assert [array.shape for array in nothing] == [(0, 4), (0, 4)]
    keypoints = xp.asarray(np.array([[[np.nan, 25, 1.0], [12, 25, 0], [1e30, 25, 1]]]))
    positions, valid = joint_positions(keypoints, xp.asarray(BOX), 7)
    assert to_numpy(positions).tolist() == [[0, 0, 0]]
    assert not to_numpy(valid).any()


@given(
    strategies.distinct_sizes(3, low=1, high=6),
    st.lists(st.tuples(*[st.floats(0, 14)] * 4), max_size=3),
    strategies.seeds(),
)
def test_peaks_against_loops(xp, sizes, sides, seed):
    joints, cells, scale = sizes
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in sides]).reshape(-1, 4)
    logits = scale * np.random.default_rng(seed).normal(size=(len(boxes), joints, cells, cells))
    keypoints, scores = heatmaps_to_keypoints(xp.asarray(logits), xp.asarray(boxes))
    assert isinstance(keypoints, xp.ndarray)
    assert isinstance(scores, xp.ndarray)
    expected, expected_scores = reference.heatmaps_to_keypoints(logits, boxes)
    np.testing.assert_allclose(to_numpy(scores), expected_scores, atol=1e-10)
    if cells > 1:  # else all pixels are equal up to rounding
        np.testing.assert_allclose(to_numpy(keypoints), expected, atol=1e-10)


def test_peaks_as_torchvision():
    """Boxes larger and smaller than the grid, degenerate, thin, and partly outside."""
    keypoints, scores = heatmaps_to_keypoints(FIXTURE["heatmaps"], FIXTURE["boxes"])
    assert keypoints.dtype == scores.dtype == np.float32
    np.testing.assert_allclose(keypoints, FIXTURE["found"], atol=1e-5)
    np.testing.assert_allclose(scores, FIXTURE["scores"], atol=1e-5)


@pytest.mark.parametrize("kind", ["noise", "one peak", "a plain", "far from zero", "two plains"])
def test_rows_that_are_left_out_hold_no_peak(kind):
    """Against all pixels of the enlarged map, which is a product with every row."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, 6, 9, 9))
    if kind == "one peak":
        logits *= 0.1
        logits[0, np.arange(6), rng.integers(0, 9, 6), rng.integers(0, 9, 6)] = 9
    elif kind == "a plain":
        logits[:] = -3.7
    elif kind == "far from zero":
        logits += 1e6
    elif kind == "two plains":
        logits = np.where(np.arange(9) < 5, 0.0, 7.0) * np.ones((1, 6, 9, 1))
    boxes = np.array([[3.0, 2, 50, 71]])
    keypoints, scores = heatmaps_to_keypoints(logits, boxes)
    # Where a pixel of a single one stands is its weight: two products make the whole map.
    down, along = (
        np.array([[bicubic(one[:, None], i, 0, n, 1) for one in np.eye(9)] for i in range(n)])
        for n in (69, 47)
    )
    for j in range(6):
        enlarged = down @ logits[0, j] @ along.T
        assert scores[0, j] == pytest.approx(enlarged.max(), rel=1e-12)
        column, row = (keypoints[0, j, :2] - boxes[0, :2] - 0.5).round().astype(int)
        assert enlarged[row, column] == pytest.approx(enlarged.max(), rel=1e-12)


def test_a_joint_goes_to_its_cell_and_comes_back():
    """Within a cell, for joints all over boxes that are no smaller than the grid."""
    rng = np.random.default_rng(0)
    boxes = np.array([[3.3, 4.4, 80.1, 190.9], [0, 0, 56, 56], [5.5, 5, 200.25, 61.125]])
    joints = boxes[:, None, :2] + rng.random((3, 30, 2)) * (boxes[:, 2:] - boxes[:, :2])[:, None]
    keypoints = np.concatenate([joints, np.ones((3, 30, 1))], axis=2)
    positions, valid = joint_positions(keypoints, boxes, 56)
    assert valid.all()
    logits = np.full((3, 30, 56 * 56), -5.0)
    np.put_along_axis(logits, positions[:, :, None], 5.0, axis=2)
    found, scores = heatmaps_to_keypoints(logits.reshape(3, 30, 56, 56), boxes)
    cell = (boxes[:, 2:] - boxes[:, :2]) / 56
    assert (np.abs(found[:, :, :2] - joints) <= cell[:, None]).all()
    assert (found[:, :, 2] == 1).all()
    assert (scores > 0).all()


def test_one_pixel_one_cell_and_no_detections(xp):
    keypoints, scores = heatmaps_to_keypoints(
        xp.full((1, 2, 1, 1), 3.5), xp.asarray(np.array([[0.0, 0, 1, 1]]))
    )
    assert to_numpy(keypoints).tolist() == [[[0.5, 0.5, 1]] * 2]
    assert to_numpy(scores).tolist() == [[3.5, 3.5]]
    for detections, joints in ((0, 5), (2, 0), (0, 0)):
        logits, boxes = xp.zeros((detections, joints, 7, 7)), xp.zeros((detections, 4))
        keypoints, scores = heatmaps_to_keypoints(logits, boxes)
        assert keypoints.shape == (detections, joints, 3)
        assert scores.shape == (detections, joints)


def test_logits_that_are_not_numbers_are_seen_in_the_score():
    logits = np.zeros((1, 2, 4, 4))
    logits[0, 1, 2, 2] = np.nan
    scores = heatmaps_to_keypoints(logits, BOX)[1]
    assert np.isnan(scores).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("operation", "first", "boxes", "message"),
    [
        (joint_positions, (2, 5, 2), np.zeros((2, 4)), r"keypoints expects shape \(2, J, 3\)"),
        (joint_positions, (3, 5, 3), np.zeros((2, 4)), r"keypoints expects shape \(2, J, 3\)"),
        (joint_positions, (2, 5, 3), np.zeros((2, 5)), "boxes expects shape"),
        (heatmaps_to_keypoints, (2, 5, 4, 3), np.zeros((2, 4)), r"shape \(2, J, M, M\)"),
        (heatmaps_to_keypoints, (1, 5, 4, 4), np.zeros((2, 4)), r"shape \(2, J, M, M\)"),
        (heatmaps_to_keypoints, (2, 5, 0, 0), np.zeros((2, 4)), "M is 0"),
        (heatmaps_to_keypoints, (1, 1, 4, 4), np.full((1, 4), np.nan), "finite numbers"),
    ],
)
def test_what_does_not_fit_is_named(operation, first, boxes, message):
    with pytest.raises(ValueError, match=f"{operation.__name__}: .*{message}"):
        operation(np.zeros(first), boxes, *([7] if operation is joint_positions else []))
