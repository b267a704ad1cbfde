"""layer_norm: twin, gradients, what it leaves unchanged, messages."""

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
    """(x, normalized_shape, weight, bias); the shape is that of the last axes, 1 to all of them."""
    sizes = draw(strategies.distinct_sizes(4, low=2, high=6))[: draw(st.integers(1, 4))]
    shape = sizes[draw(st.integers(0, len(sizes) - 1)) :]
    if allow_empty and len(shape) < len(sizes):
        sizes = (draw(st.sampled_from([0, sizes[0]])), *sizes[1:])
    x = draw(strategies.arrays(sizes))
    weight, bias = draw(strategies.arrays(shape)), draw(strategies.arrays(shape))
    return x, shape, draw(st.sampled_from([None, weight])), draw(st.sampled_from([None, bias]))


@given(st.data(), cases(allow_empty=True), EPS)
def test_equals_its_twin(data, case, eps):
    x, *options = case
    expected = reference.layer_norm(x, *options, eps)
    y = F.layer_norm(data.draw(strategies.layouts(x)), *options, eps).data
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-10)


@given(cases(), EPS)
def test_gradients(case, eps):
    x, shape, weight, bias = case
    given_ones = [array for array in (weight, bias) if array is not None]

    def operation(x, *rest):
        rest = list(rest)
        gain = None if weight is None else rest.pop(0)
        return F.layer_norm(x, shape, gain, rest[0] if rest else None, eps)

    gradcheck(operation, x, *given_ones)


def test_shift_and_scale_of_a_sample_change_nothing():
    x = np.random.default_rng(0).normal(size=(3, 8))
    y = F.layer_norm(x, 8, eps=0.0).data
    np.testing.assert_allclose(F.layer_norm(100 * x + 7, 8, eps=0.0).data, y, rtol=1e-9)
    np.testing.assert_allclose([y.mean(axis=1), y.var(axis=1)], [[0] * 3, [1] * 3], atol=1e-9)


def test_no_sample_sees_another():
    x = np.random.default_rng(0).normal(size=(4, 5))
    alone = F.layer_norm(x[1:2], 5).data
    np.testing.assert_array_equal(F.layer_norm(x, 5).data[1:2], alone)


def test_a_constant_sample_becomes_the_bias():
    y = F.layer_norm(np.full((2, 3), 7.0, np.float32), 3, None, np.array([1, 2, 3], np.float32))
    np.testing.assert_allclose(y.data, [[1, 2, 3], [1, 2, 3]])


def test_float32_stays_float32_and_close():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(6, 50)) + 5, rng.normal(size=50), rng.normal(size=50)
    results = []
    for dtype in (np.float64, np.float32):
        tensors = [Tensor(a.astype(dtype), requires_grad=True) for a in (x, weight, bias)]
        y = F.layer_norm(tensors[0], 50, *tensors[1:])
        y.backward(np.random.default_rng(1).normal(size=y.shape))
        results.append([y.data, *[tensor.grad for tensor in tensors]])
        assert {array.dtype for array in results[-1]} == {np.dtype(dtype)}
    for precise, single in zip(*results, strict=True):
        np.testing.assert_allclose(single, precise, rtol=1e-4, atol=1e-5)


def test_only_what_is_wanted_gets_a_gradient():
    x, weight = np.random.default_rng(0).normal(size=(2, 3)), Tensor(np.ones(3), requires_grad=True)
    F.layer_norm(x, 3, weight, Tensor(np.zeros(3))).backward(np.ones((2, 3)))
    np.testing.assert_allclose(weight.grad, F.layer_norm(x, 3).data.sum(axis=0))


def test_inputs_are_not_changed():
    x, one = np.random.default_rng(0).normal(size=(2, 3)), np.ones(3)
    before = x.copy()
    F.layer_norm(x, 3, one, one)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(one, 1)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        (4, {}, r"layer_norm: normalized_shape must be the last .* but is \(4,\); x=\(2, 3\)"),
        ((3, 2), {}, r"but is \(3, 2\); x=\(2, 3\)"),
        ((5, 2, 3), {}, r"but is \(5, 2, 3\)"),
        ((), {}, r"at least one and none of them 0, but is \(\)"),
        (3, {"weight": np.ones(2)}, r"weight must have the shape \(3,\) .* has shape \(2,\)"),
        (3, {"bias": np.ones((1, 3))}, r"bias must have the shape \(3,\) .* has shape \(1, 3\)"),
    ],
)
def test_messages(shape, options, message):
    with pytest.raises(ValueError, match=message):
        F.layer_norm(np.zeros((2, 3)), shape, **options)


def test_wrong_types_are_refused():
    for shape in (2.5, "3", (None,)):
        with pytest.raises(TypeError, match="layer_norm: normalized_shape must be a tuple of who"):
            F.layer_norm(np.zeros((2, 3)), shape)
    with pytest.raises(TypeError, match="layer_norm: eps must be a number but is None"):
        F.layer_norm(np.zeros((2, 3)), 3, eps=None)
    with pytest.raises(ValueError, match=r"none of them 0, but is \(0,\)"):
        F.layer_norm(np.zeros((2, 0)), 0)
