import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv import functional as F
from minicv.nn import (
    BatchNorm2d,
    Conv2d,
    FrozenBatchNorm2d,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Sequential,
    conv_bn_relu,
    conv_frozen_bn,
    run_conv_relu,
)
from minicv.testing import strategies


@st.composite
def layers(draw, norms=(FrozenBatchNorm2d, BatchNorm2d)):
    """(x, conv, bn) with every option drawn, and statistics as after training."""
    groups = draw(st.sampled_from([1, 2]))
    rng = np.random.default_rng(draw(strategies.seeds()))
    conv = Conv2d(
        2 * groups,
        3 * groups,
        draw(st.sampled_from([1, 3, (3, 2)])),
        stride=draw(st.sampled_from([1, 2, (2, 1)])),
        padding=draw(st.sampled_from([0, 1, (1, 2)])),
        dilation=draw(st.sampled_from([1, 2])),
        groups=groups,
        bias=draw(st.booleans()),
        rng=rng,
    ).astype("float64")
    bn = draw(st.sampled_from(norms))(3 * groups, eps=1e-3).astype("float64").eval()
    for holder in (bn.weight, bn.bias, bn.running_mean):
        holder.data = rng.standard_normal(3 * groups)
    bn.running_var.data = rng.uniform(0.1, 2.0, 3 * groups)
    x = rng.standard_normal((2, 2 * groups, 7, 8))
    return x, conv, bn


def run(forward, x, conv, bn):
    x = Tensor(x, requires_grad=True)
    parameters = [*conv.parameters(), *bn.parameters()]
    for parameter in parameters:
        parameter.grad = None
    y = forward(x)
    y.backward(np.random.default_rng(5).standard_normal(y.shape))
    return [y.data, x.grad, *(parameter.grad for parameter in parameters)]


@given(case=layers())
def test_equals_the_two_layers_in_values_and_all_gradients(case):
    x, conv, bn = case
    apart = run(lambda x: bn(conv(x)), x, conv, bn)
    fused = run(lambda x: conv_frozen_bn(x, conv, bn), x, conv, bn)
    assert len(apart) == len(fused) >= 3
    for expected, result in zip(apart, fused, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@given(case=layers(), activation=st.sampled_from([None, "relu", "relu6"]), adds=st.booleans())
def test_with_a_shortcut_and_an_activation(case, activation, adds):
    x, conv, bn = case
    added = Tensor(np.random.default_rng(3).standard_normal(conv(Tensor(x)).shape))
    after = {None: lambda y: y, "relu": F.relu, "relu6": F.relu6}[activation]
    apart = run(lambda x: after(bn(conv(x)) + added if adds else bn(conv(x))), x, conv, bn)
    shortcut = added if adds else None
    fused = run(lambda x: conv_bn_relu(x, conv, bn, shortcut, activation), x, conv, bn)
    for expected, result in zip(apart, fused, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
@pytest.mark.parametrize("adds", [False, True])
def test_in_training_it_is_the_layers_one_after_the_other(activation, adds):
    """By the statistics of the batch, which the running ones follow."""
    rng = np.random.default_rng(0)
    conv, bn = Conv2d(2, 3, 3, rng=rng), BatchNorm2d(3)
    x, added = (Tensor(rng.normal(size=shape).astype(np.float32) * 9)
                for shape in ((4, 2, 5, 5), (4, 3, 3, 3)))  # fmt: skip
    after = {None: lambda y: y, "relu": F.relu, "relu6": F.relu6}[activation]
    expected = after(bn(conv(x)) + added if adds else bn(conv(x))).data
    means = bn.running_mean.data
    y = conv_bn_relu(x, conv, bn, added if adds else None, activation)
    np.testing.assert_array_equal(y.data, expected)
    assert (bn.running_mean.data != means).all()


def test_without_scale_and_shift_of_its_own():
    rng = np.random.default_rng(0)
    conv = Conv2d(2, 3, 3, rng=rng).astype("float64")
    bn = BatchNorm2d(3, affine=False).astype("float64").eval()
    bn.running_var.data = np.array([0.5, 1.0, 2.0])
    x = Tensor(rng.standard_normal((1, 2, 4, 4)))
    np.testing.assert_allclose(conv_frozen_bn(x, conv, bn).data, bn(conv(x)).data, rtol=1e-10)


def test_float32_stays():
    conv = Conv2d(2, 3, 3, rng=np.random.default_rng(0))
    y = conv_frozen_bn(Tensor(np.ones((1, 2, 4, 4), np.float32)), conv, FrozenBatchNorm2d(3))
    assert y.dtype == np.float32


def test_messages():
    conv = Conv2d(2, 3, 3, rng=np.random.default_rng(0))
    x = Tensor(np.ones((1, 2, 4, 4), np.float32))
    with pytest.raises(ValueError, match="bn normalises 4 channels but conv gives 3"):
        conv_frozen_bn(x, conv, FrozenBatchNorm2d(4))
    with pytest.raises(RuntimeError, match="BatchNorm2d: in training the scale depends"):
        conv_frozen_bn(x, conv, BatchNorm2d(3))


@pytest.mark.parametrize(
    "after",
    [
        lambda conv: [conv(), ReLU()],
        lambda conv: [conv(), ReLU(), conv(), ReLU(), MaxPool2d(2), ReLU()],
        lambda conv: [ReLU(), conv(), conv(), LeakyReLU(0.1), conv()],
        lambda conv: [],
    ],
)
def test_a_sequence_runs_as_it_would_layer_by_layer(after):
    rng = np.random.default_rng(0)
    layers = Sequential(*after(lambda: Conv2d(3, 3, 3, padding=1, rng=rng).astype("float64")))
    for conv in layers:
        if isinstance(conv, Conv2d):
            conv.bias.data = rng.normal(size=3)
    x = rng.normal(size=(2, 3, 6, 8))
    results = []
    for forward in (layers, lambda x: run_conv_relu(x, layers)):
        given = Tensor(x, requires_grad=True)
        for parameter in layers.parameters():
            parameter.grad = None
        y = forward(given)
        y.backward(np.random.default_rng(1).normal(size=y.shape))
        results.append([y.data, given.grad, *(p.grad for p in layers.parameters())])
    for expected, result in zip(*results, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)
