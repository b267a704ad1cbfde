"""float32 keeps its digits far out and near 0, and infinity has its limit."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax

from minicv import Tensor
from minicv import functional as F

INF, NAN = np.inf, np.nan
FAR = [-300.0, -80.0, -30.0, -15.0, -5.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 5.0, 15.0, 30.0, 80.0, 300.0]
TARGETS = [0.0, 1e-6, 0.3, 0.5, 0.999999, 1.0]


def value_and_gradient(operation, x, arriving=1.0):
    x = Tensor(np.array(x, np.float32), requires_grad=True)
    y = operation(x)
    y.backward(np.broadcast_to(np.float32(arriving), y.shape))
    return y.data, x.grad


def bce(target):
    def loss(x):
        targets = np.broadcast_to(np.float32(target), x.shape)
        return F.binary_cross_entropy_with_logits(x, targets, reduction="none")

    return loss


def test_the_loss_of_a_confident_and_right_score():
    for logit, target in ((15.0, 1.0), (-15.0, 0.0)):
        loss, gradient = value_and_gradient(bce(target), [logit])
        np.testing.assert_allclose(loss, 3.059023e-07, rtol=1e-6)
        np.testing.assert_allclose(np.abs(gradient), 3.059022e-07, rtol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_binary_cross_entropy_keeps_its_digits(target):
    x, t = np.array(FAR), float(np.float32(target))
    loss, gradient = value_and_gradient(bce(target), FAR)
    against = np.where(x > 0, 1 - t, t)
    np.testing.assert_allclose(loss, against * abs(x) + np.log1p(np.exp(-abs(x))), 1e-6, 1e-38)
    # σ(x) - t = (1 - t) σ(x) - t σ(-x), in float64
    expected = (1 - t) * expit(x) - t * expit(-x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7 if 0 < t < 1 else 1e-38)


def test_binary_cross_entropy_of_infinite_logits():
    agree, gradient = value_and_gradient(bce([1.0, 0.0]), [INF, -INF])
    assert agree.tolist() == [0.0, 0.0] and gradient.tolist() == [0.0, 0.0]
    differ, gradient = value_and_gradient(bce([0.0, 1.0]), [INF, -INF])
    assert differ.tolist() == [INF, INF] and gradient.tolist() == [1.0, -1.0]
    soft, gradient = value_and_gradient(bce(0.25), [INF, -INF])
    assert soft.tolist() == [INF, INF] and gradient.tolist() == [0.75, -0.25]
    unknown, gradient = value_and_gradient(bce(1.0), [NAN])
    assert np.isnan(unknown).all() and np.isnan(gradient).all()
    mean = F.binary_cross_entropy_with_logits(np.float32([INF, 0]), np.float32([1, 1]))
    np.testing.assert_allclose(mean.item(), np.log(2) / 2, rtol=1e-6)


def test_sigmoid_keeps_the_digits_of_its_gradient():
    y, gradient = value_and_gradient(F.sigmoid, [*FAR, INF, -INF])
    x = np.array([*FAR, INF, -INF])
    np.testing.assert_allclose(y, expit(x), rtol=1e-6, atol=1e-38)
    np.testing.assert_allclose(gradient, expit(x) * expit(-x), rtol=1e-6, atol=1e-38)
    assert np.isnan(value_and_gradient(F.sigmoid, [NAN])).all()


def test_tanh_keeps_the_digits_of_its_gradient():
    x = [-INF, -20.0, -9.0, -1.0, 0.0, 1e-4, 3.0, 9.5, 40.0, INF]
    y, gradient = value_and_gradient(F.tanh, x)
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-6)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(gradient, np.cosh(x) ** -2.0, rtol=2e-6)


@pytest.mark.parametrize("operation", [F.softmax, F.log_softmax])
def test_infinite_scores(operation):
    logarithm = operation is F.log_softmax
    for scores, expected in {
        (INF, 0.0, -INF): [1, 0, 0],
        (INF, INF, 3.0): [0.5, 0.5, 0],
        (-INF, 0.0, 0.0): [0, 0.5, 0.5],
        (3e38, -3e38, -INF): [1, 0, 0],
    }.items():
        y, gradient = value_and_gradient(lambda x: operation(x, 0), scores, [1.0, 2.0, 4.0])
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(y, np.log(expected) if logarithm else expected, rtol=1e-6)
        assert np.isfinite(gradient).all()
    for scores in ([-INF, -INF], [NAN, 0.0]):
        assert np.isnan(value_and_gradient(lambda x: operation(x, 0), scores)).all()


def test_log_softmax_keeps_its_digits_near_zero():
    scores = [[15.0, 0.0, -1.0], [40.0, 0.0, 0.0], [0.0, 0.0, -20.0]]
    y, gradient = value_and_gradient(lambda x: F.log_softmax(x, 1), scores, [-1.0, 0.0, 0.0])
    expected = log_softmax(np.array(scores), axis=1)
    np.testing.assert_allclose(y[:2, 0], [4.184374e-07, 8.49671e-18] * np.array(-1), rtol=1e-5)
    np.testing.assert_allclose(y[2], expected[2], rtol=1e-6)
    np.testing.assert_allclose(gradient[:, 0], [-4.184374e-07, -8.49671e-18, -0.5], rtol=1e-5)
    np.testing.assert_allclose(gradient[:, 1:], np.exp(expected[:, 1:]), rtol=1e-5)


def test_cross_entropy_of_infinite_and_huge_logits():
    def loss(x):
        return F.softmax_cross_entropy(x, np.zeros(len(x.data), int), reduction="none")

    logits = [[INF, 0.0], [0.0, INF], [-INF, 0.0], [0.0, -INF], [3e38, -3e38], [INF, INF]]
    y, gradient = value_and_gradient(loss, logits)
    np.testing.assert_allclose(y, [0, INF, INF, 0, 0, np.log(2)], rtol=1e-6)
    expected = [[0, 0], [-1, 1], [-1, 1], [0, 0], [0, 0], [-0.5, 0.5]]
    assert gradient.tolist() == expected


def test_kl_divergence_keeps_its_digits_near_one_and_its_limits():
    def kl(x):
        return F.kl_divergence(np.zeros(x.shape, np.float32), x, "none")

    logvar = np.array([[1e-3], [-1e-3], [1e-2], [3.0]])
    y, gradient = value_and_gradient(kl, logvar)
    exact = 0.5 * (np.expm1(logvar) - logvar)
    np.testing.assert_allclose(y[:, None], exact, rtol=1e-3)
    np.testing.assert_allclose(gradient, 0.5 * np.expm1(logvar), rtol=1e-6)
    y, gradient = value_and_gradient(kl, [[INF], [-INF], [0.0]])
    assert y.tolist() == [INF, INF, 0.0]
    assert gradient.tolist() == [[INF], [-0.5], [0.0]]


def test_hinges_of_infinite_scores():
    def binary(x):
        return F.binary_hinge(x, np.array([1, -1, 1, -1]), reduction="none")

    y, gradient = value_and_gradient(binary, [INF, -INF, -INF, INF])
    assert y.tolist() == [0.0, 0.0, INF, INF] and gradient.tolist() == [0.0, 0.0, -1.0, 1.0]

    def multiclass(x):
        return F.multiclass_hinge(x, np.array([0, 0, 0, 0]), reduction="none")

    scores = [[INF, 0.0, 0.0], [-INF, 0.0, 0.0], [0.0, INF, 0.0], [0.0, -INF, 1.0]]
    y, gradient = value_and_gradient(multiclass, scores)
    assert y.tolist() == [0.0, INF, INF, 2.0]
    assert gradient.tolist() == [[0, 0, 0], [-2, 1, 1], [-2, 1, 1], [-1, 0, 1]]


@pytest.mark.parametrize("beta", [0.0, 1 / 9, 1.0])
def test_differences_that_are_infinite_or_huge(beta):
    target = np.array([0.0, 0.0, INF, 0.0, NAN], np.float32)
    x = [INF, -INF, INF, 3e38, 1.0]
    y, gradient = value_and_gradient(lambda x: F.smooth_l1(x, target, beta, "none"), x)
    np.testing.assert_array_equal(y, np.float32([INF, INF, 0, 3e38, NAN]))
    np.testing.assert_array_equal(gradient, [1, -1, 0, 1, NAN])
    y, gradient = value_and_gradient(lambda x: F.l2_loss(x, np.float32([INF]), "none"), [INF])
    assert y.tolist() == gradient.tolist() == [0.0]


def test_powers_at_zero_and_infinity():
    for exponent, values, slopes in (
        (0, [1, 1, 1], [0, 0, 0]),
        (1, [0, INF, NAN], [1, 1, 1]),
        (2, [0, INF, NAN], [0, INF, NAN]),
        (3.0, [0, INF, NAN], [0, INF, NAN]),
    ):
        y, gradient = value_and_gradient(lambda x, p=exponent: F.power(x, p), [0.0, INF, NAN])
        np.testing.assert_array_equal(y, values)
        np.testing.assert_array_equal(gradient, slopes)
    for exponent, value, slope in ((0.5, 0, INF), (-1, INF, -INF), (-0.5, INF, -INF)):
        with np.errstate(divide="ignore"):
            y, gradient = value_and_gradient(lambda x, p=exponent: F.power(x, p), [0.0])
        assert (y.item(), gradient.item()) == (value, slope)


def test_powers_of_tensors_at_zero():
    x = Tensor(np.array([0.0, 0.0, 0.0, 0.0, INF, NAN]), requires_grad=True)
    p = Tensor(np.array([0.0, 2.0, 1.0, -1.0, 0.0, 0.0]), requires_grad=True)
    with np.errstate(divide="ignore"):
        y = F.power(x, p)
        y.backward(np.ones(6))
    assert y.data.tolist() == [1, 0, 0, INF, 1, 1]
    assert x.grad.tolist() == [0, 0, 1, -INF, 0, 0]
    assert p.grad[:5].tolist() == [0, 0, 0, -INF, INF] and np.isnan(p.grad[5])


def test_roots_and_logarithms_at_zero():
    with np.errstate(divide="ignore"):
        y, gradient = value_and_gradient(F.sqrt, [0.0, 4.0, INF])
        assert y.tolist() == [0, 2, INF] and gradient.tolist() == [INF, 0.25, 0]
        y, gradient = value_and_gradient(F.log, [0.0, 1.0, INF])
        assert y.tolist() == [-INF, 0, INF] and gradient.tolist() == [INF, 1, 0]
