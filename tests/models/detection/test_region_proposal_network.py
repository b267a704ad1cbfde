"""The proposal network: the order of its anchors, and proposals against a plain loop."""

import math

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor
from minicv.backend import to_numpy
from minicv.models.detection.region_proposal_network import RPNHead, propose
from minicv.testing import strategies

HEIGHT, WIDTH = 40, 60
OPTIONS = {"pre_nms_top_n": 100, "post_nms_top_n": 100, "nms_threshold": 0.7, "min_size": 0.0}


def proposals_of(objectness, deltas, anchors, **changes):
    return propose(objectness, deltas, anchors, (HEIGHT, WIDTH), **{**OPTIONS, **changes})


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


def test_propose_on_a_device(xp):
    rng = np.random.default_rng(0)
    anchors = np.array(box_loops.random_boxes(rng, 30, HEIGHT, WIDTH))
    arrays = (rng.normal(size=30), rng.normal(scale=0.3, size=(30, 4)), anchors)
    options = {"pre_nms_top_n": 20, "post_nms_top_n": 8, "min_size": 3.0}
    found = proposals_of(*(xp.asarray(array) for array in arrays), **options)
    for ours, theirs in zip(found, proposals_of(*arrays, **options), strict=True):
        assert isinstance(ours, xp.ndarray) and ours.dtype == theirs.dtype
        np.testing.assert_allclose(to_numpy(ours), theirs, rtol=1e-12)


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
