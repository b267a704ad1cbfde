"""Edge groups and the paths between them, against loops."""

import edge_box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals import edge_groups as edge_groups_module
from minicv.proposals.edge_groups import (
    WITHIN_TWO_PIXELS,
    Affinities,
    edge_groups,
    neighbour_affinities,
    neighbouring_pixels,
    path_affinities,
)

NO_EDGES = (np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0))


def same_partition(a, b):
    """Whether two lists of labels group alike."""
    pairs = set(zip(a, b, strict=True))
    return len(pairs) == len(set(a)) == len(set(b))


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.9), turn=st.floats(0.2, 4))
def test_against_links_one_by_one(seed, share, turn):
    y, x, magnitude, orientation = edge_box_loops.random_edges(
        np.random.default_rng(seed), (9, 13), share
    )
    groups = edge_groups(y, x, magnitude, orientation, turn, least_magnitude=0)
    assert same_partition(groups.labels, edge_box_loops.combine(y, x, orientation, turn))


def test_equal_turns_are_taken_in_the_images_order():
    y, x = np.zeros(5, int), np.arange(5)
    orientation = np.array([0, 1, 2, 3, 4]) * 0.7
    groups = edge_groups(y, x, np.ones(5), orientation, 1.5, least_magnitude=0)
    assert same_partition(groups.labels, edge_box_loops.combine(y, x, orientation, 1.5))


@given(seed=st.integers(0, 10_000))
def test_what_is_known_of_a_group(seed):
    y, x, magnitude, orientation = edge_box_loops.random_edges(
        np.random.default_rng(seed), (12, 10)
    )
    groups = edge_groups(y, x, magnitude, orientation)
    assert sorted(set(groups.labels)) == list(range(len(groups.magnitude)))
    for group in range(len(groups.magnitude)):
        members = groups.labels == group
        m = magnitude[members]
        assert groups.magnitude[group] == pytest.approx(m.sum())
        assert groups.position[group].tolist() == pytest.approx(
            [np.average(x[members], weights=m), np.average(y[members], weights=m)]
        )
        mean = np.sum(m * np.exp(2j * orientation[members]))
        assert np.exp(2j * groups.orientation[group]) == pytest.approx(mean / abs(mean), abs=1e-6)
        assert groups.rectangles[group].tolist() == [
            x[members].min(), y[members].min(), x[members].max() + 1, y[members].max() + 1
        ]  # fmt: skip


def test_small_groups_join_the_best_aligned_neighbour():
    # A lone pixel between a vertical contour and one that is nearly aligned with it.
    y = np.array([0, 1, 2, 1, 0, 1, 2])
    x = np.array([0, 0, 0, 2, 4, 4, 4])
    orientation = np.array([1.5, 1.5, 1.5, 0.2, 0.4, 0.4, 0.4])
    magnitude = np.array([1, 1, 1, 0.3, 1, 1, 1])
    groups = edge_groups(y, x, magnitude, orientation, least_magnitude=0.5)
    assert len(groups.magnitude) == 2
    assert groups.labels[3] == groups.labels[4] != groups.labels[0]
    alone = edge_groups(y[3:4], x[3:4], magnitude[3:4], orientation[3:4], least_magnitude=0.5)
    assert alone.labels.tolist() == [0]  # nobody to join


def test_no_edges():
    groups = edge_groups(*NO_EDGES)
    assert groups.labels.shape == (0,) and groups.rectangles.shape == (0, 4)
    assert groups.position.shape == (0, 2)


def test_neighbours_within_two_pixels():
    rng = np.random.default_rng(0)
    y, x = np.nonzero(rng.random((7, 6)) < 0.4)
    first, second = neighbouring_pixels(y, x, WITHIN_TWO_PIXELS)
    found = {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    expected = {
        frozenset((i, j))
        for i in range(len(y))
        for j in range(i)
        if abs(y[i] - y[j]) <= 2 and abs(x[i] - x[j]) <= 2
    }
    assert found == expected and len(first) == len(expected)


@given(seed=st.integers(0, 10_000))
def test_neighbours_against_loops(seed):
    y, x, magnitude, orientation = edge_box_loops.random_edges(np.random.default_rng(seed), (8, 9))
    groups = edge_groups(y, x, magnitude, orientation)
    found = neighbour_affinities(groups, y, x)
    matrix = np.zeros((len(groups.magnitude),) * 2)
    matrix[found.start, found.end] = matrix[found.end, found.start] = found.value
    np.testing.assert_allclose(matrix, edge_box_loops.affinity_matrix(groups, y, x), atol=1e-12)
    assert (found.start < found.end).all()


@pytest.mark.parametrize("batch", [1, 5, 128])
@given(seed=st.integers(0, 10_000))
def test_paths_against_loops(batch, seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 9))
    matrix = np.triu(
        np.where(rng.random((count, count)) < 0.35, rng.uniform(0, 1, (count,) * 2), 0), 1
    )
    matrix[matrix < 0.05] = 0
    start, end = np.nonzero(matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_groups_module, "BATCH", batch)
        paths = path_affinities(Affinities(start, end, matrix[start, end]), count)
    matrix = matrix + matrix.T
    found = np.zeros((count, count))
    found[paths.start, paths.end] = paths.value
    expected = [
        [edge_box_loops.best_product(matrix, [i], j) for j in range(count)] for i in range(count)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    by_start = np.lexsort((-paths.value, paths.start))
    assert by_start.tolist() == list(range(len(by_start)))
    firsts = np.unique(paths.start, return_index=True)[1]
    assert paths.end[firsts].tolist() == list(range(count))  # each begins with itself


def test_full_affinity_is_a_path():
    paths = path_affinities(Affinities(np.array([0]), np.array([1]), np.array([1.0])), 2)
    assert paths.end.tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(paths.value, 1)


def test_no_groups():
    nothing = Affinities(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    assert path_affinities(nothing, 0).value.shape == (0,)
