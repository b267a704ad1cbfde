import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import multiclass_hinge
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@given(data=st.data(), reduction=REDUCTIONS, margin=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_equals_its_twin(data, reduction, margin):
    samples, classes = data.draw(strategies.distinct_sizes(2))
    samples = data.draw(st.sampled_from([0, samples]))
    scores = data.draw(strategies.arrays((samples, classes)))
    labels = np.random.default_rng(data.draw(strategies.seeds())).integers(0, classes, samples)
    expected = reference.multiclass_hinge(scores, labels, margin, reduction)
    scores = data.draw(strategies.layouts(scores))
    result = multiclass_hinge(Tensor(scores), labels, margin, reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-14)


@given(data=st.data(), reduction=REDUCTIONS)
def test_gradient(data, reduction):
    samples, classes = data.draw(strategies.distinct_sizes(2))
    scores = data.draw(strategies.arrays((samples, classes)))
    labels = np.random.default_rng(data.draw(strategies.seeds())).integers(0, classes, samples)
    gradcheck(lambda s: multiclass_hinge(s, labels, reduction=reduction), scores)


def test_lecture_examples():
    # Columns of the lecture's table: cat, car and frog image; losses 2.9, 0 and 12.9.
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    losses = multiclass_hinge(scores, np.array([0, 1, 2]), reduction="none")
    np.testing.assert_allclose(losses.data, [2.9, 0.0, 12.9])
    np.testing.assert_allclose(multiclass_hinge(scores, np.array([0, 1, 2])).item(), 15.8 / 3)


def test_a_class_exactly_at_the_margin_has_slope_zero():
    scores = Tensor(np.array([[2.0, 1.0, 3.0]]), requires_grad=True)
    loss = multiclass_hinge(scores, np.array([0]))  # classes 1 and 2 miss by 0 and 2
    loss.backward()
    assert loss.item() == 2.0
    assert scores.grad.tolist() == [[-1.0, 0.0, 1.0]]


def test_float32_is_close_to_float64():
    scores = np.random.default_rng(0).standard_normal((30, 6))
    labels = np.arange(30) % 6
    single = Tensor(scores.astype(np.float32), requires_grad=True)
    loss = multiclass_hinge(single, labels)
    loss.backward()
    assert loss.dtype == single.grad.dtype == np.float32
    np.testing.assert_allclose(loss.item(), multiclass_hinge(scores, labels).item(), rtol=1e-5)


def test_no_samples():
    scores = Tensor(np.zeros((0, 4)), requires_grad=True)
    loss = multiclass_hinge(scores, np.zeros(0, int))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad.shape == (0, 4)


@pytest.mark.host_only
def test_a_label_out_of_range_is_named():
    with pytest.raises(ValueError, match="multiclass_hinge: label 3 is out of range"):
        multiclass_hinge(np.zeros((2, 3)), np.array([0, 3]))


def test_messages():
    scores = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"scores must be \(N, K\).*labels=\(3,\)"):
        multiclass_hinge(scores, np.array([0, 1, 2]))
    with pytest.raises(TypeError, match="labels must be whole numbers but are float64"):
        multiclass_hinge(scores, np.zeros(2))
    with pytest.raises(ValueError, match="multiclass_hinge: reduction must be"):
        multiclass_hinge(scores, np.array([0, 1]), reduction="average")
