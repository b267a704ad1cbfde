"""Affinities and paths against their definition, pair by pair."""

import edge_box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals import edge_paths
from minicv.proposals.edge_groups import edge_groups
from minicv.proposals.edge_paths import Affinities, neighbour_affinities, path_affinities


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
        patch.setattr(edge_paths, "BATCH", batch)
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
