import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.backend import to_numpy
from minicv.functional import batch_norm, frozen_batch_norm, relu, relu6
from minicv.testing import adjoint_check, gradcheck, strategies


@st.composite
def cases(draw, allow_empty=False):
    """(x, weight, bias, running_mean, running_var); weight and bias may be None."""
    samples, channels, height, width = draw(strategies.distinct_sizes(4, low=2, high=6))
    samples = draw(st.sampled_from([0, samples])) if allow_empty else samples
    pixels = draw(st.sampled_from([(), (height, width), (1, 1), (height, 1)]))
    x = draw(strategies.arrays((samples, channels, *pixels)))
    weight, bias, mean = (draw(strategies.arrays(channels)) for _ in range(3))
    variance = draw(strategies.arrays(channels, 0.1, 2.0))
    weight = draw(st.sampled_from([None, weight]))
    bias = draw(st.sampled_from([None, bias]))
    return x, weight, bias, mean, variance


EPS = st.sampled_from([1e-5, 1e-3, 0.5])


@given(data=st.data(), case=cases(), eps=EPS)
def test_training_equals_its_twin(data, case, eps):
    x, weight, bias, *_ = case
    expected = reference.batch_norm(x, weight, bias, training=True, eps=eps)
    x = data.draw(strategies.layouts(x))
    result = batch_norm(Tensor(x), weight, bias, training=True, eps=eps)
    np.testing.assert_allclose(result.data, expected, rtol=1e-9, atol=1e-10)


@given(data=st.data(), case=cases(allow_empty=True), eps=EPS)
def test_frozen_equals_its_twin(data, case, eps):
    x, *statistics = case
    expected = reference.frozen_batch_norm(x, *statistics, eps)
    x = data.draw(strategies.layouts(x))
    frozen = frozen_batch_norm(Tensor(x), *statistics, eps)
    np.testing.assert_allclose(frozen.data, expected, rtol=1e-10, atol=1e-11)
    evaluated = batch_norm(Tensor(x), *statistics, eps=eps)
    assert np.array_equal(evaluated.data, frozen.data)


@given(case=cases(), eps=EPS)
def test_training_gradients(case, eps):
    inputs = [array for array in case[:3] if array is not None]
    has_weight, has_bias = (array is not None for array in case[1:3])

    def operation(x, *rest):
        rest = list(rest)
        weight = rest.pop(0) if has_weight else None
        bias = rest.pop(0) if has_bias else None
        return batch_norm(x, weight, bias, training=True, eps=eps)

    gradcheck(operation, *inputs)


@given(case=cases(), eps=EPS)
def test_frozen_gradients(case, eps):
    x, weight, bias, mean, variance = case
    if weight is None or bias is None:
        adjoint_check(lambda x: frozen_batch_norm(x, weight, None, 0 * mean, variance, eps), x)
    else:
        gradcheck(lambda x, w, b: frozen_batch_norm(x, w, b, mean, variance, eps), x, weight, bias)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
@given(case=cases(), training=st.booleans())
def test_with_relu_it_is_relu_of_batch_norm_in_value_and_gradients(activation, case, training):
    after = {"relu": relu, "relu6": relu6}[activation]
    x, weight, bias, *statistics = case
    grad = np.random.default_rng(0).standard_normal(x.shape)
    results = []
    for fused in (True, False):
        tensors = [None if a is None else Tensor(a, requires_grad=True) for a in (x, weight, bias)]
        y = batch_norm(*tensors, *statistics, training, activation=activation if fused else None)
        y = y if fused else after(y)
        y.backward(grad)
        results.append([y.data, *[t.grad for t in tensors if t is not None]])
    for one, other in zip(*results, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("training", [True, False])
def test_relu6_cuts_at_both_ends(training):
    x = Tensor(np.array([[-3.0], [0.0], [3.0]]), requires_grad=True)
    weight, bias = np.array([8.0]), np.array([3.0])
    y = batch_norm(x, weight, bias, np.zeros(1), np.ones(1), training, activation="relu6")
    assert y.data.ravel().tolist() == [0.0, 3.0, 6.0]
    shift = Tensor(bias, requires_grad=True)
    batch_norm(x, weight, shift, np.zeros(1), np.ones(1), training, activation="relu6").backward(
        np.array([[np.inf], [2.0], [np.nan]])
    )
    assert shift.grad.tolist() == [2.0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("blocked", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("device", [np, pytest.param(cupy, marks=needs_compiler)])
def test_a_gradient_behind_the_relu_is_zero_whatever_it_is(training, blocked, device):
    x = np.array([[-3.0], [1.0], [2.0], [-4.0]])
    results = []
    for value in (0.0, blocked):
        leaves = [Tensor(device.asarray(a), requires_grad=True) for a in (x, np.ones(1), x[0] * 0)]
        statistics = [device.asarray(np.array([v])) for v in (-1.0, 4.0)]
        y = batch_norm(*leaves, *statistics, training, activation="relu")
        grad = np.where(to_numpy(y.data) > 0, 1.0, value)
        y.backward(device.asarray(grad))
        results.append([to_numpy(leaf.grad) for leaf in leaves])
    assert np.isfinite(results[0][0]).all()
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_what_is_wanted_gets_a_gradient():
    x = np.random.default_rng(0).standard_normal((4, 3, 2, 2))
    one = np.ones(3)
    weight = Tensor(one, requires_grad=True)
    batch_norm(x, weight, Tensor(one), training=True).sum().backward()
    np.testing.assert_allclose(weight.grad, 0, atol=1e-12)  # the sum of all x̂ of a channel
    bias = Tensor(one, requires_grad=True)
    frozen_batch_norm(x, one, bias, one, one).sum().backward()
    assert bias.grad.tolist() == [16.0] * 3


@given(case=cases())
def test_the_normalised_batch_has_mean_zero_and_variance_one(case):
    x = case[0]
    y = batch_norm(x, None, None, training=True, eps=0.0).data
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(y.mean(axis=axes), 0, atol=1e-9)
    np.testing.assert_allclose(y.var(axis=axes), 1, rtol=1e-9)


def test_a_constant_channel_becomes_the_bias():
    x = np.full((4, 2, 3, 3), 7.0, np.float32)
    y = batch_norm(x, np.ones(2, np.float32), np.array([1, 2], np.float32), training=True)
    np.testing.assert_allclose(y.data[:, 0], 1, atol=1e-6)
    np.testing.assert_allclose(y.data[:, 1], 2, atol=1e-6)


def test_float32_is_close_to_float64_and_float64_statistics_do_not_widen_it():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3, 8, 8)) + 5
    weight, bias, mean = rng.standard_normal((3, 3))
    variance = rng.uniform(0.5, 2, 3)
    single = [array.astype(np.float32) for array in (x, weight, bias)]
    for training in (True, False):
        precise = batch_norm(x, weight, bias, mean, variance, training)
        tensors = [Tensor(array, requires_grad=True) for array in single]
        result = batch_norm(*tensors, mean, variance, training)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result.data, precise.data, rtol=1e-4, atol=1e-4)
        result.sum().backward()
        assert {tensor.grad.dtype for tensor in tensors} == {np.dtype(np.float32)}


@pytest.mark.parametrize("far", [0.0, 3.0, 50.0, 1000.0])
@pytest.mark.parametrize("size", [(5, 4), (13, 11)])  # rows shorter and longer than 128
def test_a_mean_far_from_zero_costs_no_digits(far, size):
    """E[x²] - E[x]² would be the difference of two large numbers."""
    rng = np.random.default_rng(0)
    shape = (6, 3, *size)
    # What float32 holds exactly, so that only the operation rounds.
    x = (rng.standard_normal(shape) + [[[0]], [[far]], [[1]]]).astype(np.float32)
    grad = rng.standard_normal(shape).astype(np.float32)
    results = []
    for dtype in (np.float32, np.float64):
        leaves = [Tensor(a.astype(dtype), requires_grad=True) for a in (x, np.ones(3), np.ones(3))]
        y = batch_norm(*leaves, training=True, activation="relu")
        y.backward(grad.astype(dtype))
        results.append([y.data, *(leaf.grad for leaf in leaves)])
    for single, double in zip(*results, strict=True):
        error = np.linalg.norm(single - double) / np.linalg.norm(double)
        assert error < max(2e-6, 2e-7 * far)  # the mean itself has seven digits


def test_inputs_are_not_changed():
    x = np.random.default_rng(0).standard_normal((4, 3, 2, 2))
    before, mean, variance = x.copy(), np.zeros(3), np.ones(3)
    batch_norm(x, None, None, mean, variance, training=True)
    batch_norm(x, None, None, mean, variance)
    assert np.array_equal(x, before)
    assert not mean.any()
    assert variance.tolist() == [1.0] * 3


def test_messages():
    x, one = np.zeros((4, 3, 2, 2)), np.ones(3)
    with pytest.raises(ValueError, match=r"at least 2 values per channel.*x=\(1, 3, 1, 1\) has 1"):
        batch_norm(x[:1, :, :1, :1], one, one, training=True)
    with pytest.raises(ValueError, match=r"x=\(0, 3, 2, 2\) has 0"):
        batch_norm(x[:0], one, one, training=True)
    with pytest.raises(ValueError, match="evaluation needs running_mean and running_var"):
        batch_norm(x, one, one)
    with pytest.raises(
        ValueError, match='activation must be "relu", "relu6" or None but is \'elu\''
    ):
        batch_norm(x, one, one, training=True, activation="elu")
    with pytest.raises(ValueError, match=r"batch_norm: weight must have .* 3 channels.*\(2,\)"):
        batch_norm(x, one[:2], one, training=True)
    with pytest.raises(ValueError, match=r"frozen_batch_norm: running_var must have .*\(3, 1\)"):
        frozen_batch_norm(x, one, one, one, one[:, None])
    with pytest.raises(ValueError, match=r"x must be \(N, C\) or \(N, C, H, W\); x=\(3,\)"):
        frozen_batch_norm(one, one, one, one, one)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float16", "bool"])
def test_small_dtypes_are_widened(dtype):
    """In whole numbers 1 / sqrt(4) would be 0, and all results with it."""
    x = np.array([[2, 100], [3, 120]]).astype(dtype)
    one, four = (
        np.array([1, 1]).astype(dtype),
        np.array([4, 4], "uint8" if dtype == "bool" else dtype),
    )
    y = frozen_batch_norm(x, one, one, one, four, eps=0.0)
    np.testing.assert_allclose(y.data, (x.astype(float) - 1) / 2 + 1, rtol=1e-6)
    for case in (x, np.asfortranarray(x)):
        y = batch_norm(case, one, None, training=True).data
        expected = reference.batch_norm(case.astype(float), one.astype(float), None, training=True)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16"])
def test_statistics_of_small_dtypes_beside_float32(dtype):
    x = np.array([[2, 4]], np.float32)
    y = frozen_batch_norm(x, None, None, np.array([1, 1], dtype), np.array([0, 4], dtype))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, [[1 / np.sqrt(1e-5), 3 / np.sqrt(4 + 1e-5)]], rtol=1e-6)


def test_a_mean_over_more_values_than_float16_counts():
    x = np.linspace(-1, 1, 70_000, dtype=np.float16).reshape(70_000, 1)
    y = batch_norm(x, None, None, training=True).data
    assert abs(float(y.mean())) < 1e-4 and abs(float(y.var()) - 1) < 1e-3
