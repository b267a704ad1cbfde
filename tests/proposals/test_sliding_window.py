"""Sliding windows: those that are proposed, and the grids that other proposers score."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from minicv.proposals import SlidingWindow
from minicv.proposals.sliding_window import window_grids
from minicv.vision import box_iou

RNG = np.random.default_rng(0)
proposers = st.builds(
    SlidingWindow,
    sizes=st.lists(st.floats(4, 40), min_size=1, max_size=3).map(tuple),
    aspect_ratios=st.lists(st.floats(0.25, 4), min_size=1, max_size=3).map(tuple),
    step=st.floats(0.2, 1.5),
)


def picture(height, width):
    return np.zeros((3, height, width), np.float32)


def windows_by_loops(proposer, height, width):
    """One window at a time, from one edge to the other."""
    boxes = []
    for size, ratio in itertools.product(proposer.sizes, proposer.aspect_ratios):
        h, w = size * math.sqrt(ratio), size / math.sqrt(ratio)
        if h > height or w > width:
            continue
        down = math.ceil((height - h) / (proposer.step * h))
        across = math.ceil((width - w) / (proposer.step * w))
        for i in range(down + 1):
            for j in range(across + 1):
                y = (height - h) * i / down if down else 0.0
                x = (width - w) * j / across if across else 0.0
                boxes.append([x, y, x + w, y + h])
    return np.array(boxes).reshape(-1, 4)


@given(proposers, st.integers(1, 40), st.integers(1, 40))
def test_windows_against_loops(proposer, height, width):
    boxes, scores = proposer.propose(picture(height, width), RNG)
    expected = windows_by_loops(proposer, height, width)
    if len(expected):  # every window of either is one of the other
        for some, others in ((boxes, expected), (expected, boxes)):
            apart, _ = cKDTree(some).query(others, p=np.inf)  # there may be 18,000 of them
            assert apart.max() < 1e-4
    assert len(boxes) == len(expected)
    assert proposer.count(height, width) == len(boxes)
    assert boxes.dtype == scores.dtype == np.float32
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= (width, height)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert scores.tolist() == [1.0] * len(boxes)


@given(st.floats(0.1, 1), st.floats(0, 1), st.floats(0, 1), st.integers(24, 90))
def test_a_box_of_its_shape_is_met_as_well_as_the_step_allows(step, across, down, width):
    """At most half a step off along each axis, so (1 - step / 2)² of it is shared."""
    proposer = SlidingWindow(sizes=(20.0,), aspect_ratios=(1.0,), step=step)
    boxes, _ = proposer.propose(picture(40, width), RNG)
    x, y = across * (width - 20), down * 20
    best = box_iou(np.array([[x, y, x + 20, y + 20]]), boxes).max()
    shared = (1 - step / 2) ** 2
    assert best >= shared / (2 - shared) - 1e-4


def test_the_first_few_are_of_every_size():
    proposer = SlidingWindow(sizes=(8.0, 16.0, 32.0), step=0.5)
    few = proposer.propose(picture(64, 64), np.random.default_rng(1))[0][:300]
    assert len(np.unique((few[:, 2] - few[:, 0]).round(2))) == 7  # 3 sizes by 3 shapes, 2 alike
    again = proposer.propose(picture(64, 64), np.random.default_rng(1))[0][:300]
    np.testing.assert_array_equal(few, again)


def test_a_picture_smaller_than_all_windows_has_none():
    boxes, scores = SlidingWindow(sizes=(8.0,)).propose(picture(1, 1), RNG)
    assert boxes.shape == (0, 4) and scores.shape == (0,)
    assert SlidingWindow(sizes=(8.0,)).count(1, 1) == 0
    assert SlidingWindow(sizes=(1.0,), aspect_ratios=(1.0,)).count(1, 1) == 1


@pytest.mark.parametrize(
    "changes", [{"sizes": ()}, {"aspect_ratios": (1.0, 0.0)}, {"step": 0.0}, {"sizes": (-3.0,)}]
)
def test_senseless_numbers_are_refused(changes):
    with pytest.raises(ValueError, match=r"SlidingWindow.*above 0"):
        SlidingWindow(**changes)


def all_boxes(height, width, *options):
    grids = window_grids(height, width, *options)
    boxes = [grid.boxes(np.arange(len(grid.x) * len(grid.y))) for grid in grids]
    return np.concatenate([np.zeros((0, 4), int), *boxes])


@given(
    height=st.integers(40, 120),
    width=st.integers(40, 120),
    alpha=st.sampled_from([0.5, 0.65, 0.8]),
    seed=st.integers(0, 10_000),
)
def test_every_box_has_a_window_close_to_it(height, width, alpha, seed):
    """Off by half a step in each of the four numbers at worst: about alpha itself."""
    windows = all_boxes(height, width, alpha, 400, 3)
    rng = np.random.default_rng(seed)
    area, aspect = rng.uniform(500, 0.9 * height * width), rng.uniform(1 / 2.5, 2.5)
    w, h = min(np.sqrt(area * aspect), width), min(np.sqrt(area / aspect), height)
    if w * h < 500:
        return
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    assert box_iou(np.array([[x, y, x + w, y + h]]), windows).max() >= alpha - 0.1


@given(height=st.integers(1, 80), width=st.integers(1, 80), least=st.sampled_from([1, 100, 1000]))
def test_windows_of_grids_are_different_and_inside(height, width, least):
    boxes = all_boxes(height, width, 0.65, least, 3)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [width, height]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides.prod(axis=1) >= 0.9 * least - 1e-9).all()


def test_neighbours_in_a_grid_overlap_by_alpha():
    grid = next(g for g in window_grids(400, 400, 0.65, 10_000, 1) if len(g.x) > 2)
    iou = box_iou(grid.boxes(np.array([0])), grid.boxes(np.array([1])))
    assert iou.item() == pytest.approx(0.65, abs=0.04)


def test_too_small_an_image_has_no_grid():
    assert len(all_boxes(20, 20, 0.65, 1000, 3)) == 0
