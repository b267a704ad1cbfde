"""conv_transpose2d against its twin, its dual conv2d, the lecture's example, its error messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, gradcheck, strategies


@st.composite
def cases(draw):
    """x, weight, bias and options: pairwise different sizes, and at least one output pixel."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    group_channels, group_outputs, n = draw(strategies.distinct_sizes(3, high=4))
    kernel = draw(strategies.distinct_sizes(2, high=4))
    size = draw(strategies.distinct_sizes(2, high=5))
    stride = draw(strategies.distinct_sizes(2, high=3))
    dilation = draw(strategies.distinct_sizes(2, high=3))
    # Within (size - 1) stride + dilation (kernel - 1), half of which padding may cut off.
    spans = [
        (i - 1) * s + d * (k - 1) for i, s, d, k in zip(size, stride, dilation, kernel, strict=True)
    ]
    padding = tuple(draw(st.integers(0, min(2, span // 2))) for span in spans)
    output_padding = tuple(
        draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
    )
    x = draw(strategies.arrays((n, groups * group_channels, *size)))
    weight = draw(strategies.arrays((groups * group_channels, group_outputs, *kernel)))
    bias = draw(st.none() | strategies.arrays((groups * group_outputs,)))
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "groups": groups,
        "dilation": dilation,
    }
    return x, weight, bias, options


@given(cases(), st.data())
def test_equals_the_loops(case, data):
    x, weight, bias, options = case
    expected = reference.conv_transpose2d(x, weight, bias, **options)
    x, weight = data.draw(strategies.layouts(x)), data.draw(strategies.layouts(weight))
    y = F.conv_transpose2d(x, weight, bias, **options).data
    np.testing.assert_allclose(y, expected, atol=1e-12)


@given(cases())
def test_backward_is_the_transpose_in_x_and_in_weight(case):
    x, weight, _, options = case
    for wrt in (0, 1):
        adjoint_check(lambda x, w: F.conv_transpose2d(x, w, **options), x, weight, wrt=wrt)


@given(cases())
def test_is_the_gradient_of_conv2d(case):
    """Duality: <conv2d(z, w), x> = <z, conv_transpose2d(x, w)>, with the same weight array."""
    x, weight, _, options = case
    y = F.conv_transpose2d(x, weight, **options).data
    options.pop("output_padding")
    z = Tensor(np.zeros(y.shape), requires_grad=True)
    convolved = F.conv2d(z, weight, **options)
    grad = np.zeros(convolved.shape)  # wide output padding makes room for more windows
    grad[:, :, : x.shape[2], : x.shape[3]] = x
    convolved.backward(grad)
    np.testing.assert_allclose(z.grad, y, atol=1e-12)


def test_gradients_of_all_three_inputs():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 4, 3, 5)), rng.normal(size=(4, 3, 3, 2))
    bias = rng.normal(size=6)
    gradcheck(
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), 1, (1, 0), 2),
        *(x, weight, bias),
        mode="full",
        method="complex",
    )


@given(cases())
def test_float32_stays_float32_and_close(case):
    x, weight, bias, options = case
    arrays = [None if a is None else a.astype(np.float32) for a in (x, weight, bias)]
    inputs = [None if a is None else Tensor(a, requires_grad=True) for a in arrays]
    y = F.conv_transpose2d(*inputs, **options)
    assert y.dtype == np.float32
    expected = F.conv_transpose2d(x, weight, bias, **options).data
    np.testing.assert_allclose(y.data, expected, rtol=1e-4, atol=1e-4)
    y.backward(np.ones_like(y.data))
    assert all(i.grad.dtype == np.float32 for i in inputs if i is not None)


@pytest.mark.parametrize("operation", [F.conv_transpose2d, reference.conv_transpose2d])
def test_the_lecture_in_one_dimension(operation):
    """Input (a, b), filter (x, y, z), stride 2: output (ax, ay, az + bx, by, bz)."""
    (a, b), (x, y, z) = (2.0, 3.0), (5.0, 7.0, 11.0)
    image, kernel = np.array([[[[a, b]]]]), np.array([[[[x, y, z]]]])
    result = operation(image, kernel, stride=(1, 2))
    result = result.data if isinstance(result, Tensor) else result
    assert result.tolist() == [[[[a * x, a * y, a * z + b * x, b * y, b * z]]]]


def test_3x3_stride_2_padding_1_both_ways():
    """The lecture: 4x4 -> 2x2 by strided convolution, 2x2 -> 4x4 by its transpose."""
    small, kernel = np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), np.ones((1, 1, 3, 3))
    assert F.conv2d(np.ones((1, 1, 4, 4)), kernel, stride=2, padding=1).shape == small.shape
    large = F.conv_transpose2d(small, kernel, stride=2, padding=1, output_padding=1)
    # Stamps centred on (0, 0), (0, 2), (2, 0), (2, 2): row and column 1 lie under two of them each.
    assert large.data.tolist() == [
        [
            [
                [1.0, 1.0 + 2.0, 2.0, 2.0],
                [1.0 + 3.0, 10.0, 2.0 + 4.0, 2.0 + 4.0],
                [3.0, 3.0 + 4.0, 4.0, 4.0],
                [3.0, 3.0 + 4.0, 4.0, 4.0],
            ]
        ]
    ]


def test_a_batch_of_no_images():
    x = Tensor(np.zeros((0, 2, 5, 5)), requires_grad=True)
    weight = Tensor(np.ones((2, 3, 3, 3)), requires_grad=True)
    y = F.conv_transpose2d(x, weight, np.ones(3), stride=2)
    assert y.shape == (0, 3, 11, 11)
    y.backward(np.zeros(y.shape))
    assert x.grad.shape == x.shape
    assert weight.grad.shape == weight.shape and not weight.grad.any()


X, W = np.zeros((1, 4, 5, 6)), np.zeros((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("x", "weight", "options", "message"),
    [
        (
            np.zeros((1, 3, 8, 8)),
            W,
            {},
            r"conv_transpose2d: weight expects 4 input channels \(weight.shape\[0\]\) but x has 3; "
            r"x=\(1, 3, 8, 8\), weight=\(4, 3, 3, 3\), groups=1",
        ),
        (X[0], W, {}, r"conv_transpose2d: x must have 4 axes \(N, C, H, W\)"),
        (X, W[0], {}, r"conv_transpose2d: weight must have 4 axes \(C, O / groups, KH, KW\)"),
        (
            X,
            W,
            {"groups": 3},
            r"groups must be a positive divisor of .* = 4 but is 3",
        ),
        (X, W, {"bias": np.zeros(4)}, r"conv_transpose2d: bias must have shape \(3,\)"),
        (
            X,
            W,
            {"stride": 2, "output_padding": (1, 2)},
            r"output_padding must be smaller than the stride or the dilation but "
            r"output_padding=\(1, 2\), stride=\(2, 2\), dilation=\(1, 1\)",
        ),
        (X, W, {"padding": 4}, "the result would have -1x0 pixels because padding .* cuts off"),
        (X, W, {"stride": -2}, "conv_transpose2d: stride must be a whole number of at least 1"),
        (X, W, {"output_padding": -1}, "output_padding must be a whole number of at least 0"),
    ],
)
def test_error_messages(x, weight, options, message):
    with pytest.raises(ValueError, match=message):
        F.conv_transpose2d(x, weight, **options)
