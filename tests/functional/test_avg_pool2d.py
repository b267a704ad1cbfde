"""avg_pool2d against its twin and its adjoint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, gradcheck, strategies


@st.composite
def windows(draw):
    """A shape (N, C, H, W) of different sizes, and options that fit it."""
    kernel = draw(strategies.distinct_sizes(2, high=4))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    extra = draw(strategies.distinct_sizes(2, low=0, high=5))
    size = tuple(max(k - 2 * p, 1) + e for k, p, e in zip(kernel, padding, extra, strict=True))
    options = {
        "stride": draw(strategies.distinct_sizes(2, high=3)),
        "padding": padding,
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
    }
    return draw(strategies.distinct_sizes(2, high=3)) + size, kernel, options


@given(windows(), st.data())
def test_equals_the_loops(case, data):
    shape, kernel, options = case
    x = data.draw(strategies.arrays(shape))
    expected = reference.avg_pool2d(x, kernel, **options)
    y = F.avg_pool2d(data.draw(strategies.layouts(x)), kernel, **options)
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    single = F.avg_pool2d(x.astype(np.float32), kernel, **options)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, atol=1e-5)


@given(windows(), st.data())
def test_backward_is_the_transpose(case, data):
    shape, kernel, options = case
    adjoint_check(lambda t: F.avg_pool2d(t, kernel, **options), data.draw(strategies.arrays(shape)))


def test_every_element_of_the_gradient():
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 5))
    gradcheck(lambda t: F.avg_pool2d(t, (3, 2), (2, 1), 1), x, mode="full")


def test_what_counts_in_a_corner():
    x = np.full((1, 1, 2, 2), 9.0)
    assert F.avg_pool2d(x, 3, 2, 1).data.tolist() == [[[[4.0]]]]
    assert F.avg_pool2d(x, 3, 2, 1, count_include_pad=False).data.tolist() == [[[[9.0]]]]
    # The second window starts at 2; one column of it lies on the image and one beyond everything.
    row = np.full((1, 1, 1, 3), 8.0)
    assert F.avg_pool2d(row, (1, 2), ceil_mode=True).data.tolist() == [[[[8.0, 8.0]]]]


def test_empty_batch():
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y = F.avg_pool2d(x, 2)
    assert y.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


def test_errors():
    with pytest.raises(ValueError, match=r"avg_pool2d: kernel_size .* larger than the padded"):
        F.avg_pool2d(np.zeros((1, 1, 2, 2)), 3)
    with pytest.raises(ValueError, match="avg_pool2d: padding must be at most half"):
        F.avg_pool2d(np.zeros((1, 1, 4, 4)), 2, padding=2)
