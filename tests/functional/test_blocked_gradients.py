"""What an operation blocks is 0: a gradient of infinity or NaN, and a value that does not count.

A product with a mask would make NaN of it, and the NaN would go into every parameter in front.
"""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F

INF, NAN = np.inf, np.nan
PASSES = 5.0


def gradient(operation, x, arriving):
    x = Tensor(np.array(x, np.float32), requires_grad=True)
    y = operation(x)
    y.backward(np.broadcast_to(np.float32(arriving), y.shape))
    return x.grad


def half(x):
    return F.dropout(x, 0.5, rng=np.random.default_rng(1))


# Each: an operation, an input, and which of its elements must get nothing.
BLOCKERS = {
    "relu": (F.relu, [-1.0, 0.0, 2.0], [1, 1, 0]),
    "relu6": (F.relu6, [-1.0, 0.0, 2.0, 6.0, 7.0], [1, 1, 0, 1, 1]),
    "leaky_relu, slope 0": (lambda x: F.leaky_relu(x, 0), [-1.0, 0.0, 2.0], [1, 1, 0]),
    "clip": (lambda x: F.clip(x, -1, 1), [-2.0, 0.5, 2.0], [1, 0, 1]),
    "clip below": (lambda x: F.clip(x, min=0), [-2.0, 0.5], [1, 0]),
    "clip above": (lambda x: F.clip(x, max=0), [-2.0, 0.5], [0, 1]),
    "maximum": (lambda x: F.maximum(x, 1.0), [0.0, 2.0], [1, 0]),
    "maximum, right": (lambda x: F.maximum(1.0, x), [0.0, 2.0], [1, 0]),
    "minimum": (lambda x: F.minimum(x, 1.0), [0.0, 2.0], [0, 1]),
    "minimum, right": (lambda x: F.minimum(1.0, x), [0.0, 2.0], [0, 1]),
    "abs": (F.abs, [-1.0, 0.0, 1.0], [0, 1, 0]),
    "elu, alpha 0": (lambda x: F.elu(x, 0), [-1.0, 0.0, 2.0], [1, 1, 0]),
    "prelu, slope 0": (lambda x: F.prelu(x, np.zeros(1, "f")), [-1.0, 0.0, 2.0], [1, 1, 0]),
    "where": (lambda x: F.where(x > 0, x, 0.0), [-1.0, 2.0], [1, 0]),
    "where, right": (lambda x: F.where(x > 0, 0.0, x), [-1.0, 2.0], [0, 1]),
    "max": (F.max, [1.0, 3.0, 2.0], [1, 0, 1]),
    "max of rows": (lambda x: F.max(x, 1), [[1.0, 3.0], [4.0, 2.0]], [[1, 0], [0, 1]]),
    "min": (F.min, [1.0, 3.0, 0.5], [1, 1, 0]),
    "max_with_indices": (lambda x: F.max_with_indices(x, 0).values, [3.0, 3.0, 2.0], [0, 1, 1]),
    "norm of zeros": (lambda x: F.norm(x, dim=1), [[0.0, 0.0], [3.0, 4.0]], [[1, 1], [0, 0]]),
    "std of equals": (lambda x: F.std(x, 1), [[2.0, 2.0], [1.0, 4.0]], [[1, 1], [0, 0]]),
    "power 0": (lambda x: F.power(x, 0), [0.0, 2.0], [1, 1]),
    "power tensor 0": (lambda x: F.power(x, np.float32([0, 1])), [0.0, 2.0], [1, 0]),
    "binary_hinge": (
        lambda x: F.binary_hinge(x, np.array([1, -1, -1]), reduction="none"),
        [2.0, -2.0, 0.0],
        [1, 1, 0],
    ),
    "binary_hinge, L2": (
        lambda x: F.binary_hinge(x, np.array([1, -1, -1]), "l2", "none"),
        [2.0, -2.0, 0.0],
        [1, 1, 0],
    ),
    "multiclass_hinge": (
        lambda x: F.multiclass_hinge(x, np.array([0, 0]), reduction="none"),
        [[3.0, 2.5, 0.0], [5.0, 0.0, 0.0]],
        [[0, 0, 1], [1, 1, 1]],
    ),
    "smooth_l1": (
        lambda x: F.smooth_l1(x, np.zeros(2, np.float32), reduction="none"),
        [0.0, 2.0],
        [1, 0],
    ),
    "l1_loss": (lambda x: F.l1_loss(x, np.zeros(2, np.float32), "none"), [0.0, 2.0], [1, 0]),
    "getitem": (lambda x: x[1:], [1.0, 2.0], [1, 0]),
    "getitem, repeated": (lambda x: x[[1, 1]], [1.0, 2.0], [1, 0]),
    "getitem, pairs": (lambda x: x[(0, 0), (1, 1)], [[1.0, 2.0]], [[1, 0]]),
    "max_pool2d": (
        lambda x: F.max_pool2d(x, 2),
        [[[[1.0, 2.0], [4.0, 3.0]]]],
        [[[[1, 1], [0, 1]]]],
    ),
    "max_pool2d, overlapping": (
        lambda x: F.max_pool2d(x, (1, 2), 1),
        [[[[1.0, 4.0, 3.0]]]],
        [[[[1, 0, 1]]]],
    ),
    "adaptive_max_pool2d": (
        lambda x: F.adaptive_max_pool2d(x, 1),
        [[[[1.0, 4.0, 3.0]]]],
        [[[[1, 0, 1]]]],
    ),
    "roi_pool": (
        lambda x: F.roi_pool(x, np.array([[0.0, 0, 1, 0]]), np.array([0]), 1),
        [[[[1.0, 4.0, 9.0]]]],
        [[[[1, 0, 1]]]],
    ),
    "unpool_bed_of_nails": (lambda x: F.unpool_bed_of_nails(x, 2)[:, :, 1], [[[[1.0]]]], [[[[1]]]]),
    "binary_cross_entropy, weight 0": (
        lambda x: F.binary_cross_entropy_with_logits(
            x, np.float32([0.0, 1.0]), np.array([0.0, 2.0]), "none"
        ),
        [1.0, 1.0],
        [1, 0],
    ),
}


@pytest.mark.parametrize("arriving", [INF, -INF])
@pytest.mark.parametrize(("operation", "x", "blocked"), BLOCKERS.values(), ids=BLOCKERS)
def test_infinity_stays_behind_what_blocks_it(operation, x, blocked, arriving):
    blocked = np.array(blocked, bool)
    through = gradient(operation, x, arriving)
    finite = gradient(operation, x, PASSES)
    assert (through[blocked] == 0).all() and (finite[blocked] == 0).all()
    assert (finite[~blocked] != 0).all() and not np.isfinite(through[~blocked]).any()


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_dropout_blocks_what_it_drops(p):
    def drop(x):
        return F.dropout(x, p, rng=np.random.default_rng(0))

    kept = drop(np.ones(40, np.float32)).data != 0
    assert kept.any() == (p < 1) and not kept.all()
    through = gradient(drop, np.ones(40), INF)
    assert (through[~kept] == 0).all() and np.isinf(through[kept]).all()
    for value in (INF, NAN):
        y = drop(np.full(40, value, np.float32)).data
        assert (y[~kept] == 0).all() and not np.isfinite(y[kept]).any()


def test_softmax_blocks_where_the_probability_is_zero():
    x = Tensor(np.array([1.0, 2.0, -INF]), requires_grad=True)
    F.softmax(x, 0).backward(np.array([1.0, 2.0, INF]))
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(x.grad, [-p * (1 - p), p * (1 - p), 0])


def test_log_softmax_of_a_masked_score_has_a_finite_gradient():
    x = Tensor(np.array([1.0, 2.0, -INF]), requires_grad=True)
    y = F.log_softmax(x, 0)
    y.backward(np.ones(3))
    assert y.data[2] == -INF
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(x.grad, [1 - 3 * p, 1 - 3 * (1 - p), 1])


@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.0])])
def test_an_infinite_gradient_of_a_loss_that_does_not_count(weight):
    x = Tensor(np.array([[1.0, 2.0], [1.0, 2.0]]), requires_grad=True)
    labels = np.array([-100, 0]) if weight is None else np.array([1, 0])
    F.softmax_cross_entropy(x, labels, weight, reduction="none").backward(np.array([INF, 1.0]))
    assert x.grad[0].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(x.grad[1], [-1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-1))])


def test_the_square_root_behind_a_relu():
    """sqrt has an infinite slope at 0, where the ReLU lets nothing through."""
    x = Tensor([-1.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        F.sqrt(F.relu(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_slopes_of_zero_do_not_multiply_infinite_values():
    x = np.array([INF, -INF, NAN], np.float32)
    np.testing.assert_array_equal(F.leaky_relu(x, 0).data, [INF, 0, NAN])


IGNORED = np.array([-100, 0, -100, -100, -100])
SPOILED = [[NAN, 0.0], [0.0, 1.0], [INF, 0.0], [-INF, -INF], [INF, INF]]
LOSS = 1.3132616875182228  # log(1 + e)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_ignored_label_shields_from_its_logits(reduction):
    x = Tensor(np.array(SPOILED), requires_grad=True)
    loss = F.softmax_cross_entropy(x, IGNORED, reduction=reduction)
    loss.backward()
    np.testing.assert_allclose(loss.item(), LOSS, rtol=1e-12)
    p = 1 / (1 + np.exp(-1))
    expected = [[0, 0], [-p, p], [0, 0], [0, 0], [0, 0]]
    np.testing.assert_allclose(x.grad, expected, rtol=1e-12)


def test_a_class_of_weight_zero_shields_from_its_logits():
    x = Tensor(np.array([[NAN, 0.0], [0.0, 1.0], [0.0, -INF]]), requires_grad=True)
    loss = F.softmax_cross_entropy(x, np.array([1, 0, 1]), np.array([1.0, 0.0]))
    loss.backward()
    np.testing.assert_allclose(loss.item(), LOSS, rtol=1e-12)
    assert x.grad[[0, 2]].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_ignored_pixels_shield_too():
    logits = np.zeros((1, 3, 2, 2))
    logits[0, 1, 0, 1], logits[0, :, 1, 0] = NAN, -INF
    labels = np.array([[[0, 255], [255, 2]]], np.uint8)
    x = Tensor(logits, requires_grad=True)
    loss = F.softmax_cross_entropy(x, labels, ignore_index=255)
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(3), rtol=1e-12)
    assert np.isfinite(x.grad).all() and (x.grad[0, :, [0, 1], [1, 0]] == 0).all()


def test_a_counted_nan_is_seen():
    for label, logits in ((0, [NAN, 0.0]), (1, [NAN, 0.0])):
        x = Tensor(np.array([logits]), requires_grad=True)
        loss = F.softmax_cross_entropy(x, np.array([label]))
        loss.backward()
        assert np.isnan(loss.item()) and np.isnan(x.grad).all()
        assert np.isnan(F.multiclass_hinge(x, np.array([label])).item())
    assert np.isnan(F.binary_hinge(np.array([NAN]), np.array([1])).item())


def test_a_weight_of_zero_shields_from_a_binary_logit():
    x = Tensor(np.array([NAN, INF, 1.0]), requires_grad=True)
    targets = Tensor(np.array([1.0, 0.0, 1.0]), requires_grad=True)
    weight = np.array([0.0, 0.0, 2.0])
    loss = F.binary_cross_entropy_with_logits(x, targets, weight, "sum")
    loss.backward()
    np.testing.assert_allclose(loss.item(), 2 * np.log1p(np.exp(-1)), rtol=1e-12)
    np.testing.assert_allclose(x.grad, [0, 0, -2 / (1 + np.e)], rtol=1e-12)
    assert targets.grad.tolist() == [0.0, 0.0, -2.0]


ZEROS = np.zeros(2, np.float32)


def two_scores(x):
    """x and 0 for each of two samples."""
    return F.stack([x, ZEROS], 1)


# What has an infinite slope, or none, at the element that is not chosen.
UNCHOSEN = {
    "divide": (lambda x: 1.0 / x, [0.0, 2.0], -0.25),
    "divide, above": (lambda x: x / (x * 0 + np.float32([0, 2])), [1.0, 2.0], 0.5),
    "sqrt": (F.sqrt, [0.0, 4.0], 0.25),
    "log": (F.log, [0.0, 4.0], 0.25),
    "exp": (F.exp, [1000.0, 0.0], 1.0),
    "power": (lambda x: x**0.5, [0.0, 4.0], 0.25),
    "power below 0": (lambda x: x**-1, [0.0, 2.0], -0.25),
    "power of tensors": (lambda x: F.power(x, np.float32([-1, 2])), [0.0, 2.0], 4.0),
    "power, exponent": (lambda x: F.power(np.float32([0, 1]), x), [-1.0, 2.0], 0.0),
    "square": (lambda x: x**2, [INF, 3.0], 6.0),
    "multiply": (lambda x: x * np.float32([INF, 3]), [1.0, 1.0], 3.0),
    "x log x": (lambda x: x * F.log(x), [0.0, 1.0], 1.0),
    "x log x, below 0": (lambda x: x * F.log(x), [-1.0, 1.0], 1.0),
    "abs": (F.abs, [NAN, -2.0], -1.0),
    "sigmoid of log": (lambda x: F.sigmoid(F.log(x)), [-1.0, 1.0], 0.25),
    "gelu of log": (lambda x: F.gelu(F.log(x)), [-1.0, 1.0], 0.5),
    "gelu by tanh of log": (lambda x: F.gelu(F.log(x), "tanh"), [-1.0, 1.0], 0.5),
    "silu of log": (lambda x: F.silu(F.log(x)), [-1.0, 1.0], 0.5),
    "elu of log": (lambda x: F.elu(F.log(x), 0.5), [-1.0, 2.0], 0.5),
    "prelu of log": (lambda x: F.prelu(F.log(x), np.float32([0.5])), [-1.0, 2.0], 0.5),
    "tanh of log": (lambda x: F.tanh(F.log(x)), [-1.0, 1.0], 1.0),
    "maximum of log": (lambda x: F.maximum(F.log(x), -9.0), [-1.0, 2.0], 0.5),
    "relu of log": (lambda x: F.relu(F.log(x)), [-1.0, 2.0], 0.5),
    "clip of log": (lambda x: F.clip(F.log(x), -9, 9), [-1.0, 2.0], 0.5),
    "l1_loss": (lambda x: F.l1_loss(F.log(x), ZEROS, "none"), [-1.0, 2.0], 0.5),
    "l2_loss": (lambda x: F.l2_loss(x, ZEROS, "none"), [NAN, 3.0], 6.0),
    "smooth_l1": (lambda x: F.smooth_l1(x, ZEROS, reduction="none"), [NAN, 0.5], 0.5),
    "binary_cross_entropy": (
        lambda x: F.binary_cross_entropy_with_logits(x, ZEROS, reduction="none"),
        [NAN, 0.0],
        0.5,
    ),
    "binary_hinge": (
        lambda x: F.binary_hinge(x, np.array([1, -1]), "l2", "none"),
        [NAN, 0.0],
        2.0,
    ),
    "cross entropy": (
        lambda x: F.softmax_cross_entropy(two_scores(x), np.array([0, 1]), reduction="none"),
        [NAN, 0.0],
        0.5,
    ),
    "multiclass_hinge": (
        lambda x: F.multiclass_hinge(two_scores(x), np.array([0, 1]), reduction="none"),
        [NAN, 0.0],
        1.0,
    ),
    "kl_divergence": (
        lambda x: F.kl_divergence(F.reshape(x, (2, 1)), np.zeros((2, 1), "float32"), "none"),
        [INF, 3.0],
        3.0,
    ),
    "softmax": (lambda x: F.softmax(two_scores(x), 1)[:, 0], [NAN, 0.0], 0.25),
    "log_softmax": (lambda x: F.log_softmax(two_scores(x), 1)[:, 0], [NAN, 0.0], 0.5),
    "max": (lambda x: F.max(two_scores(x), 1), [NAN, 1.0], 1.0),
    "min": (lambda x: F.min(two_scores(x), 1), [NAN, -1.0], 1.0),
    "max_with_indices": (lambda x: F.max_with_indices(two_scores(x), 1)[0], [NAN, 1.0], 1.0),
    "norm": (lambda x: F.norm(two_scores(x), dim=1), [NAN, 3.0], 1.0),
    "var": (lambda x: F.var(two_scores(x), 1), [NAN, 3.0], 3.0),
    "std": (lambda x: F.std(two_scores(x), 1), [NAN, 3.0], 0.5**0.5),
}


@pytest.mark.parametrize(("operation", "x", "slope"), UNCHOSEN.values(), ids=UNCHOSEN)
def test_what_where_does_not_choose_gets_no_gradient(operation, x, slope):
    x = Tensor(np.array(x, np.float32), requires_grad=True)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        F.where(np.array([False, True]), operation(x), 0.0).sum().backward()
    assert x.grad[0] == 0
    np.testing.assert_allclose(x.grad[1], slope, rtol=1e-6)


def test_a_relu_behind_a_square_root():
    x = Tensor([0.0, 4.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        F.relu(F.sqrt(x)).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]
