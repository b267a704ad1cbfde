"""Edge maps on pictures whose edges are known."""

import math

import numpy as np
import pytest

from minicv.proposals.edge_map import GradientEdges, thin_edges


def half_plane(angle, size=41):
    """A smooth step whose edge runs through the middle in this direction."""
    y, x = np.mgrid[:size, :size] - size // 2
    side = y * math.cos(angle) - x * math.sin(angle)
    return np.repeat(1 / (1 + np.exp(-side / 2.0))[None], 3, axis=0).astype(np.float32)


@pytest.mark.parametrize("angle", [0, 0.3, math.pi / 4, 1.2, math.pi / 2, 2.0, 2.9])
def test_orientation_is_that_of_the_edge(angle):
    magnitude, orientation = GradientEdges(1.5).detect(half_plane(angle))
    turn = abs(orientation[20, 20] - angle)
    assert min(turn, math.pi - turn) < 0.02
    assert magnitude[20, 20] > 0.9 > 0.05 > magnitude[20, 20] * 0 + magnitude.min()


@pytest.mark.parametrize("angle", [0, 0.3, math.pi / 4, 1.2, math.pi / 2, 2.0, 2.9])
def test_thinning_leaves_a_line_along_the_edge(angle):
    magnitude, orientation = GradientEdges(1.5).detect(half_plane(angle))
    y, x = thin_edges(magnitude, orientation, 0.3)
    inner = (abs(y - 20) < 15) & (abs(x - 20) < 15)
    distance = (y - 20) * math.cos(angle) - (x - 20) * math.sin(angle)
    assert np.abs(distance[inner]).max() <= 1
    assert 25 < inner.sum() < 50


def test_the_steepest_channel_counts():
    image = np.full((3, 9, 9), 0.5, np.float32)
    image[2, :, 5:] = 1.0
    image[0, 5:, :] = 0.6
    _, orientation = GradientEdges(0.5).detect(image)
    assert orientation[4, 4] == pytest.approx(math.pi / 2, abs=0.01)  # blue's edge runs along y


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 6)])
def test_even_pictures_have_no_edges(size):
    magnitude, orientation = GradientEdges().detect(np.full((3, *size), 0.5, np.float32))
    assert magnitude.shape == orientation.shape == size
    assert thin_edges(magnitude, orientation, 0.1)[0].size == 0
