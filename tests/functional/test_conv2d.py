"""conv2d against its twin, its adjoint, SciPy, and its error messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate2d

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, gradcheck, strategies


@st.composite
def cases(draw):
    """x, weight, bias and options: pairwise different sizes, and at least one window."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    group_channels, group_outputs, n = draw(strategies.distinct_sizes(3, high=4))
    kernel = draw(strategies.distinct_sizes(2, high=4))
    stride = draw(strategies.distinct_sizes(2, high=3))
    dilation = draw(strategies.distinct_sizes(2, high=3))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    extra = draw(strategies.distinct_sizes(2, low=0, high=5))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p + e)
        for d, k, p, e in zip(dilation, kernel, padding, extra, strict=True)
    )
    x = draw(strategies.arrays((n, groups * group_channels, *size)))
    weight = draw(strategies.arrays((groups * group_outputs, group_channels, *kernel)))
    bias = draw(st.none() | strategies.arrays((groups * group_outputs,)))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x, weight, bias, options


@given(cases(), st.data())
def test_equals_the_loops(case, data):
    x, weight, bias, options = case
    expected = reference.conv2d(x, weight, bias, **options)
    x, weight = data.draw(strategies.layouts(x)), data.draw(strategies.layouts(weight))
    np.testing.assert_allclose(F.conv2d(x, weight, bias, **options).data, expected, atol=1e-12)


@given(cases())
def test_backward_is_the_transpose_in_x_and_in_weight(case):
    x, weight, _, options = case
    for wrt in (0, 1):
        adjoint_check(lambda x, w: F.conv2d(x, w, **options), x, weight, wrt=wrt)


def test_gradients_of_all_three_inputs():
    rng = np.random.default_rng(0)
    x, weight, bias = (
        rng.normal(size=(2, 4, 5, 6)),
        rng.normal(size=(6, 2, 3, 2)),
        rng.normal(size=6),
    )
    gradcheck(
        lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=1, groups=2),
        *(x, weight, bias),
        mode="full",
        method="complex",
    )


@given(cases())
def test_float32_stays_float32_and_close(case):
    x, weight, bias, options = case
    arrays = [None if a is None else a.astype(np.float32) for a in (x, weight, bias)]
    inputs = [None if a is None else Tensor(a, requires_grad=True) for a in arrays]
    y = F.conv2d(*inputs, **options)
    assert y.dtype == np.float32
    expected = F.conv2d(x, weight, bias, **options).data
    np.testing.assert_allclose(y.data, expected, rtol=1e-4, atol=1e-4)
    y.backward(np.ones_like(y.data))
    assert all(i.grad.dtype == np.float32 for i in inputs if i is not None)


def test_scipy_agrees():
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=(1, 1, 7, 9)), rng.normal(size=(1, 1, 3, 4))
    for padding, mode in ((0, "valid"), ((2, 3), "full")):
        expected = correlate2d(x[0, 0], weight[0, 0], mode=mode)
        np.testing.assert_allclose(F.conv2d(x, weight, padding=padding).data[0, 0], expected)


def test_3x3_stride_2_padding_1_halves_4x4():
    """The lecture's strided convolution: the kernel moves 2 pixels for every output pixel."""
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    y = F.conv2d(x, np.ones((1, 1, 3, 3)), stride=2, padding=1).data
    # The window at (1, 1) covers rows and columns 1 to 3; the one at (0, 0) hangs over the corner.
    assert y.tolist() == [
        [[[0.0 + 1 + 4 + 5, 1 + 2 + 3 + 5 + 6 + 7], [4 + 5 + 8 + 9 + 12 + 13, 90.0]]]
    ]


def test_a_batch_of_no_images():
    x = Tensor(np.zeros((0, 2, 5, 5)), requires_grad=True)
    weight = Tensor(np.ones((3, 2, 3, 3)), requires_grad=True)
    bias = Tensor(np.ones(3), requires_grad=True)
    y = F.conv2d(x, weight, bias)
    assert y.shape == (0, 3, 3, 3)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape
    assert not weight.grad.any() and weight.grad.shape == weight.shape
    assert bias.grad.tolist() == [0.0, 0.0, 0.0]


def test_only_the_needed_gradients_are_computed():
    x, weight = Tensor(np.ones((1, 1, 3, 3))), Tensor(np.ones((1, 1, 2, 2)), requires_grad=True)
    F.conv2d(x, weight).backward(np.ones((1, 1, 2, 2)))
    assert x.grad is None
    assert weight.grad.tolist() == [[[[4.0, 4.0], [4.0, 4.0]]]]


X, W = np.zeros((1, 4, 5, 6)), np.zeros((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        (
            np.zeros((1, 3, 8, 8)),
            np.zeros((4, 2, 3, 3)),
            {},
            r"conv2d: weight expects 2 input channels \(weight.shape\[1\] \* groups\) but x has 3; "
            r"x=\(1, 3, 8, 8\), weight=\(4, 2, 3, 3\), groups=1",
        ),
        (X[0], W, {}, r"conv2d: x must have 4 axes \(N, C, H, W\) but has shape \(4, 5, 6\)"),
        (X, W[0], {}, r"conv2d: weight must have 4 axes \(O, C / groups, KH, KW\)"),
        (X, W[:, :, :0], {}, r"conv2d: weight .* must not be empty"),
        (
            X,
            W,
            {"groups": 4},
            r"groups must be a positive divisor of weight.shape\[0\] = 6 but is 4",
        ),
        (X, W, {"groups": 0}, "groups must be a positive divisor"),
        (
            np.zeros((1, 4, 2, 2)),
            W,
            {},
            r"conv2d: kernel 3x3 \(dilation 1\) is larger than the padded input 2x2",
        ),
        (X, W, {"dilation": (2, 3)}, r"kernel 3x3 \(dilation \(2, 3\)\) is larger .* input 5x6"),
        (X, W, {"bias": np.zeros(5)}, r"conv2d: bias must have shape \(6,\).* shape \(5,\)"),
        (X, W, {"stride": 0}, "conv2d: stride must be a whole number of at least 1.* but is 0"),
        (X, W, {"stride": (1, 2, 3)}, r"stride must be .* a pair of them .* but is \(1, 2, 3\)"),
        (X, W, {"stride": 1.5}, "stride must be a whole number"),
        (X, W, {"stride": "two"}, "stride must be a whole number"),
        (X, W, {"padding": -1}, "conv2d: padding must be a whole number of at least 0.* but is -1"),
        (X, W, {"dilation": 0}, "conv2d: dilation must be a whole number of at least 1"),
    ],
)
def test_error_messages(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        F.conv2d(x, weight, **options)


@given(cases(), st.data())
def test_padding_same_equals_the_loops(case, data):
    x, weight, bias, options = case
    options = {**options, "stride": (1, 1), "padding": "same"}
    expected = reference.conv2d(x, weight, bias, **options)
    y = F.conv2d(data.draw(strategies.layouts(x)), weight, bias, **options).data
    assert y.shape == (len(x), len(weight), *x.shape[2:])
    np.testing.assert_allclose(y, expected, atol=1e-12)


@given(cases())
def test_backward_with_padding_same(case):
    x, weight, _, options = case
    options = {**options, "stride": 1, "padding": "same"}
    for wrt in (0, 1):
        adjoint_check(lambda x, w: F.conv2d(x, w, **options), x, weight, wrt=wrt)


def test_padding_same_puts_what_is_left_over_at_the_bottom_and_right():
    x, ones = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]), np.ones((1, 1, 2, 2))
    assert F.conv2d(x, ones, padding="same").data.tolist() == [[[[1111, 1010], [1100, 1000]]]]
    scipy = correlate2d(x[0, 0], np.arange(9.0).reshape(3, 3), mode="same")
    y = F.conv2d(x, np.arange(9.0).reshape(1, 1, 3, 3), padding="same").data
    np.testing.assert_array_equal(y[0, 0], scipy)


def test_padding_valid_is_none():
    x, weight = np.ones((1, 1, 5, 6)), np.ones((1, 1, 2, 3))
    for stride in (1, 2):
        y = F.conv2d(x, weight, stride=stride, padding="valid").data
        np.testing.assert_array_equal(y, F.conv2d(x, weight, stride=stride).data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"padding": "same", "stride": 2},
            'padding="same" needs stride 1, .* but stride is 2; give',
        ),
        ({"padding": "same", "stride": (1, 2)}, r'padding="same" needs stride 1.* \(1, 2\)'),
        ({"padding": "full"}, 'conv2d: padding must be numbers, "same" or "valid" but is \'full\''),
        ({"padding": "same", "dilation": 0}, "conv2d: dilation must be a whole number of at least"),
        ({"padding": "same", "stride": 0}, "conv2d: stride must be a whole number of at least 1"),
    ],
)
def test_messages_of_paddings_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        F.conv2d(X, W, **options)
    with pytest.raises(ValueError, match=r"conv2d: x must have 4 axes"):
        F.conv2d(X[0], W, padding="same")
