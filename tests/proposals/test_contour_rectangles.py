"""The sum over rectangles against the score of one box as the paper writes it."""

import edge_box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.contour_rectangles import (
    BoxRefinement,
    InnerSums,
    contour_rectangles,
    sums_on_grid,
)
from minicv.proposals.edge_groups import edge_groups, neighbour_affinities, path_affinities
from minicv.proposals.sliding_window import WindowGrid

SIZE = (12, 15)
KAPPA = 1.5


class Scene:
    """Random edges and all that is made of them."""

    def __init__(self, seed, share=0.2):
        self.edges = edge_box_loops.random_edges(np.random.default_rng(seed), SIZE, share)
        y, x, magnitude, orientation = self.edges
        self.groups = edge_groups(y, x, magnitude, orientation)
        neighbours = neighbour_affinities(self.groups, y, x)
        self.rectangles = contour_rectangles(
            self.groups, path_affinities(neighbours, len(self.groups.magnitude))
        )
        self.inner = InnerSums(y, x, magnitude, SIZE)
        self.matrix = edge_box_loops.affinity_matrix(self.groups, y, x)

    def score_by_loops(self, box, **options):
        y, x, magnitude, _ = self.edges
        return edge_box_loops.score(
            self.groups, self.matrix, y, x, magnitude, box, KAPPA, **options
        )

    def score_grid(self, grid):
        sums = sums_on_grid(self.rectangles, grid.width, grid.height, grid.x, grid.y)
        return (sums - self.inner.on_grid(grid)) / (2 * (grid.width + grid.height) ** KAPPA)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 15), height=st.integers(1, 12))
def test_windows_against_loops(seed, width, height):
    scene, rng = Scene(seed), np.random.default_rng(seed)
    places = [
        np.unique(rng.integers(0, room - length + 1, 2))
        for room, length in ((SIZE[1], width), (SIZE[0], height))
    ]
    grid = WindowGrid(width, height, *places)
    scores = scene.score_grid(grid)
    boxes = grid.boxes(np.arange(scores.size))
    expected = [scene.score_by_loops(box) for box in boxes]
    np.testing.assert_allclose(scores.ravel(), expected, atol=1e-12)


@given(seed=st.integers(0, 10_000))
def test_paths_from_beyond_the_border_matter_only_where_it_runs_through_a_gap(seed):
    scene = Scene(seed, share=0.15)
    y, x, _, _ = scene.edges
    box = [3, 2, 12, 10]
    within = (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])
    share = np.bincount(scene.groups.labels, within) / np.bincount(scene.groups.labels)
    jumps = (scene.matrix[np.ix_(share == 1, share == 0)] > 0).any()
    ours = scene.score_by_loops(box)
    strict = scene.score_by_loops(box, beyond=False)
    assert ours == pytest.approx(strict) if not jumps else ours <= strict + 1e-12


@given(seed=st.integers(0, 10_000))
def test_refined_boxes_have_the_score_they_say_and_are_no_worse(seed):
    scene, rng = Scene(seed), np.random.default_rng(seed)
    x1, y1 = rng.integers(0, 8), rng.integers(0, 6)
    box = np.array([x1, y1, rng.integers(x1 + 4, 16), rng.integers(y1 + 4, 13)])
    before = scene.score_by_loops(box)
    # An alpha that lets each side move by a good part of the box.
    refined, after = BoxRefinement(scene.rectangles, scene.inner, KAPPA, 0.2).refine(box, before)
    assert after == pytest.approx(scene.score_by_loops(refined), abs=1e-12)
    assert after >= before
    step = (box[2:] - box[:2]) * 0.8 / 1.2
    reach = sum(np.maximum(1, np.floor(step / 2**k)) for k in (1, 2, 3))
    assert (np.abs(refined - box) <= np.tile(reach, 2)).all()
    assert (refined[:2] >= 0).all() and (refined[2:] <= SIZE[::-1]).all()
    assert (refined[2:] > refined[:2]).all()
    if (refined == box).all():  # then no side alone can do better
        for side in range(4):
            most = max(1, int(step[side % 2] / 2))
            for move in range(-most, most + 1):
                moved = box.copy()
                moved[side] += move
                valid = (moved[:2] >= 0).all() and (moved[2:] <= SIZE[::-1]).all()
                if valid and (moved[2:] > moved[:2]).all():
                    assert scene.score_by_loops(moved) <= before + 1e-9
