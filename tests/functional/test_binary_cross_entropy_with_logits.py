import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import binary_cross_entropy_with_logits
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@st.composite
def cases(draw, allow_empty=False):
    """(logits, targets, weight) with a weight that is None, full, or broadcast."""
    shape = draw(strategies.shapes(max_dims=3, allow_empty=allow_empty))
    logits = draw(strategies.arrays(shape, -4, 4))
    targets = draw(strategies.arrays(shape, 0, 1))
    weight_shape = draw(st.sampled_from([None, shape, shape[-1:]]))
    weight = None if weight_shape is None else draw(strategies.arrays(weight_shape, 0, 2))
    return logits, targets, weight


@given(data=st.data(), case=cases(allow_empty=True), reduction=REDUCTIONS)
def test_equals_its_twin(data, case, reduction):
    logits, targets, weight = case
    expected = reference.binary_cross_entropy_with_logits(logits, targets, weight, reduction)
    logits = Tensor(data.draw(strategies.layouts(logits)))
    targets = data.draw(strategies.layouts(targets))
    result = binary_cross_entropy_with_logits(logits, targets, weight, reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-10, atol=1e-14)


@given(case=cases(), reduction=REDUCTIONS)
def test_gradients(case, reduction):
    logits, targets, weight = case
    gradcheck(
        lambda x, t: binary_cross_entropy_with_logits(x, t, weight, reduction), logits, targets
    )


def test_huge_logits_neither_overflow_nor_lose_their_slope():
    x = Tensor(np.array([-1000.0, -1000.0, 1000.0, 1000.0, 0.0], np.float32), requires_grad=True)
    targets = np.array([0, 1, 0, 1, 1])
    loss = binary_cross_entropy_with_logits(x, targets, reduction="none")
    assert loss.data[:4].tolist() == [0.0, 1000.0, 1000.0, 0.0]
    loss.backward(np.ones(5, np.float32))
    assert x.grad.tolist() == [0.0, -1.0, 1.0, 0.0, -0.5]


def test_tiny_probabilities_keep_their_relative_precision():
    x = Tensor(np.array([-60.0], np.float32), requires_grad=True)
    loss = binary_cross_entropy_with_logits(x, np.zeros(1, np.float32))
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.exp(-60.0), rtol=1e-5)
    np.testing.assert_allclose(x.grad, [np.exp(-60.0)], rtol=1e-5)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8])
def test_targets_may_be_boolean_or_whole(dtype):
    logits = np.array([0.5, -1.0], np.float32)
    expected = binary_cross_entropy_with_logits(logits, np.array([1.0, 0.0], np.float32))
    result = binary_cross_entropy_with_logits(logits, np.array([1, 0], dtype))
    assert result.dtype == np.float32
    assert result.item() == expected.item()


def test_float32_is_close_to_float64():
    rng = np.random.default_rng(0)
    logits, targets = 3 * rng.standard_normal((40, 5)), rng.uniform(0, 1, (40, 5))
    weight = rng.uniform(0, 1, 5)
    precise = binary_cross_entropy_with_logits(logits, targets, weight)
    result = binary_cross_entropy_with_logits(
        logits.astype(np.float32), targets.astype(np.float32), weight
    )
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data, precise.data, rtol=1e-5)


def test_without_elements_the_loss_is_zero():
    x = Tensor(np.zeros((0, 2)), requires_grad=True)
    loss = binary_cross_entropy_with_logits(x, np.zeros((0, 2)))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.shape == (0, 2)


def test_messages():
    zeros = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"same shape; logits=\(2, 3\), targets=\(2,\)"):
        binary_cross_entropy_with_logits(zeros, np.zeros(2))
    with pytest.raises(ValueError, match=r"weight must broadcast .* weight=\(4, 2, 3\)"):
        binary_cross_entropy_with_logits(zeros, zeros, np.ones((4, 2, 3)))
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits: reduction must be"):
        binary_cross_entropy_with_logits(zeros, zeros, reduction="all")
