"""Cached kernels: the same numbers as without the cache, whatever is done to the weights."""

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu import convolution_winograd_cache as cache_module
from minicv.backend.cpu.convolution_winograd_cache import WinogradCache


@pytest.fixture
def cache(monkeypatch):
    monkeypatch.setattr(winograd, "FEW_WEIGHTS", 0)
    monkeypatch.setattr(winograd, "_cache", WinogradCache())
    return winograd._cache


CASE = Case((1, 12, 9, 11), (10, 12, 3, 3), padding=(1, 1))
X = CASE.x.astype(np.float32)


def convolve(weight, m=4):
    return winograd.forward(CASE.layer, X, weight, m=m)


def number_cached(cache):
    return sum(layer is not None for layer in cache.layers.values())


@pytest.mark.parametrize("m", [2, 4])
def test_every_bit_is_as_without(cache, m):
    weight = CASE.weight.astype(np.float32)
    first = convolve(weight, m)
    assert number_cached(cache) == 0
    for _ in range(2):
        np.testing.assert_array_equal(convolve(weight, m), first)
        assert number_cached(cache) == 1
    np.testing.assert_array_equal(convolve(np.asfortranarray(weight), m), first)


def test_weights_that_change_in_place(cache):
    weight = CASE.weight.astype(np.float32)
    for _ in range(3):
        before = convolve(weight)
    for change in (weight[0, 0, 0], weight[9, 11, 2, 1:2], weight):
        change += 1  # some of them are in the sample and some are not
        after = convolve(weight)
        assert not np.array_equal(after, before)
        np.testing.assert_allclose(after, -convolve(-weight), atol=1e-5)
        before = after


def test_other_weights_behind_the_same_sample_are_told_apart(cache, monkeypatch):
    monkeypatch.setattr(cache_module, "SAMPLES", 1)
    weights = [CASE.weight.astype(np.float32) for _ in range(2)]
    weights[1][1:] *= 2
    for _ in range(3):
        single, double = map(convolve, weights)
        np.testing.assert_allclose(double[:, 1:], 2 * single[:, 1:], rtol=1e-6)


def test_weights_in_training_are_never_cached(cache):
    weight = CASE.weight.astype(np.float32)
    for _ in range(4):
        convolve(weight)
        weight *= np.float32(0.99)
    assert number_cached(cache) == 0


def test_many_tiles_are_cached_only_for_few_weights(cache, monkeypatch):
    weight = CASE.weight.astype(np.float32)
    for tiles, few_weights, expected in (
        (8, 0, 0),  # a result of 9 x 11 has 3 x 3 tiles of 4 x 4
        (8, 36 * 4 * 120, 1),  # 120 kernels, 36 points each, in float32
        (9, 0, 1),
    ):
        monkeypatch.setattr(winograd, "CACHED_TILES", tiles)
        monkeypatch.setattr(winograd, "FEW_WEIGHTS", few_weights)
        cache.layers.clear()
        for _ in range(3):
            convolve(weight)
        assert number_cached(cache) == expected, (tiles, few_weights)


def test_gradients_cache_nothing(cache):
    grad, weight = CASE.grad.astype(np.float32), CASE.weight.astype(np.float32)
    for _ in range(3):
        winograd.grad_input(CASE.layer, grad, weight)
    assert not cache.layers


def test_the_oldest_make_room(monkeypatch):
    cache = WinogradCache()
    monkeypatch.setattr(cache_module, "MOST_BYTES", 100)
    layers = [np.full((3, 4), value, np.float32) for value in range(3)]  # 48 bytes, twice each
    for weight in layers:
        for _ in range(2):
            cache.look_up("copied", weight, weight.copy)
    assert number_cached(cache) == 1
    assert cache.look_up("copied", layers[2], lambda: pytest.fail("it was cached")) is not None
    monkeypatch.setattr(cache_module, "MOST_LAYERS", 2)
    cache.look_up("copied", layers[0] + 9, layers[0].copy)
    assert len(cache.layers) == 2


def test_weights_that_are_not_numbers_are_not_cached(cache):
    weight = np.full(CASE.weight.shape, np.nan, np.float32)
    for _ in range(4):
        assert np.isnan(convolve(weight)).all()
