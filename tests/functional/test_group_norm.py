"""group_norm and instance_norm: twins, gradients, their relatives, messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import gradcheck, strategies

EPS = st.sampled_from([1e-5, 1e-3, 0.5])


@st.composite
def cases(draw, allow_empty=False):
    """(x, num_groups, weight, bias), groups of at least two values; weight and bias may be None."""
    samples, per_group, height, width = draw(strategies.distinct_sizes(4, low=2, high=5))
    groups = draw(st.integers(1, 3))
    samples = draw(st.sampled_from([0, samples])) if allow_empty else samples
    pixels = draw(st.sampled_from([(), (width,), (height, width)]))
    channels = groups * per_group
    x = draw(strategies.arrays((samples, channels, *pixels)))
    weight, bias = (draw(strategies.arrays(channels)) for _ in range(2))
    return x, groups, draw(st.sampled_from([None, weight])), draw(st.sampled_from([None, bias]))


@given(st.data(), cases(allow_empty=True), EPS)
def test_equals_its_twin(data, case, eps):
    x, *options = case
    expected = reference.group_norm(x, *options, eps)
    y = F.group_norm(data.draw(strategies.layouts(x)), *options, eps).data
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-10)


@given(cases(), EPS)
def test_gradients(case, eps):
    x, groups, weight, bias = case
    given_ones = [array for array in (weight, bias) if array is not None]

    def operation(x, *rest):
        rest = list(rest)
        gain = None if weight is None else rest.pop(0)
        return F.group_norm(x, groups, gain, rest[0] if rest else None, eps)

    gradcheck(operation, x, *given_ones)


@given(st.data(), cases(allow_empty=True), EPS)
def test_instance_norm_equals_its_twin(data, case, eps):
    x, _, weight, bias = case
    x = x if x.ndim > 2 else np.stack([x, x**2], axis=2)
    expected = reference.instance_norm(x, weight, bias, eps)
    y = F.instance_norm(data.draw(strategies.layouts(x)), weight=weight, bias=bias, eps=eps).data
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-10)


def test_gradients_of_instance_norm():
    rng = np.random.default_rng(0)
    gradcheck(
        lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
        *(rng.normal(size=(2, 3, 4, 5)), rng.normal(size=3), rng.normal(size=3)),
    )


def test_its_relatives():
    """One group is layer_norm; a group a channel, of one image, is batch_norm of that image."""
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 5))
    whole = F.layer_norm(x, (4, 3, 5)).data
    np.testing.assert_allclose(F.group_norm(x, 1).data, whole, rtol=1e-12, atol=1e-13)
    alone = F.batch_norm(x[:1], None, None, training=True).data
    np.testing.assert_allclose(F.group_norm(x, 4).data[:1], alone, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(F.instance_norm(x).data, F.group_norm(x, 4).data)


def test_groups_are_neighbours():
    x = np.array([[1.0, 3.0, 10.0, 30.0]])
    y = F.group_norm(x, 2, np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 0, 1]), eps=0.0).data
    np.testing.assert_allclose(y, [[-1, 2, -3, 5]])


def test_a_group_of_one_value_becomes_the_bias():
    y = F.group_norm(np.array([[5.0, 7.0]]), 2, None, np.array([1.0, 2.0])).data
    assert y.tolist() == [[1.0, 2.0]]


def test_float32_stays_float32_and_close():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(3, 6, 7, 5)) + 5, rng.normal(size=6), rng.normal(size=6)
    results = []
    for dtype in (np.float64, np.float32):
        tensors = [Tensor(a.astype(dtype), requires_grad=True) for a in (x, weight, bias)]
        y = F.group_norm(tensors[0], 3, *tensors[1:])
        y.backward(np.random.default_rng(1).normal(size=y.shape))
        results.append([y.data, *[tensor.grad for tensor in tensors]])
        assert {array.dtype for array in results[-1]} == {np.dtype(dtype)}
    for precise, single in zip(*results, strict=True):
        np.testing.assert_allclose(single, precise, rtol=1e-4, atol=1e-5)


def test_only_what_is_wanted_gets_a_gradient():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    bias = Tensor(np.zeros(4), requires_grad=True)
    F.group_norm(x, 2, Tensor(np.ones(4)), bias).sum().backward()
    assert bias.grad.tolist() == [6.0] * 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: F.group_norm(x, 4),
            "group_norm: num_groups must .* divisor of the 6 .* is 4",
        ),
        (lambda x: F.group_norm(x, 0), "num_groups must be a positive divisor .* is 0"),
        (lambda x: F.group_norm(x, 2, np.ones(5)), r"group_norm: weight .* 6 .*weight=\(5,\)"),
        (lambda x: F.group_norm(x, 2, None, np.ones((6, 1))), r"bias .* 6 .*bias=\(6, 1\)"),
        (lambda x: F.group_norm(x[0, 0, 0], 1), r"group_norm: x must be \(N, C\).*x=\(5,\)"),
        (lambda x: F.group_norm(x[:, :, :0], 1), r"at least one channel and pixel; .* 0, 5\)"),
        (lambda x: F.instance_norm(x[:, :, :1, :1]), r"instance_norm: .*at least 2 pixels"),
        (lambda x: F.instance_norm(x[:, :, 0, 0]), r"x=\(2, 6\); of a vector take group_norm"),
        (lambda x: F.instance_norm(x, weight=np.ones(2)), r"instance_norm: weight must have one"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((2, 6, 4, 5)))


def test_wrong_types_are_refused():
    x = np.zeros((2, 6))
    with pytest.raises(TypeError, match=r"group_norm: num_groups must be a whole .* is 2\.0"):
        F.group_norm(x, 2.0)
    with pytest.raises(TypeError, match="group_norm: x must be a Tensor or an array"):
        F.group_norm(None, 2)
    with pytest.raises(TypeError, match="positional argument"):
        F.instance_norm(np.zeros((2, 3, 4)), np.zeros(3), np.ones(3))  # PyTorch's statistics
