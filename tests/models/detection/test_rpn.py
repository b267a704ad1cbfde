"""The proposal network: the order of its anchors, proposals, targets and losses, each by loops."""

import math
from typing import NamedTuple

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampled_targets import check_draw, labelled, random_targets, smooth_l1

from minicv import Tensor
from minicv.backend import to_numpy
from minicv.models.detection.rpn import (
    AnchorTargets,
    RPNHead,
    anchor_targets,
    propose,
    rpn_loss,
    suppress,
)
from minicv.testing import gradcheck, strategies
from minicv.vision.anchors import generate_anchors
from minicv.vision.matching import Matcher

HEIGHT, WIDTH = 40, 60
OPTIONS = {"pre_nms_top_n": 100, "post_nms_top_n": 100, "nms_threshold": 0.7, "min_size": 0.0}
ANCHORS = generate_anchors(6, 8, 8, sizes=(10, 22), aspect_ratios=(0.5, 2), like=np.zeros(1))
ANCHOR_MATCHER = Matcher(0.5, 0.3, allow_low_quality_matches=True)
counts = st.sampled_from([0, 1, 7, 16, 10_000])
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0])
samples_per_image = st.lists(st.integers(0, 5), min_size=1, max_size=3)
betas = st.sampled_from([1 / 9, 1.0])


class Found(NamedTuple):
    boxes: np.ndarray
    scores: np.ndarray
    boxes_before_nms: np.ndarray
    scores_before_nms: np.ndarray


# Proposals


def proposals_of(objectness, deltas, anchors, **changes):
    """Boxes and scores after suppression, and before."""
    o = {**OPTIONS, **changes}
    before = propose(
        objectness[None],
        deltas[None],
        anchors,
        [len(anchors)],
        [(HEIGHT, WIDTH)],
        pre_nms_top_n=o["pre_nms_top_n"],
        min_size=o["min_size"],
    )
    (after,) = suppress(
        before, nms_threshold=o["nms_threshold"], post_nms_top_n=o["post_nms_top_n"]
    )
    return Found(*after[:2], *before.of_image(0)[:2])


def by_loops(objectness, deltas, anchors, pre_nms_top_n, post_nms_top_n, nms_threshold, min_size):
    order = sorted(range(len(anchors)), key=lambda i: -objectness[i])[:pre_nms_top_n]
    boxes, scores = [], []
    for i in order:
        x1, y1, x2, y2 = box_loops.clip(box_loops.decode(deltas[i], anchors[i]), HEIGHT, WIDTH)
        if x2 > x1 and y2 > y1 and min(x2 - x1, y2 - y1) >= min_size:
            boxes.append([x1, y1, x2, y2])
            scores.append(1 / (1 + math.exp(-objectness[i])))
    kept = box_loops.suppress(boxes, scores, nms_threshold)[:post_nms_top_n]
    return [boxes[i] for i in kept], [scores[i] for i in kept], boxes, scores


@given(
    strategies.seeds(),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
    st.sampled_from([0, 3, 100]),
    st.sampled_from([0, 4, 100]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_each_level_has_its_own_best_anchors_and_its_own_suppression(
    seed, counts, pre_nms_top_n, post_nms_top_n, nms_threshold
):
    """Levels one by one by loops, then the best of all of them in one order."""
    rng, total = np.random.default_rng(seed), sum(counts)
    corners = rng.uniform(-5, 30, (total, 2))
    anchors = np.concatenate([corners, corners + rng.uniform(1, 20, (total, 2))], axis=1)
    objectness, deltas = rng.permutation(total) / 3 - 2, rng.normal(0, 0.2, (total, 4))
    before = propose(
        objectness[None], deltas[None], anchors, counts, [(HEIGHT, WIDTH)],
        pre_nms_top_n=pre_nms_top_n, min_size=2.0,
    )  # fmt: skip
    (found,) = suppress(before, nms_threshold=nms_threshold, post_nms_top_n=post_nms_top_n)

    right, start = [], 0
    for level, count in enumerate(counts):
        own = slice(start, start + count)
        boxes, scores, _, _ = by_loops(
            objectness[own], deltas[own], anchors[own], pre_nms_top_n, total, nms_threshold, 2.0
        )
        right += [(score, level, box) for score, box in zip(scores, boxes, strict=True)]
        start += count
    right = sorted(right, key=lambda one: -one[0])[:post_nms_top_n]
    np.testing.assert_allclose(found.scores, [score for score, _, _ in right], rtol=1e-12)
    assert found.levels.tolist() == [level for _, level, _ in right]
    np.testing.assert_allclose(
        found.boxes, np.array([box for _, _, box in right]).reshape(-1, 4), atol=1e-9
    )


@given(
    strategies.seeds(),
    st.integers(0, 25),
    st.sampled_from([0, 5, 100]),
    st.sampled_from([0, 3, 100]),
    st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    st.sampled_from([0.0, 4.0]),
)
def test_propose_anchor_by_anchor(seed, count, before, after, nms_threshold, min_size):
    rng = np.random.default_rng(seed)
    objectness = rng.normal(scale=3, size=count)
    deltas = rng.normal(scale=0.5, size=(count, 4))
    anchors = np.array(box_loops.random_boxes(rng, count, HEIGHT, WIDTH)).reshape(-1, 4)
    anchors[::3] += WIDTH  # beyond the image, as the anchors over the padding are
    options = {
        "pre_nms_top_n": before,
        "post_nms_top_n": after,
        "nms_threshold": nms_threshold,
        "min_size": min_size,
    }
    found = proposals_of(objectness, deltas, anchors, **options)
    expected = by_loops(objectness, deltas, anchors, **options)
    for ours, theirs, shape in zip(found, expected, [(-1, 4), (-1,)] * 2, strict=True):
        theirs = np.array(theirs, dtype=np.float64).reshape(shape)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_low_scores_are_proposed_too():
    """Only the order counts: what looks like background now may not after more training."""
    anchors = np.array([[0.0, 0, 10, 10], [30, 10, 50, 30]])
    found = proposals_of(np.array([-30.0, -20.0]), np.zeros((2, 4)), anchors)
    assert found.boxes.tolist() == anchors[::-1].tolist()
    assert (found.scores < 1e-8).all()


def test_ties_keep_the_order_of_the_anchors():
    anchors = np.array([[5.0 * i, 0, 5 * i + 4, 4] for i in range(9)])
    found = proposals_of(np.zeros(9), np.zeros((9, 4)), anchors, pre_nms_top_n=6, post_nms_top_n=4)
    assert found.boxes.tolist() == anchors[:4].tolist()
    assert found.boxes_before_nms.tolist() == anchors[:6].tolist()


def test_the_order_survives_where_float32_probabilities_are_all_1():
    anchors = np.array([[0, 0, 10, 10], [30, 10, 50, 30], [0, 20, 8, 40]], np.float32)
    objectness = np.array([40, 60, 50], np.float32)
    found = proposals_of(objectness, np.zeros((3, 4), np.float32), anchors)
    assert found.scores.tolist() == [1.0, 1.0, 1.0]
    assert found.boxes.tolist() == anchors[[1, 2, 0]].tolist()


def test_an_untrained_network_cannot_make_infinite_boxes():
    deltas = np.full((1, 4), 1e3, np.float32)
    with np.errstate(over="raise", invalid="raise"):
        found = proposals_of(
            np.array([-1e30], np.float32), deltas, np.array([[0, 0, 9, 9]], np.float32)
        )
    assert np.isfinite(found.boxes_before_nms).all() and np.isfinite(found.scores_before_nms).all()


def test_nothing_is_large_enough_and_no_anchors(xp):
    anchors = xp.asarray(np.array([[0.0, 0, 10, 10]]))
    for count in (1, 0):
        found = proposals_of(xp.zeros(count), xp.zeros((count, 4)), anchors[:count], min_size=11.0)
        assert [part.shape for part in found] == [(0, 4), (0,), (0, 4), (0,)]


def test_images_do_not_know_of_each_other(xp):
    """Several images at once give what each gives alone, and each is clipped to its own size."""
    rng = np.random.default_rng(1)
    counts, sizes = [20, 9], [(HEIGHT, WIDTH), (HEIGHT - 9, WIDTH - 20), (1, 1)]
    anchors = np.array(box_loops.random_boxes(rng, sum(counts), HEIGHT, WIDTH))
    objectness = rng.normal(size=(3, sum(counts)))
    deltas = rng.normal(scale=0.3, size=(3, sum(counts), 4))
    options = {"pre_nms_top_n": 8, "min_size": 3.0}
    after = {"nms_threshold": 0.3, "post_nms_top_n": 5}
    arrays = [xp.asarray(array) for array in (objectness, deltas, anchors)]
    found = suppress(propose(*arrays, counts, sizes, **options), **after)
    for i, together in enumerate(found):
        alone = propose(
            objectness[i : i + 1], deltas[i : i + 1], anchors, counts, sizes[i : i + 1], **options
        )
        (alone,) = suppress(alone, **after)
        for ours, theirs in zip(together, alone, strict=True):
            np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-12)
    assert [len(own.boxes) for own in found] == [5, 5, 0]


def test_propose_on_a_device(xp):
    rng = np.random.default_rng(0)
    anchors = np.array(box_loops.random_boxes(rng, 30, HEIGHT, WIDTH))
    arrays = (rng.normal(size=30), rng.normal(scale=0.3, size=(30, 4)), anchors)
    options = {"pre_nms_top_n": 20, "post_nms_top_n": 8, "min_size": 3.0}
    found = proposals_of(*(xp.asarray(array) for array in arrays), **options)
    for ours, theirs in zip(found, proposals_of(*arrays, **options), strict=True):
        assert isinstance(ours, xp.ndarray) and ours.dtype == theirs.dtype
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-12)


# The head


@given(strategies.seeds(), strategies.distinct_sizes(4, 1, 5))
def test_scores_and_offsets_are_in_the_order_of_the_anchors(seed, sizes):
    """Cell by cell, row by row, and in a cell anchor by anchor; four offsets to each."""
    n, a, h, w = sizes
    rng = np.random.default_rng(seed)
    head = RPNHead(2, 3, a, rng=rng)
    features = Tensor(rng.normal(size=(n, 2, h, w)).astype(np.float32))
    hidden = np.maximum(head.conv(features).data, 0)  # (N, channels, h, w)
    objectness, deltas = head(features)
    assert objectness.shape == (n, h * w * a) and deltas.shape == (n, h * w * a, 4)

    def at(layer, image, channel, y, x):
        kernel = layer.weight.data[channel, :, 0, 0]
        return float(kernel @ hidden[image, :, y, x] + layer.bias.data[channel])

    for image, y, x, k in np.ndindex(n, h, w, a):
        anchor = (y * w + x) * a + k
        expected = at(head.cls_logits, image, k, y, x)
        assert objectness.data[image, anchor] == pytest.approx(expected, rel=1e-4, abs=1e-7)
        for c in range(4):
            expected = at(head.bbox_pred, image, 4 * k + c, y, x)
            assert deltas.data[image, anchor, c] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_initial_weights_are_small_and_biases_zero():
    head = RPNHead(64, 64, 9, rng=np.random.default_rng(0))
    for layer in (head.conv, head.cls_logits, head.bbox_pred):
        assert layer.weight.data.std() == pytest.approx(0.01, rel=0.1)
        assert not layer.bias.data.any()
    assert {name.partition(".")[0] for name in head.state_dict()} == {
        "conv",
        "cls_logits",
        "bbox_pred",
    }


# Which anchors are learnt from, and what they should say


@given(strategies.seeds(), st.lists(st.integers(0, 4), min_size=1, max_size=3), counts, fractions)
def test_anchor_targets_box_by_box(seed, objects, count, fraction):
    """Of several images, each with a number of objects of its own."""
    targets = [random_targets(seed + i, own) for i, own in enumerate(objects)]
    drawn = anchor_targets(
        ANCHORS,
        *(np.concatenate(targets), objects),
        *(ANCHOR_MATCHER, count, fraction, np.random.default_rng(seed)),
    )
    image, anchor = np.divmod(drawn.index, len(ANCHORS))
    assert (np.diff(image) >= 0).all()
    assert drawn.index[drawn.is_object == 1].tolist() == drawn.positive.tolist()
    expected = []
    for i, own in enumerate(targets):
        answers = labelled(ANCHORS.tolist(), own.tolist(), ANCHOR_MATCHER)
        index, is_object = anchor[image == i].tolist(), drawn.is_object[image == i].tolist()
        positives = int(sum(is_object))
        assert is_object == [1.0] * positives + [0.0] * (len(index) - positives)
        labels = [label for label, _ in answers]
        check_draw(index[:positives], index[positives:], labels, count, fraction)
        expected += [box_loops.encode(own[answers[k][1]], ANCHORS[k]) for k in index[:positives]]
    np.testing.assert_allclose(
        drawn.deltas, np.array(expected).reshape(-1, 4), rtol=1e-9, atol=1e-12
    )


def test_a_true_box_that_no_anchor_touches_makes_no_anchor_positive():
    """Its best overlap is 0, and every anchor ties with that."""
    far = np.array([[1000.0, 1000, 1010, 1010]])
    drawn = anchor_targets(ANCHORS, far, [1], ANCHOR_MATCHER, 64, 0.5, np.random.default_rng(0))
    assert len(drawn.index) == 64 and drawn.is_object.sum() == 0 and drawn.deltas.shape == (0, 4)


def test_without_objects_all_anchors_are_background(xp):
    drawn = anchor_targets(
        xp.asarray(ANCHORS),
        xp.zeros((0, 4)),
        [0],
        ANCHOR_MATCHER,
        16,
        0.5,
        np.random.default_rng(0),
    )
    assert to_numpy(drawn.is_object).tolist() == [0.0] * 16 and drawn.deltas.shape == (0, 4)


def test_without_anchors_nothing_is_drawn(xp):
    none = xp.zeros((0, 4))
    drawn = anchor_targets(none, none, [0], ANCHOR_MATCHER, 16, 0.5, np.random.default_rng(0))
    assert [len(part) for part in drawn] == [0, 0, 0, 0]


def test_the_same_rng_draws_the_same_anchors_on_every_device(xp):
    def draw(move, seed):
        rng = np.random.default_rng(seed)
        targets = random_targets(3, 3)
        return anchor_targets(move(ANCHORS), move(targets), [3], ANCHOR_MATCHER, 20, 0.5, rng)

    ours, theirs = draw(xp.asarray, seed=9), draw(np.asarray, seed=9)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, xp.ndarray) and a.dtype == b.dtype
        np.testing.assert_allclose(to_numpy(a), b, rtol=1e-12)
    assert draw(np.asarray, seed=10).index.tolist() != theirs.index.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_anchor_targets_have_the_type_of_the_network(dtype):
    anchors, targets = ANCHORS.astype(dtype), random_targets(1, 2).astype(np.float32)
    drawn = anchor_targets(anchors, targets, [2], ANCHOR_MATCHER, 16, 0.5, np.random.default_rng(0))
    assert drawn.is_object.dtype == dtype and drawn.deltas.dtype == dtype


# The losses


def drawn_anchors(counts, anchors, rng):
    """Some of the anchors of each image, the first few of them positive."""
    index = [i * anchors + rng.permutation(anchors)[:count] for i, count in enumerate(counts)]
    positives = [int(rng.integers(0, count + 1)) for count in counts]
    is_object = [np.arange(c) < p for c, p in zip(counts, positives, strict=True)]
    return AnchorTargets(
        index=np.concatenate(index),
        is_object=np.concatenate(is_object).astype(np.float64),
        positive=np.concatenate([own[:p] for own, p in zip(index, positives, strict=True)]),
        deltas=rng.normal(size=(sum(positives), 4)),
    )


def rpn_case(seed, counts, anchors=11):
    rng = np.random.default_rng(seed)
    objectness = rng.normal(scale=3, size=(len(counts), anchors))
    deltas = rng.normal(size=(len(counts), anchors, 4))
    return objectness, deltas, drawn_anchors(counts, anchors, rng)


@given(strategies.seeds(), samples_per_image, betas)
def test_rpn_loss_anchor_by_anchor(seed, counts, beta):
    objectness, deltas, sampled = rpn_case(seed, counts)
    losses = rpn_loss(Tensor(objectness), Tensor(deltas), sampled, beta)
    logistic, box, drawn, wanted = 0.0, 0.0, len(sampled.index), iter(sampled.deltas)
    for number, is_object in zip(sampled.index, sampled.is_object, strict=True):
        image, anchor = divmod(number, objectness.shape[1])
        logit = objectness[image, anchor]
        logistic += math.log1p(math.exp(-logit if is_object else logit))
        if is_object:
            offsets = next(wanted)
            box += sum(smooth_l1(deltas[image, anchor, c] - offsets[c], beta) for c in range(4))
    # Both by the number of all samples, not of the positive ones.
    np.testing.assert_allclose(losses[0].item(), logistic / max(drawn, 1), rtol=1e-10)
    np.testing.assert_allclose(losses[1].item(), box / max(drawn, 1), rtol=1e-10)


def test_losses_by_hand():
    """Two anchors of which one is an object and 2 off in x: logs of 2, and (2 - 1/2) / 2."""
    sampled = AnchorTargets(
        np.array([1, 0]), np.array([1.0, 0]), np.array([1]), np.array([[2.0, 0, 0, 0]])
    )
    losses = rpn_loss(Tensor(np.zeros((1, 3))), Tensor(np.zeros((1, 3, 4))), sampled, 1.0)
    assert [loss.item() for loss in losses] == pytest.approx([math.log(2), 0.75])


@pytest.mark.parametrize("counts", [[4], [3, 5], [0, 4, 0]])
@pytest.mark.parametrize("beta", [1 / 9, 1.0])
def test_gradients(counts, beta):
    first, second, sampled = rpn_case(1, counts)

    def total(x, y):
        scores, boxes = rpn_loss(x, y, sampled, beta)
        return scores + 3 * boxes

    gradcheck(total, first, second, mode="full")


def reached(tensor):
    return {tuple(int(i) for i in place) for place in np.argwhere(tensor.grad != 0)}


def test_only_drawn_anchors_learn_and_only_positive_ones_where():
    objectness, deltas, _ = rpn_case(0, [5, 5])
    scores, offsets = (Tensor(x, requires_grad=True) for x in (objectness, deltas))
    sampled = AnchorTargets(
        index=np.array([3, 7, 0, 11 + 10, 11 + 2]),
        is_object=np.array([1.0, 0, 0, 1, 1]),
        positive=np.array([3, 11 + 10, 11 + 2]),
        deltas=np.full((3, 4), 9.0),
    )
    sum(rpn_loss(scores, offsets, sampled, 1.0)).backward()
    assert reached(scores) == {(0, 3), (0, 7), (0, 0), (1, 10), (1, 2)}
    assert {place[:2] for place in reached(offsets)} == {(0, 3), (1, 10), (1, 2)}


def test_nothing_drawn_costs_nothing():
    objectness, deltas, _ = rpn_case(0, [0])
    none = np.zeros(0, np.int64)
    sampled = AnchorTargets(none, np.zeros(0), none, np.zeros((0, 4)))
    tensors = [Tensor(array, requires_grad=True) for array in (objectness, deltas)]
    losses = rpn_loss(*tensors, sampled, 1.0)
    assert [loss.item() for loss in losses] == [0.0, 0.0]
    sum(losses).backward()
    assert all((t.grad == 0).all() and t.grad.shape == t.shape for t in tensors)


def test_float32_stays_float32_and_is_close():
    objectness, deltas, sampled = rpn_case(4, [5, 4])
    exact = rpn_loss(Tensor(objectness), Tensor(deltas), sampled, 1 / 9)
    sampled = AnchorTargets(*(a.astype("float32") if a.dtype == np.float64 else a for a in sampled))
    inputs = [Tensor(array.astype("float32")) for array in (objectness, deltas)]
    rough = rpn_loss(*inputs, sampled, 1 / 9)
    for a, b in zip(rough, exact, strict=True):
        assert a.dtype == np.float32
        assert a.item() == pytest.approx(b.item(), rel=1e-5)


def test_losses_on_a_device(xp):
    objectness, deltas, sampled = rpn_case(5, [5, 4])
    there = AnchorTargets(*(xp.asarray(array) for array in sampled))
    losses = rpn_loss(Tensor(xp.asarray(objectness)), Tensor(xp.asarray(deltas)), there, 1.0)
    expected = rpn_loss(Tensor(objectness), Tensor(deltas), sampled, 1.0)
    for a, b in zip(losses, expected, strict=True):
        assert isinstance(a.data, xp.ndarray)
        np.testing.assert_allclose(to_numpy(a.data), b.data, rtol=1e-12)
