"""max_unpool2d against its twin, its adjoint, max_pool2d, and the lecture's example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, gradcheck, strategies

SIZES = strategies.distinct_sizes(6, high=7)  # N, C, H, W, OH, OW


def some_indices(sizes, seed):
    """Any positions, so that several values share one."""
    return np.random.default_rng(seed).integers(0, sizes[4] * sizes[5], sizes[:4])


@given(SIZES, strategies.seeds(), st.data())
def test_equals_the_loops(sizes, seed, data):
    x, indices = data.draw(strategies.arrays(sizes[:4])), some_indices(sizes, seed)
    expected = reference.max_unpool2d(x, indices, sizes[4:])
    layout = data.draw(strategies.layouts(x))
    y = F.max_unpool2d(layout, data.draw(strategies.layouts(indices)), output_size=sizes[4:])
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    single = F.max_unpool2d(x.astype(np.float32), indices, output_size=sizes[4:])
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, atol=1e-4)


@given(SIZES, strategies.seeds(), st.data())
def test_backward_is_the_transpose(sizes, seed, data):
    indices = some_indices(sizes, seed)
    adjoint_check(
        lambda t: F.max_unpool2d(t, indices, output_size=sizes[4:]),
        data.draw(strategies.arrays(sizes[:4])),
    )


def test_lecture_example():
    pooled = np.array([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], dtype=float)
    _, indices = F.max_pool2d(pooled, 2, return_indices=True)
    y = F.max_unpool2d(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), indices, 2)
    assert y.data.tolist() == [[[[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]]]


@given(strategies.distinct_sizes(4, low=2, high=9), strategies.distinct_sizes(2, high=2), st.data())
def test_maxima_return_to_their_places(shape, kernel, data):
    x = data.draw(strategies.distinct_arrays(shape))
    y, indices = F.max_pool2d(x, kernel, return_indices=True)
    back = F.max_unpool2d(y, indices, output_size=x.shape).data
    held = back != 0
    np.testing.assert_array_equal(back[held], x[held])
    assert held.sum() == y.size
    again = F.max_pool2d(np.where(held, back, -np.inf), kernel)
    np.testing.assert_array_equal(again.data, y.data)


def test_unpooling_is_the_backward_of_pooling():
    x = Tensor(np.random.default_rng(0).normal(size=(2, 3, 7, 6)), requires_grad=True)
    y, indices = F.max_pool2d(x, 3, 2, return_indices=True)
    u = np.random.default_rng(1).normal(size=y.shape)
    y.backward(u)
    np.testing.assert_allclose(
        F.max_unpool2d(u, indices, output_size=(7, 6)).data, x.grad, atol=1e-12
    )


def test_pool_then_unpool_has_the_right_gradient():
    def through(t):
        y, indices = F.max_pool2d(t, 3, 2, return_indices=True)
        return F.max_unpool2d(y * y, indices, output_size=t.shape)

    gradcheck(through, np.random.default_rng(0).permutation(np.arange(70.0)).reshape(2, 1, 5, 7))


def test_values_that_share_a_position_add_up():
    y = F.max_unpool2d(np.array([[[[1.0, 2.0]]]]), np.array([[[[1, 1]]]]), output_size=(1, 3))
    assert y.data.tolist() == [[[[0, 3, 0]]]]


def test_size_from_the_options_of_the_pooling():
    x, indices = np.ones((1, 1, 3, 3)), np.zeros((1, 1, 3, 3), np.int64)
    assert F.max_unpool2d(x, indices, 2).shape == (1, 1, 6, 6)
    assert F.max_unpool2d(x, indices, 3, stride=2, padding=1).shape == (1, 1, 5, 5)


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.max_unpool2d(x, np.zeros((0, 3, 4, 4), np.int64), 2)
    assert y.shape == (0, 3, 8, 8)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_errors():
    x, indices = np.ones((1, 1, 2, 2)), np.array([[[[0, 1], [7, 9]]]])
    with pytest.raises(ValueError, match=r"from 0 to 9 but an output of \(3, 3\) has .* 0\.\.8"):
        F.max_unpool2d(x, indices, output_size=(3, 3))
    with pytest.raises(ValueError, match="from -1 to 9"):
        F.max_unpool2d(x, np.where(indices == 0, -1, indices), output_size=(4, 4))
    with pytest.raises(ValueError, match="output_size is needed"):
        F.max_unpool2d(x, indices)
    with pytest.raises(ValueError, match=r"x=\(1, 1, 2, 2\), indices=\(1, 1, 1, 2\)"):
        F.max_unpool2d(x, indices[:, :, :1], 2)
    with pytest.raises(TypeError, match="indices must be whole numbers but are float64"):
        F.max_unpool2d(x, indices.astype(float), 2)
    with pytest.raises(ValueError, match=r"gives an output of .* which is empty"):
        F.max_unpool2d(x, indices, 1, padding=1)
