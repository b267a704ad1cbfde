"""Heads of DeepPose: a mean over cells by hand, places that move with the map, gradients."""

import numpy as np
import pytest

from minicv.autograd import Tensor
from minicv.models.pose.heads import FullyConnectedHead, IntegralHead, centres_of_cells
from minicv.testing import gradcheck


def integral(channels=2, joints=2, units=3, seed=0, deviation=0.5):
    return IntegralHead(
        channels, joints, units, rng=np.random.default_rng(seed), deviation=deviation
    )


def test_centres_of_cells_row_by_row():
    expected = [(-1 / 3, -0.25), (0, -0.25), (1 / 3, -0.25)]
    expected += [(x, 0.25) for x, _ in expected]
    np.testing.assert_allclose(centres_of_cells(2, 3), expected, atol=1e-12)


def test_the_place_is_the_mean_of_the_cells_by_hand():
    """The enlarged map is fixed; joint 0 sees channel 0, joint 1 nothing at all."""
    head = integral(units=1)
    heat = np.log(np.array([[1.0, 2, 1, 4], [1, 1, 1, 1], [1, 1, 1, 1], [2, 1, 1, 1]]))
    head.enlarge = lambda features: Tensor(heat[None, None])
    head.heat_maps.weight.data = np.array([1.0, 0.0]).reshape(2, 1, 1, 1)
    head.heat_maps.bias.data = np.zeros(2)
    places = head(Tensor(np.zeros((1, 2, 2, 2)))).data[0]
    shares = np.exp(heat) / np.exp(heat).sum()
    x = y = np.array([-3, -1, 1, 3]) / 8
    np.testing.assert_allclose(places[0], [shares.sum(0) @ x, shares.sum(1) @ y], atol=1e-12)
    np.testing.assert_allclose(places[1], [0, 0], atol=1e-12)


def test_what_is_seen_elsewhere_is_found_elsewhere():
    """A bright cell, moved by two cells, moves the place by two cells: not so the paper's head."""
    head = integral(channels=1, joints=1, units=1, deviation=0.0)
    kernel = np.zeros((1, 1, 4, 4))
    kernel[..., 1:3, 1:3] = 1  # each cell becomes four
    head.enlarge.weight.data, head.heat_maps.weight.data = kernel, np.full((1, 1, 1, 1), 40.0)
    head.enlarge.bias.data = head.heat_maps.bias.data = np.zeros(1)
    features = np.zeros((2, 1, 5, 6))
    features[0, 0, 1, 1] = features[1, 0, 3, 3] = 1
    first, second = head(Tensor(features)).data[:, 0]
    np.testing.assert_allclose(first, [1.5 / 6 - 0.5, 1.5 / 5 - 0.5], atol=1e-6)
    np.testing.assert_allclose(second - first, [2 / 6, 2 / 5], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
def test_gradients_of_the_integral_head(size):
    head = integral()
    for parameter in head.parameters():
        parameter.data = parameter.data.astype(np.float64)
    gradcheck(head, np.random.default_rng(1).normal(size=(2, 2, *size)))


def test_places_stay_within_the_picture_and_begin_in_its_middle():
    features = Tensor(np.random.default_rng(0).normal(0, 50, (3, 2, 4, 5)).astype(np.float32))
    assert np.abs(integral(deviation=30.0)(features).data).max() < 0.5
    assert np.abs(integral(deviation=0.0)(features).data).max() < 1e-6
    fully = FullyConnectedHead(2, 2, 2, 8, 0.0, rng=np.random.default_rng(0), deviation=0.0)
    assert np.abs(fully(features).data).max() == 0
