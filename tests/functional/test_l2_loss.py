import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import l2_loss
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@given(data=st.data(), reduction=REDUCTIONS)
def test_equals_its_twin(data, reduction):
    shape = data.draw(strategies.shapes(allow_empty=True))
    x = data.draw(strategies.arrays(shape))
    target = data.draw(strategies.arrays(shape))
    expected = reference.l2_loss(x, target, reduction=reduction)
    x = data.draw(strategies.layouts(x))
    target = data.draw(strategies.layouts(target))
    result = l2_loss(Tensor(x), target, reduction=reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-15)


@given(data=st.data(), reduction=REDUCTIONS)
def test_gradients(data, reduction):
    shape = data.draw(strategies.shapes())
    difference = data.draw(strategies.distinct_arrays(shape, scale=2.0))
    target = data.draw(strategies.arrays(shape))
    gradcheck(lambda x, t: l2_loss(x, t, reduction=reduction), target + difference, target)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_float32_stays_and_is_close_to_float64(reduction):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((2, 50, 4))
    precise = l2_loss(x, target, reduction=reduction)
    single = Tensor(x.astype(np.float32), requires_grad=True)
    result = l2_loss(single, target.astype(np.float32), reduction=reduction)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data, precise.data, rtol=1e-5, atol=1e-6)
    result.backward(np.ones(result.shape, np.float32))
    assert single.grad.dtype == np.float32


def test_without_elements_loss_and_gradient_are_empty_or_zero():
    x = Tensor(np.zeros((0, 4)), requires_grad=True)
    loss = l2_loss(x, np.zeros((0, 4)))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.shape == (0, 4)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"l2_loss: input and target .*\(3, 1\), target=\(3,"):
        l2_loss(np.zeros((3, 1)), np.zeros(3))


def test_unknown_reduction():
    with pytest.raises(ValueError, match="l2_loss: reduction must be"):
        l2_loss(np.zeros(3), np.zeros(3), reduction="average")


def test_hand_computed():
    x = Tensor(np.array([[1.0, 5.0]]), requires_grad=True)
    loss = l2_loss(x, np.array([[2.0, 2.0]]))
    loss.backward()
    assert loss.item() == 5.0  # (1 + 9) / 2, no half
    assert x.grad.tolist() == [[-1.0, 3.0]]
