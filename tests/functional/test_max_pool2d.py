"""max_pool2d against its twin, numerical slopes, and the lecture's example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

LECTURE = np.array([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], dtype=np.float64)


@st.composite
def windows(draw, dilations=True):
    """A shape (N, C, H, W) of different sizes, and options that fit it."""
    kernel = draw(strategies.distinct_sizes(2, high=4))
    stride = draw(strategies.distinct_sizes(2, high=3))
    dilation = draw(strategies.distinct_sizes(2, high=2)) if dilations else (1, 1)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    down, across = draw(strategies.distinct_sizes(2, low=0, high=5))
    extra = down, across + draw(st.sampled_from([0, 10]))  # the CPU turns narrow maps
    size = tuple(
        # With dilation a window could miss a map that is smaller than its kernel.
        max(d * (k - 1) + 1 - (2 * p if d == 1 else 0), 1) + e
        for d, k, p, e in zip(dilation, kernel, padding, extra, strict=True)
    )
    options = {"stride": stride, "padding": padding, "ceil_mode": draw(st.booleans())}
    if dilations:
        options["dilation"] = dilation
    return draw(strategies.distinct_sizes(2, high=3)) + size, kernel, options


@given(windows(), st.data())
def test_equals_the_loops(case, data):
    shape, kernel, options = case
    # Few different values, so that many windows hold ties.
    x = np.floor(data.draw(strategies.arrays(shape)))
    maxima, indices = reference.max_pool2d(x, kernel, **options)
    y, found = F.max_pool2d(
        data.draw(strategies.layouts(x)), kernel, **options, return_indices=True
    )
    np.testing.assert_array_equal(y.data, maxima)
    np.testing.assert_array_equal(found, indices)
    # Without indices and gradients only the maxima are computed.
    np.testing.assert_array_equal(F.max_pool2d(x, kernel, **options).data, maxima)
    assert found.dtype == np.int64


@given(windows(), st.data())
def test_gradient(case, data):
    shape, kernel, options = case
    x = data.draw(strategies.distinct_arrays(shape, scale=10.0))
    gradcheck(lambda t: F.max_pool2d(t, kernel, **options), x)


@given(windows(), st.data())
def test_with_frozen_switches_backward_is_the_transpose(case, data):
    shape, kernel, options = case
    x = Tensor(data.draw(strategies.arrays(shape)), requires_grad=True)
    y = F.max_pool2d(x, kernel, **options)
    u = data.draw(strategies.arrays(y.shape))
    y.backward(u)
    np.testing.assert_allclose((y.data * u).sum(), (x.data * x.grad).sum(), rtol=1e-10, atol=1e-12)


def test_lecture_example_and_its_switches():
    y, indices = F.max_pool2d(LECTURE, 2, return_indices=True)
    assert y.data.tolist() == [[[[5, 6], [7, 8]]]]
    assert indices.tolist() == [[[[5, 2], [12, 15]]]]


def test_gradient_goes_to_the_first_of_equal_maxima():
    x = Tensor(np.ones((1, 1, 2, 4)), requires_grad=True)
    F.max_pool2d(x, 2).backward(np.array([[[[3.0, 4.0]]]]))
    assert x.grad.tolist() == [[[[3, 0, 4, 0], [0, 0, 0, 0]]]]


def test_overlapping_windows_add_up():
    x = Tensor(np.array([[[[1.0, 9.0, 2.0]]]]), requires_grad=True)
    F.max_pool2d(x, (1, 2), stride=1).backward(np.array([[[[3.0, 4.0]]]]))
    assert x.grad.tolist() == [[[[0, 7, 0]]]]


def test_padding_never_wins():
    y, indices = F.max_pool2d(np.full((1, 1, 3, 3), -5.0), 3, 2, 1, return_indices=True)
    assert y.data.tolist() == [[[[-5, -5], [-5, -5]]]]
    assert indices.tolist() == [[[[0, 1], [3, 4]]]]
    y, indices = F.max_pool2d(np.full((1, 1, 3, 3), -np.inf), 3, 2, 1, return_indices=True)
    assert (y.data == -np.inf).all()
    assert indices.tolist() == [[[[0, 1], [3, 4]]]]


@pytest.mark.parametrize("pairs", [1, 6])
def test_nan_propagates_and_the_first_one_is_the_maximum(pairs):
    x = np.array([[[[1.0, np.nan, 3.0, 4.0] * pairs, [np.nan, 9.0, 5.0, 6.0] * pairs]]])
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(y.data, [[[[np.nan, 6.0] * pairs]]])
    second_row = 4 * pairs
    expected = [[1 + 4 * pair, second_row + 3 + 4 * pair] for pair in range(pairs)]
    assert indices.ravel().tolist() == np.ravel(expected).tolist()


def test_windows_of_more_than_256_taps():
    x = np.random.default_rng(0).normal(size=(2, 3, 20, 19))
    y, indices = F.max_pool2d(x, (20, 19), return_indices=True)
    flat = x.reshape(2, 3, -1)
    np.testing.assert_array_equal(indices[..., 0, 0], flat.argmax(axis=2))
    np.testing.assert_array_equal(y.data[..., 0, 0], flat.max(axis=2))


def test_many_maps_cut_into_blocks():
    x = np.random.default_rng(0).normal(size=(5, 7, 128, 128))
    y = F.max_pool2d(x, 2)
    expected = x.reshape(5, 7, 64, 2, 64, 2).max(axis=(3, 5))
    np.testing.assert_array_equal(y.data, expected)


def test_float32_and_empty_batch():
    assert F.max_pool2d(LECTURE.astype(np.float32), 2).dtype == np.float32
    x = Tensor(np.zeros((0, 3, 4, 4)), requires_grad=True)
    y, indices = F.max_pool2d(x, 3, 1, return_indices=True)
    assert y.shape == indices.shape == (0, 3, 2, 2)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((3, 4, 4), {"kernel_size": 2}, r"x must have 4 axes \(N, C, H, W\)"),
        ((1, 1, 0, 4), {"kernel_size": 2}, "maps of x must not be empty"),
        ((1, 1, 2, 2), {"kernel_size": 3}, r"kernel_size \(3, 3\) .* larger than the padded input"),
        ((1, 1, 4, 4), {"kernel_size": 2, "padding": 2}, "at most half of kernel_size"),
        ((1, 1, 4, 4), {"kernel_size": 0}, "kernel_size must be a whole number of at least 1"),
        ((1, 1, 4, 4), {"kernel_size": 2, "stride": (1, 0)}, "stride must be"),
        (
            (1, 1, 4, 2),
            {"kernel_size": (1, 2), "padding": (0, 1), "dilation": (1, 3)},
            "window 0 along axis 3 has all its taps outside",
        ),
    ],
)
def test_errors(shape, options, message):
    with pytest.raises(ValueError, match=message):
        F.max_pool2d(np.zeros(shape), **options)


def test_whole_numbers_are_refused():
    with pytest.raises(TypeError, match="x must be floating point but is int64"):
        F.max_pool2d(np.zeros((1, 1, 4, 4), np.int64), 2)
