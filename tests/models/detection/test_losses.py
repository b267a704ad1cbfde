"""The four losses, sample by sample: values, normalisers, and whom the gradient reaches."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv.backend import to_numpy
from minicv.models.detection.losses import head_losses, rpn_losses
from minicv.models.detection.training_targets import AnchorTargets, RegionTargets
from minicv.testing import gradcheck, strategies


def drawn_anchors(rng, anchors, count):
    """Some of the anchors of one image, the first few of them positive."""
    index = rng.permutation(anchors)[:count]
    positives = int(rng.integers(0, count + 1))
    return AnchorTargets(
        index=index,
        is_object=(np.arange(count) < positives).astype(np.float64),
        deltas=rng.normal(size=(positives, 4)),
    )


def drawn_regions(rng, count, classes):
    positives = int(rng.integers(0, count + 1))
    columns = rng.integers(1, classes + 1, count)
    columns[positives:] = 0
    return RegionTargets(np.zeros((count, 4)), columns, rng.normal(size=(positives, 4)))


def smooth_l1(difference, beta):
    size = abs(difference)
    return size**2 / (2 * beta) if size < beta else size - beta / 2


def rpn_case(seed, counts, anchors=11):
    rng = np.random.default_rng(seed)
    objectness = rng.normal(scale=3, size=(len(counts), anchors))
    deltas = rng.normal(size=(len(counts), anchors, 4))
    return objectness, deltas, [drawn_anchors(rng, anchors, count) for count in counts]


def head_case(seed, counts, classes=3):
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(sum(counts), classes + 1))
    offsets = rng.normal(size=(sum(counts), classes + 1, 4))
    return logits, offsets, [drawn_regions(rng, count, classes) for count in counts]


samples_per_image = st.lists(st.integers(0, 5), min_size=1, max_size=3)
betas = st.sampled_from([1 / 9, 1.0])


@given(strategies.seeds(), samples_per_image, betas)
def test_rpn_losses_anchor_by_anchor(seed, counts, beta):
    objectness, deltas, sampled = rpn_case(seed, counts)
    losses = rpn_losses(Tensor(objectness), Tensor(deltas), sampled, beta)
    logistic, box, drawn = 0.0, 0.0, 0
    for image, targets in enumerate(sampled):
        for position, anchor in enumerate(targets.index):
            logit = objectness[image, anchor]
            logistic += math.log1p(math.exp(-logit if targets.is_object[position] else logit))
            drawn += 1
            if targets.is_object[position]:
                box += sum(
                    smooth_l1(deltas[image, anchor, c] - targets.deltas[position, c], beta)
                    for c in range(4)
                )
    # Both by the number of all samples, not of the positive ones.
    np.testing.assert_allclose(losses[0].item(), logistic / max(drawn, 1), rtol=1e-10)
    np.testing.assert_allclose(losses[1].item(), box / max(drawn, 1), rtol=1e-10)


@given(strategies.seeds(), samples_per_image, betas)
def test_head_losses_region_by_region(seed, counts, beta):
    logits, offsets, sampled = head_case(seed, counts)
    losses = head_losses(Tensor(logits), Tensor(offsets), sampled, beta)
    entropy, box, region = 0.0, 0.0, 0
    for targets in sampled:
        for position, column in enumerate(targets.columns):
            total = sum(math.exp(logit) for logit in logits[region])
            entropy -= math.log(math.exp(logits[region, column]) / total)
            if column > 0:
                box += sum(
                    smooth_l1(offsets[region, column, c] - targets.deltas[position, c], beta)
                    for c in range(4)
                )
            region += 1
    np.testing.assert_allclose(losses[0].item(), entropy / max(region, 1), rtol=1e-10)
    np.testing.assert_allclose(losses[1].item(), box / max(region, 1), rtol=1e-10)


def test_by_hand():
    """Two anchors of which one is an object and 2 off in x: logs of 2, and (2 - 1/2) / 2."""
    sampled = [AnchorTargets(np.array([1, 0]), np.array([1.0, 0]), np.array([[2.0, 0, 0, 0]]))]
    losses = rpn_losses(Tensor(np.zeros((1, 3))), Tensor(np.zeros((1, 3, 4))), sampled, 1.0)
    assert [loss.item() for loss in losses] == pytest.approx([math.log(2), 0.75])
    # The same offset in the head, at the object's column 2 of three; the other two are far off.
    offsets = np.full((2, 3, 4), 99.0)
    offsets[0, 2] = 0
    regions = [RegionTargets(np.zeros((2, 4)), np.array([2, 0]), np.array([[2.0, 0, 0, 0]]))]
    losses = head_losses(Tensor(np.zeros((2, 3))), Tensor(offsets), regions, 1.0)
    assert [loss.item() for loss in losses] == pytest.approx([math.log(3), 0.75])


@pytest.mark.parametrize("counts", [[4], [3, 5], [0, 4, 0]])
@pytest.mark.parametrize("beta", [1 / 9, 1.0])
def test_gradients(counts, beta):
    for function, (first, second, sampled) in (
        (rpn_losses, rpn_case(1, counts)),
        (head_losses, head_case(1, counts)),
    ):

        def total(x, y, function=function, sampled=sampled):
            scores, boxes = function(x, y, sampled, beta)
            return scores + 3 * boxes

        gradcheck(total, first, second, mode="full")


def reached(tensor):
    return {tuple(int(i) for i in place) for place in np.argwhere(tensor.grad != 0)}


def test_only_drawn_anchors_learn_and_only_positive_ones_where():
    objectness, deltas, _ = rpn_case(0, [5, 5])
    scores, offsets = (Tensor(x, requires_grad=True) for x in (objectness, deltas))
    sampled = [
        AnchorTargets(np.array([3, 7, 0]), np.array([1.0, 0, 0]), np.full((1, 4), 9.0)),
        AnchorTargets(np.array([10, 2]), np.array([1.0, 1]), np.full((2, 4), 9.0)),
    ]
    sum(rpn_losses(scores, offsets, sampled, 1.0)).backward()
    assert reached(scores) == {(0, 3), (0, 7), (0, 0), (1, 10), (1, 2)}
    assert {place[:2] for place in reached(offsets)} == {(0, 3), (1, 10), (1, 2)}


def test_only_the_offsets_of_the_right_class_learn():
    logits, offsets, _ = head_case(0, [3, 2])
    scores, moves = (Tensor(x, requires_grad=True) for x in (logits, offsets))
    sampled = [
        RegionTargets(np.zeros((3, 4)), np.array([2, 3, 0]), np.full((2, 4), 9.0)),
        RegionTargets(np.zeros((2, 4)), np.array([1, 0]), np.full((1, 4), 9.0)),
    ]
    sum(head_losses(scores, moves, sampled, 1.0)).backward()
    assert {place[:2] for place in reached(moves)} == {(0, 2), (1, 3), (3, 1)}
    assert (scores.grad != 0).all()
    # The right column rises and all others fall, row by row.
    columns = np.concatenate([targets.columns for targets in sampled])
    falls = np.sign(scores.grad)
    assert (falls[np.arange(5), columns] == -1).all() and (falls.sum(axis=1) == 4 - 2).all()


def test_nothing_drawn_costs_nothing():
    objectness, deltas, _ = rpn_case(0, [0])
    logits, offsets = np.zeros((0, 4)), np.zeros((0, 4, 4))
    no_anchors = [AnchorTargets(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 4)))]
    no_regions = [RegionTargets(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros((0, 4)))]
    for function, arrays, sampled in (
        (rpn_losses, (objectness, deltas), no_anchors),
        (head_losses, (logits, offsets), no_regions),
    ):
        tensors = [Tensor(array, requires_grad=True) for array in arrays]
        losses = function(*tensors, sampled, 1.0)
        assert [loss.item() for loss in losses] == [0.0, 0.0]
        sum(losses).backward()
        assert all((t.grad == 0).all() and t.grad.shape == t.shape for t in tensors)


def test_more_background_weighs_the_boxes_less():
    """The normaliser is the number of all samples: four times as many, a quarter of the loss."""
    logits, offsets, _ = head_case(2, [8])
    few = [RegionTargets(np.zeros((2, 4)), np.array([1, 0]), np.zeros((1, 4)))]
    many = [RegionTargets(np.zeros((8, 4)), np.array([1] + [0] * 7), np.zeros((1, 4)))]
    among_few = head_losses(Tensor(logits[:2]), Tensor(offsets[:2]), few, 1.0)[1].item()
    among_many = head_losses(Tensor(logits), Tensor(offsets), many, 1.0)[1].item()
    assert among_few == pytest.approx(4 * among_many)


def test_float32_stays_float32_and_is_close():
    objectness, deltas, sampled = rpn_case(4, [5, 4])
    exact = rpn_losses(Tensor(objectness), Tensor(deltas), sampled, 1 / 9)
    sampled = [AnchorTargets(t.index, *(a.astype("float32") for a in t[1:])) for t in sampled]
    inputs = [Tensor(array.astype("float32")) for array in (objectness, deltas)]
    rough = rpn_losses(*inputs, sampled, 1 / 9)
    for a, b in zip(rough, exact, strict=True):
        assert a.dtype == np.float32
        assert a.item() == pytest.approx(b.item(), rel=1e-5)


def test_runs_on_a_device(xp):
    for function, (first, second, sampled) in (
        (rpn_losses, rpn_case(5, [5, 4])),
        (head_losses, head_case(5, [5, 4])),
    ):
        there = [type(t)(*(xp.asarray(array) for array in t)) for t in sampled]
        losses = function(Tensor(xp.asarray(first)), Tensor(xp.asarray(second)), there, 1.0)
        expected = function(Tensor(first), Tensor(second), sampled, 1.0)
        for a, b in zip(losses, expected, strict=True):
            assert isinstance(a.data, xp.ndarray)
            np.testing.assert_allclose(to_numpy(a.data), b.data, rtol=1e-12)
