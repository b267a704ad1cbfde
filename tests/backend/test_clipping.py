"""ReLU's clipping and its gradient: blocks give what one pass does, masked numbers stay masked."""

import math

import cupy_stand_in as cupy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import clipping, to_numpy
from minicv.backend.clipping import clipped, kept_inside
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
