"""ReLU's clipping, the leaky one, and their gradients: blocks give what one pass does."""

import math

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import clipping, to_numpy
from minicv.backend.clipping import clipped, kept_inside, leaky, leaky_gradient
from minicv.testing import strategies


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(clipping, "LARGE", 1)
    monkeypatch.setattr(clipping, "BLOCK_ELEMENTS", 5)


@pytest.mark.parametrize("ceiling", [6.0, math.inf])
@given(values=strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), data=st.data())
def test_blocks_give_what_one_pass_does(ceiling, values, data):
    values = data.draw(strategies.layouts(5 * values))
    grad = data.draw(strategies.layouts(np.random.default_rng(0).normal(size=values.shape)))
    expected = np.minimum(np.maximum(values, 0), ceiling)
    inside = (expected > 0) & (expected < ceiling)
    for large in (1, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clipping, "LARGE", large)
            patch.setattr(clipping, "BLOCK_ELEMENTS", 5)
            y = clipped(values, ceiling)
            np.testing.assert_array_equal(y, expected)
            assert not np.shares_memory(y, values)
            np.testing.assert_array_equal(kept_inside(y, ceiling, grad), grad * inside)


@pytest.mark.parametrize("slope", [0.2, 1.0])
@given(values=strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True)), data=st.data())
def test_blocks_of_the_leaky_one(slope, values, data):
    values = data.draw(strategies.layouts(values))
    grad = data.draw(strategies.layouts(np.random.default_rng(0).normal(size=values.shape)))
    for large in (1, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clipping, "LEAKY_LARGE", large)
            patch.setattr(clipping, "LEAKY_BLOCK", 5)
            y = leaky(values, slope)
            np.testing.assert_array_equal(y, np.where(values > 0, values, slope * values))
            assert not np.shares_memory(y, values)
            slopes = np.where(values > 0, 1, slope)
            np.testing.assert_array_equal(leaky_gradient(values, slope, grad), grad * slopes)


@pytest.mark.parametrize("large", [1, 1 << 20])
def test_nan_and_infinity_of_the_leaky_one(large, monkeypatch):
    monkeypatch.setattr(clipping, "LEAKY_LARGE", large)
    x = np.array([np.nan, np.inf, -np.inf, -2.0, 0.0], "f4")
    assert np.isnan(leaky(x, 0.5)[0])
    assert leaky(x, 0.5)[1:].tolist() == [math.inf, -math.inf, -1.0, 0.0]
    grad = np.array([1.0, np.inf, 1.0, np.nan, -np.inf], "f4")
    arrived = leaky_gradient(x, 0.5, grad)
    assert arrived.dtype == np.float32 and np.isnan(arrived[3])
    assert arrived[[0, 1, 2, 4]].tolist() == [0.5, math.inf, 0.5, -math.inf]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_stays_and_what_arrives_outside_is_dropped(dtype, small_blocks):
    y = np.array([0, 3, 6, 0, 3, 6, np.nan, 1], dtype)
    assert np.isnan(clipped(y, 6.0)[6]) and not np.isnan(clipped(y, 6.0)[:6]).any()
    grad = np.array([np.inf, 1, np.nan, np.nan, np.inf, -np.inf, 1, 2], dtype)
    kept = kept_inside(y, 6.0, grad)
    assert kept.dtype == dtype
    assert kept.tolist() == [0, 1, 0, 0, math.inf, 0, 0, 2]


def test_infinite_results_of_the_usual_relu_pass_the_gradient(small_blocks):
    y = np.array([math.inf, 0.0, 1.0], "f4")
    assert kept_inside(y, math.inf, np.ones(3, "f4")).tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_large_arrays_as_they_come(threads, monkeypatch):
    monkeypatch.setenv("MINICV_NUM_THREADS", threads)
    x = 4 * np.random.default_rng(0).normal(size=(clipping.LARGE + 7,)).astype("f4")
    y = clipped(x, 6.0)
    np.testing.assert_array_equal(y, np.clip(x, 0, 6))
    np.testing.assert_array_equal(kept_inside(y, 6.0, x), x * ((y > 0) & (y < 6)))


def test_on_a_device():
    x = cupy.asarray(np.array([-1.0, 2.0, 8.0], "f4"))
    y = clipped(x, 6.0)
    assert to_numpy(y).tolist() == [0.0, 2.0, 6.0]
    assert to_numpy(kept_inside(y, 6.0, x)).tolist() == [0.0, 2.0, 0.0]
