"""conv_norm_relu: against its twin and the four operations apart, gradients, every algorithm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, no_grad, reference
from minicv import functional as F
from minicv.backend import use_conv_algorithm
from minicv.testing import gradcheck, strategies


def inputs_of(x_shape, weight_shape, y_shape, seed=0):
    """x, weight, scale (some negative, one zero), shift, shortcut."""
    rng = np.random.default_rng(seed)
    o = weight_shape[0]
    scale = rng.uniform(-2, 2, size=o)
    scale[-1] = 0.0
    return [
        rng.normal(size=x_shape),
        rng.normal(size=weight_shape),
        scale,
        rng.normal(size=o),
        3 * rng.normal(size=y_shape),
    ]


@st.composite
def cases(draw):
    """(arrays, some of the last three None; options)."""
    groups, group_channels = draw(st.sampled_from([(1, 1), (1, 3), (2, 2), (3, 1)]))
    outputs = groups * draw(st.integers(1, 3))
    n, h, w = draw(st.tuples(st.integers(0, 3), st.integers(3, 7), st.integers(3, 7)))
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (3, 2)]))
    stride = draw(st.sampled_from([(1, 1), (2, 2), (1, 2)]))
    padding = draw(st.sampled_from([(0, 0), (1, 1), (0, 1)]))
    sizes = [
        (s + 2 * p - k) // step + 1
        for s, k, step, p in zip((h, w), kernel, stride, padding, strict=True)
    ]
    arrays = inputs_of(
        (n, groups * group_channels, h, w),
        (outputs, group_channels, *kernel),
        (n, outputs, *sizes),
        draw(strategies.seeds()),
    )
    arrays[2:] = [a if draw(st.booleans()) else None for a in arrays[2:]]
    activation = draw(st.sampled_from([None, "relu", "relu6"]))
    options = {"stride": stride, "padding": padding, "groups": groups}
    return arrays, activation, options


def apart(x, weight, scale, shift, shortcut, activation, options):
    y = F.conv2d(x, weight, None, **options)
    if scale is not None:
        y = y * scale.reshape(1, -1, 1, 1)
    if shift is not None:
        y = y + shift.reshape(1, -1, 1, 1)
    if shortcut is not None:
        y = y + shortcut
    return {None: lambda y: y, "relu": F.relu, "relu6": F.relu6}[activation](y)


@given(cases(), st.data())
def test_equals_the_loops(case, data):
    arrays, activation, options = case
    expected = reference.conv_norm_relu(*arrays, activation, **options)
    laid = [None if a is None else data.draw(strategies.layouts(a)) for a in arrays]
    y = F.conv_norm_relu(*laid, activation, **options).data
    np.testing.assert_allclose(y, expected, atol=1e-12)


@given(cases())
def test_equals_the_operations_apart_in_all_gradients(case):
    arrays, activation, options = case
    results = []
    for forward in (apart, F.conv_norm_relu):
        tensors = [None if a is None else Tensor(a, requires_grad=True) for a in arrays]
        if forward is apart:
            y = apart(*tensors, activation, options)
        else:
            y = F.conv_norm_relu(*tensors, activation, **options)
        y.backward(np.random.default_rng(1).normal(size=y.shape))
        results.append([y.data, *(t.grad for t in tensors if t is not None)])
    for expected, result in zip(*results, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_gradients(activation):
    arrays = inputs_of((2, 4, 5, 6), (6, 2, 3, 2), (2, 6, 3, 7))
    gradcheck(
        lambda *tensors: F.conv_norm_relu(*tensors, activation, stride=(2, 1), padding=1, groups=2),
        *arrays,
    )


@pytest.mark.parametrize("needed", range(5))
def test_a_single_input_that_needs_a_gradient_gets_the_same_one(needed):
    arrays = inputs_of((1, 3, 4, 5), (2, 3, 3, 3), (1, 2, 4, 5))
    grads = []
    for wanted in ([needed], range(5)):
        tensors = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
        F.conv_norm_relu(*tensors, "relu", padding=1).sum().backward()
        grads.append(tensors[needed].grad)
    np.testing.assert_array_equal(*grads)


@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "options", "algorithm"),
    [
        ((2, 5, 9, 9), (40, 5, 1, 1), {}, "pointwise"),
        ((1, 30, 3, 2), (7, 30, 1, 1), {}, "pointwise"),  # scale on the result, not on the weight
        ((2, 6, 9, 8), (6, 1, 3, 3), {"padding": 1, "groups": 6}, "depthwise"),
        ((2, 6, 9, 8), (6, 1, 5, 5), {"stride": 2, "padding": 2, "groups": 6}, "depthwise"),
        ((1, 8, 12, 13), (9, 8, 3, 3), {"padding": 1}, "winograd_2x2"),
        ((1, 8, 12, 13), (9, 8, 3, 3), {"padding": 1}, "winograd_4x4"),
        ((2, 3, 13, 12), (9, 3, 3, 3), {"stride": 2, "padding": 1}, "space_to_depth"),
        ((2, 3, 13, 12), (9, 3, 3, 3), {"dilation": 2}, "im2col"),
    ],
)
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_every_algorithm_in_float32(x_shape, weight_shape, options, algorithm, activation):
    y_shape = F.conv2d(np.zeros(x_shape), np.zeros(weight_shape), **options).shape
    arrays = inputs_of(x_shape, weight_shape, y_shape)
    expected = F.conv_norm_relu(*arrays, activation, **options).data
    narrow = [a.astype(np.float32) for a in arrays]
    before = [a.copy() for a in narrow]
    with use_conv_algorithm(algorithm), no_grad():
        y = F.conv_norm_relu(*narrow, activation, **options).data
    assert y.dtype == np.float32
    assert np.linalg.norm(y - expected) <= 2e-5 * np.linalg.norm(expected)
    for array, copy in zip(narrow, before, strict=True):
        np.testing.assert_array_equal(array, copy)  # what was given is not written to


@pytest.mark.parametrize("blocked", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_behind_the_activation_is_zero_whatever_it_is(blocked, dtype):
    """Below 0 and above 6 nothing passes; a product with the mask would make infinity NaN."""
    x = Tensor(np.array([[[[-1.0, 2.0, 8.0]]]], dtype), requires_grad=True)
    weight = Tensor(np.array([[[[3.0]]]], dtype), requires_grad=True)
    scale, shift = (Tensor(np.array([v], dtype), requires_grad=True) for v in (1.0, 0.0))
    shortcut = Tensor(np.zeros((1, 1, 1, 3), dtype), requires_grad=True)
    for activation in ("relu", "relu6"):
        for leaf in (x, weight, scale, shift, shortcut):
            leaf.grad = None
        y = F.conv_norm_relu(x, weight, scale, shift, shortcut, activation)
        assert y.data.tolist() == [[[[0.0, 6.0, 24.0 if activation == "relu" else 6.0]]]]
        passes = [0.0, 1.0, 1.0] if activation == "relu" else [0.0, 0.0, 0.0]
        grad = np.where(passes, 1.0, blocked).reshape(1, 1, 1, 3).astype(dtype)
        y.backward(grad)
        assert shortcut.grad.tolist() == [[[passes]]]
        assert x.grad.tolist() == [[[[3 * each for each in passes]]]]
        assert shift.grad.tolist() == [sum(passes)]
        assert weight.grad.item() == np.dot(passes, [-1, 2, 8])


def test_root_of_what_is_cut_off():
    """sqrt has an infinite slope at 0; where ReLU made that 0, dL/dx is 0."""
    x = Tensor(np.array([[[[-1.0, 4.0]]]]), requires_grad=True)
    with np.errstate(divide="ignore"):
        F.sqrt(F.conv_norm_relu(x, np.ones((1, 1, 1, 1)), activation="relu")).sum().backward()
    assert x.grad.tolist() == [[[[0.0, 0.25]]]]


def test_nan_stays():
    x = np.full((1, 1, 1, 1), np.nan)
    assert np.isnan(F.conv_norm_relu(x, np.ones((1, 1, 1, 1)), activation="relu6").data)


def test_messages():
    x, weight = np.zeros((1, 2, 4, 4)), np.zeros((3, 2, 3, 3))
    with pytest.raises(ValueError, match=r"activation must be .* but is 'elu'"):
        F.conv_norm_relu(x, weight, activation="elu")
    with pytest.raises(ValueError, match=r"conv_norm_relu: scale must have shape \(3,\)"):
        F.conv_norm_relu(x, weight, scale=np.zeros(2))
    with pytest.raises(ValueError, match=r"conv_norm_relu: shift must have shape \(3,\)"):
        F.conv_norm_relu(x, weight, shift=np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"shortcut must have .* \(1, 3, 2, 2\), but has shape"):
        F.conv_norm_relu(x, weight, shortcut=np.zeros((1, 3, 1, 1)))
    with pytest.raises(ValueError, match="conv_norm_relu: weight expects 2 input channels"):
        F.conv_norm_relu(x[:, :1], weight)


def test_padding_same_keeps_the_size():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(1, 2, 5, 6)), rng.normal(size=(3, 2, 2, 3))
    y = F.conv_norm_relu(x, weight, activation="relu", padding="same").data
    np.testing.assert_allclose(y, F.relu(F.conv2d(x, weight, padding="same")).data, atol=1e-12)
    with pytest.raises(ValueError, match='conv_norm_relu: padding="same" needs stride 1'):
        F.conv_norm_relu(x, weight, stride=2, padding="same")
