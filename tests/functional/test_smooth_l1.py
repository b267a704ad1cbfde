import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import l1_loss, smooth_l1
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
BETAS = st.sampled_from([0.0, 1 / 9, 0.5, 1.0, 3.0])


@given(data=st.data(), reduction=REDUCTIONS, beta=BETAS)
def test_equals_its_twin(data, reduction, beta):
    shape = data.draw(strategies.shapes(allow_empty=True))
    x = data.draw(strategies.arrays(shape))
    target = data.draw(strategies.arrays(shape))
    expected = reference.smooth_l1(x, target, beta=beta, reduction=reduction)
    x = data.draw(strategies.layouts(x))
    target = data.draw(strategies.layouts(target))
    result = smooth_l1(Tensor(x), target, beta=beta, reduction=reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-15)


@given(data=st.data(), reduction=REDUCTIONS, beta=BETAS)
def test_gradients(data, reduction, beta):
    shape = data.draw(strategies.shapes())
    # Away from 0, where the absolute value has its kink.
    difference = data.draw(strategies.distinct_arrays(shape, scale=2.0))
    target = data.draw(strategies.arrays(shape))
    gradcheck(
        lambda x, t: smooth_l1(x, t, beta=beta, reduction=reduction), target + difference, target
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_float32_stays_and_is_close_to_float64(reduction):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((2, 50, 4))
    precise = smooth_l1(x, target, reduction=reduction)
    single = Tensor(x.astype(np.float32), requires_grad=True)
    result = smooth_l1(single, target.astype(np.float32), reduction=reduction)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.data, precise.data, rtol=1e-5, atol=1e-6)
    result.backward(np.ones(result.shape, np.float32))
    assert single.grad.dtype == np.float32


def test_without_elements_loss_and_gradient_are_empty_or_zero():
    x = Tensor(np.zeros((0, 4)), requires_grad=True)
    loss = smooth_l1(x, np.zeros((0, 4)))
    loss.backward()
    assert loss.item() == 0
    assert x.grad.shape == (0, 4)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"smooth_l1: input and target .*\(3, 1\), target=\(3,"):
        smooth_l1(np.zeros((3, 1)), np.zeros(3))


def test_unknown_reduction():
    with pytest.raises(ValueError, match="smooth_l1: reduction must be"):
        smooth_l1(np.zeros(3), np.zeros(3), reduction="average")


def test_beta_zero_is_the_l1_loss_also_at_its_kink():
    x = Tensor(np.array([0.0, 0.5, -2.0]), requires_grad=True)
    loss = smooth_l1(x, np.zeros(3), beta=0.0, reduction="sum")
    loss.backward()
    assert loss.item() == l1_loss(x, np.zeros(3), reduction="sum").item() == 2.5
    assert x.grad.tolist() == [0.0, 1.0, -1.0]


def test_both_pieces_meet_at_beta_with_slope_one():
    beta = 1 / 9  # sigma = 3
    x = Tensor(np.array([beta, np.nextafter(beta, 0), -beta]), requires_grad=True)
    loss = smooth_l1(x, np.zeros(3), beta=beta, reduction="none")
    np.testing.assert_allclose(loss.data, beta / 2)
    loss.backward(np.ones(3))
    np.testing.assert_allclose(x.grad, [1.0, 1.0, -1.0])


def test_negative_beta():
    with pytest.raises(ValueError, match=r"smooth_l1: beta must not be negative but is -1"):
        smooth_l1(np.zeros(3), np.zeros(3), beta=-1)
