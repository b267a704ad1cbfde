"""Grids of windows: neighbours overlap as promised, nothing leaves the image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.window_grids import window_grids
from minicv.vision import box_iou


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
def test_windows_are_different_and_inside(height, width, least):
    boxes = all_boxes(height, width, 0.65, least, 3)
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= [width, height]).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides.prod(axis=1) >= 0.9 * least - 1e-9).all()


def test_neighbours_overlap_by_alpha():
    grid = next(g for g in window_grids(400, 400, 0.65, 10_000, 1) if len(g.x) > 2)
    iou = box_iou(grid.boxes(np.array([0])), grid.boxes(np.array([1])))
    assert iou.item() == pytest.approx(0.65, abs=0.04)


def test_too_small_an_image_has_none():
    assert len(all_boxes(20, 20, 0.65, 1000, 3)) == 0
