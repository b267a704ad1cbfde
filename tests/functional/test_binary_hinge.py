import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import binary_hinge
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
NORMS = st.sampled_from(["l1", "l2"])


def signs(shape, seed):
    return np.random.default_rng(seed).choice([-1, 1], shape)


@given(data=st.data(), reduction=REDUCTIONS, norm=NORMS)
def test_equals_its_twin(data, reduction, norm):
    shape = data.draw(strategies.shapes(max_dims=3, allow_empty=True))
    scores = data.draw(strategies.arrays(shape))
    targets = signs(shape, data.draw(strategies.seeds()))
    expected = reference.binary_hinge(scores, targets, norm, reduction)
    scores = data.draw(strategies.layouts(scores))
    result = binary_hinge(Tensor(scores), targets, norm, reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-15)


@given(data=st.data(), reduction=REDUCTIONS, norm=NORMS)
def test_gradient(data, reduction, norm):
    shape = data.draw(strategies.shapes(max_dims=3))
    scores = data.draw(strategies.arrays(shape))
    targets = signs(shape, data.draw(strategies.seeds()))
    gradcheck(lambda s: binary_hinge(s, targets, norm, reduction), scores)


@pytest.mark.parametrize(("norm", "slopes"), [("l1", [0, 0, -1, 1]), ("l2", [0, 0, -1, 5])])
def test_hand_computed_slopes_and_the_kink(norm, slopes):
    # At the margin, beyond it, half way inside, and on the wrong side.
    scores = Tensor(np.array([1.0, 2.0, 0.5, 1.5]), requires_grad=True)
    binary_hinge(scores, np.array([1, 1, 1, -1]), norm, "sum").backward()
    assert scores.grad.tolist() == slopes


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_float32_is_close_to_float64(norm):
    scores = np.random.default_rng(0).standard_normal((30, 6))
    targets = signs(scores.shape, 1)
    single = Tensor(scores.astype(np.float32), requires_grad=True)
    loss = binary_hinge(single, targets, norm)
    loss.backward()
    assert loss.dtype == single.grad.dtype == np.float32
    np.testing.assert_allclose(loss.item(), binary_hinge(scores, targets, norm).item(), rtol=1e-5)


def test_messages():
    scores = np.zeros((2, 3))
    targets = np.ones((2, 3))
    with pytest.raises(ValueError, match="targets must be -1 or \\+1 but one is 0"):
        binary_hinge(scores, np.array([[1, 0, 1], [1, 1, 1]]))
    with pytest.raises(ValueError, match=r"same shape; scores=\(2, 3\), targets=\(2,\)"):
        binary_hinge(scores, targets[:, 0])
    with pytest.raises(ValueError, match="norm must be 'l1' or 'l2' but is 'L1'"):
        binary_hinge(scores, targets, norm="L1")
    with pytest.raises(ValueError, match="binary_hinge: reduction must be"):
        binary_hinge(scores, targets, reduction="average")
