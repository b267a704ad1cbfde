"""The grid of windows, against loops, and what it promises about every box of its shapes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals import SlidingWindow
from minicv.vision import box_iou

RNG = np.random.default_rng(0)
proposers = st.builds(
    SlidingWindow,
    sizes=st.lists(st.floats(2, 40), min_size=1, max_size=3).map(tuple),
    aspect_ratios=st.lists(st.floats(0.25, 4), min_size=1, max_size=3).map(tuple),
    step=st.floats(0.1, 1.5),
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
def test_against_loops(proposer, height, width):
    boxes, scores = proposer.propose(picture(height, width), RNG)
    expected = windows_by_loops(proposer, height, width)
    if len(expected):  # every window of either is one of the other
        apart = np.abs(boxes[:, None] - expected).max(axis=2)
        assert apart.min(axis=0).max() < 1e-4 and apart.min(axis=1).max() < 1e-4
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
