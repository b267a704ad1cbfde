"""Which boxes are drawn and what they should say, against one box at a time."""

import math

import box_loops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.models.detection.training_targets import (
    anchor_targets,
    learnable_objects,
    region_targets,
)
from minicv.testing import strategies
from minicv.vision.anchors import generate_anchors
from minicv.vision.matching import TIE_TOLERANCE, Matcher

HEIGHT, WIDTH = 48, 64
ANCHORS = generate_anchors(6, 8, 8, sizes=(10, 22), aspect_ratios=(0.5, 2), like=np.zeros(1))
ANCHOR_MATCHER = Matcher(0.5, 0.3, allow_low_quality_matches=True)
REGION_MATCHER = Matcher(0.5, 0.5)
HARD_BACKGROUND = Matcher(0.5, 0.5, background_floor=0.1)
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


def labelled(boxes, targets, matcher):
    """For each box (1 object, 0 background, -1 neither; number of its target), pair by pair."""
    overlaps = [[box_loops.iou(target, box) for target in targets] for box in boxes]
    best_of_target = [max(row[g] for row in overlaps) for g in range(len(targets))]
    answers = []
    for row in overlaps:
        best = max(row, default=0.0)
        label = 1 if best >= matcher.high_threshold else -1 if best >= matcher.low_threshold else 0
        if targets and best < matcher.background_floor:
            label = -1
        if matcher.allow_low_quality_matches and any(
            value > 0 and value >= most - TIE_TOLERANCE
            for value, most in zip(row, best_of_target, strict=True)
        ):
            label = 1
        answers.append((label, row.index(best) if row else None))
    return answers


def random_targets(seed, count):
    boxes = box_loops.random_boxes(np.random.default_rng(seed), count, HEIGHT, WIDTH, least=2.0)
    return np.array(boxes).reshape(-1, 4)


def check_draw(drawn_positive, drawn_negative, labels, count, fraction):
    """Right labels, nobody twice, and as many as there should be."""
    positive = {i for i, label in enumerate(labels) if label == 1}
    negative = {i for i, label in enumerate(labels) if label == 0}
    assert len(set(drawn_positive)) == len(drawn_positive)
    assert len(set(drawn_negative)) == len(drawn_negative)
    assert set(drawn_positive) <= positive and set(drawn_negative) <= negative
    assert len(drawn_positive) == min(len(positive), math.floor(count * fraction + 0.5))
    assert len(drawn_negative) == min(len(negative), count - len(drawn_positive))


counts = st.sampled_from([0, 1, 7, 16, 10_000])
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@given(strategies.seeds(), st.integers(0, 4), counts, fractions)
def test_anchor_targets_box_by_box(seed, objects, count, fraction):
    targets = random_targets(seed, objects)
    index, is_object, deltas = anchor_targets(
        ANCHORS, targets, ANCHOR_MATCHER, count, fraction, np.random.default_rng(seed)
    )
    answers = labelled(ANCHORS.tolist(), targets.tolist(), ANCHOR_MATCHER)
    positives = int(is_object.sum())
    assert is_object.tolist() == [1.0] * positives + [0.0] * (len(index) - positives)
    check_draw(
        index[:positives].tolist(),
        index[positives:].tolist(),
        [label for label, _ in answers],
        count,
        fraction,
    )
    expected = [
        box_loops.encode(targets[answers[i][1]], ANCHORS[i]) for i in index[:positives].tolist()
    ]
    np.testing.assert_allclose(deltas, np.array(expected).reshape(-1, 4), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("matcher", [REGION_MATCHER, HARD_BACKGROUND])
@given(strategies.seeds(), st.integers(0, 12), st.integers(0, 3), counts, fractions)
def test_region_targets_box_by_box(matcher, seed, regions, objects, count, fraction):
    rng = np.random.default_rng(seed)
    targets, labels = random_targets(seed, objects), rng.integers(0, 5, objects)
    proposals = random_targets(seed + 1, regions)
    if objects:  # some that fit roughly, or nothing but the true boxes would be positive
        proposals[::2] = targets[0] + rng.uniform(-1, 1, proposals[::2].shape)
        proposals = proposals[(proposals[:, 2:] > proposals[:, :2]).all(axis=1)]
    drawn = region_targets(proposals, targets, labels, matcher, count, fraction, BOX_WEIGHTS, rng)
    candidates = proposals.tolist() + targets.tolist()  # the true boxes join the proposals
    answers = labelled(candidates, targets.tolist(), matcher)
    index = [candidates.index(box) for box in drawn.boxes.tolist()]
    positives = len(drawn.deltas)
    check_draw(
        index[:positives], index[positives:], [label for label, _ in answers], count, fraction
    )
    assert drawn.columns.dtype == np.int64
    assert drawn.columns.tolist() == [labels[answers[i][1]] + 1 for i in index[:positives]] + [
        0
    ] * (len(index) - positives)
    expected = [
        box_loops.encode(targets[answers[i][1]], candidates[i], BOX_WEIGHTS)
        for i in index[:positives]
    ]
    np.testing.assert_allclose(
        drawn.deltas, np.array(expected).reshape(-1, 4), rtol=1e-9, atol=1e-12
    )


def test_background_with_a_floor_is_drawn_from_the_neighbourhood_of_objects_alone():
    targets, labels = np.array([[10.0, 10, 30, 30]]), np.array([2])
    far = np.array([[40.0, 30, 60, 46]] * 5)  # of no overlap at all
    near = np.array([[10.0, 20, 30, 40], [20, 10, 40, 30]])  # IoU 1/3
    rng = np.random.default_rng(0)

    def draw(proposals):
        return region_targets(
            proposals, targets, labels, HARD_BACKGROUND, 8, 0.25, BOX_WEIGHTS, rng
        )

    drawn = draw(np.concatenate([far, near]))
    assert drawn.columns.tolist() == [3, 0, 0]  # fewer than 8: the far ones do not fill it up
    assert drawn.boxes[1:].tolist() == near.tolist()
    assert draw(far).columns.tolist() == [3]


def test_true_boxes_are_positive_however_bad_the_proposals():
    """At the start of training all proposals miss; the true boxes alone teach, with offset 0."""
    proposals = np.array([[0.0, 0, 4, 4], [60, 40, 64, 48]])
    targets = np.array([[10.0, 10, 30, 30], [20, 5, 50, 45]])
    rng = np.random.default_rng(0)
    for given_proposals in (proposals, proposals[:0]):
        labels = np.array([3, 0])
        drawn = region_targets(
            given_proposals, targets, labels, REGION_MATCHER, 8, 0.5, BOX_WEIGHTS, rng
        )
        assert drawn.boxes[:2].tolist() == targets.tolist()
        assert drawn.columns.tolist() == [4, 1] + [0] * len(given_proposals)
        assert drawn.deltas.tolist() == [[0.0] * 4] * 2


def test_a_true_box_that_no_anchor_touches_makes_no_anchor_positive():
    """Its best overlap is 0, and every anchor ties with that."""
    far = np.array([[1000.0, 1000, 1010, 1010]])
    drawn = anchor_targets(ANCHORS, far, ANCHOR_MATCHER, 64, 0.5, np.random.default_rng(0))
    assert len(drawn.index) == 64 and drawn.is_object.sum() == 0 and drawn.deltas.shape == (0, 4)


def test_without_objects_all_is_background(xp):
    none, no_labels = xp.zeros((0, 4)), xp.zeros(0, dtype=xp.int64)
    anchors = xp.asarray(ANCHORS)
    drawn = anchor_targets(anchors, none, ANCHOR_MATCHER, 16, 0.5, np.random.default_rng(0))
    assert to_numpy(drawn.is_object).tolist() == [0.0] * 16 and drawn.deltas.shape == (0, 4)
    regions = region_targets(
        anchors[:5], none, no_labels, HARD_BACKGROUND, 16, 0.5, BOX_WEIGHTS,
        np.random.default_rng(0),
    )  # fmt: skip
    assert to_numpy(regions.columns).tolist() == [0] * 5 and regions.deltas.shape == (0, 4)
    assert sorted(to_numpy(regions.boxes).tolist()) == sorted(ANCHORS[:5].tolist())


def test_with_neither_objects_nor_proposals_nothing_is_drawn(xp):
    none, no_labels = xp.zeros((0, 4)), xp.zeros(0, dtype=xp.int64)
    rng = np.random.default_rng(0)
    drawn = anchor_targets(none, none, ANCHOR_MATCHER, 16, 0.5, rng)
    assert [len(part) for part in drawn] == [0, 0, 0]
    regions = region_targets(none, none, no_labels, REGION_MATCHER, 16, 0.5, BOX_WEIGHTS, rng)
    assert [part.shape for part in regions] == [(0, 4), (0,), (0, 4)]


def test_the_same_rng_draws_the_same_on_every_device(xp):
    targets, labels = random_targets(3, 3), np.array([2, 0, 1])
    proposals = np.concatenate([targets + 0.5, ANCHORS[::5]])

    def draw(move, seed):
        anchors, boxes, found = move(ANCHORS), move(targets), move(proposals)
        rng = np.random.default_rng(seed)
        return [
            *anchor_targets(anchors, boxes, ANCHOR_MATCHER, 20, 0.5, rng),
            *region_targets(found, boxes, move(labels), REGION_MATCHER, 9, 0.25, BOX_WEIGHTS, rng),
        ]

    ours, theirs = draw(xp.asarray, seed=9), draw(np.asarray, seed=9)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, xp.ndarray) and a.dtype == b.dtype
        np.testing.assert_allclose(to_numpy(a), b, rtol=1e-12)
    assert draw(np.asarray, seed=10)[0].tolist() != theirs[0].tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_offsets_have_the_type_of_the_network(dtype):
    anchors, targets = ANCHORS.astype(dtype), random_targets(1, 2).astype(np.float32)
    rng = np.random.default_rng(0)
    drawn = anchor_targets(anchors, targets, ANCHOR_MATCHER, 16, 0.5, rng)
    assert drawn.is_object.dtype == dtype and drawn.deltas.dtype == dtype
    regions = region_targets(
        anchors, targets, np.array([0, 1], np.int32), REGION_MATCHER, 16, 0.5, BOX_WEIGHTS, rng
    )
    assert regions.boxes.dtype == dtype and regions.deltas.dtype == dtype
    assert regions.columns.dtype == np.int64


def test_difficult_objects_and_crowds_are_not_learnt_from():
    target = {
        "boxes": np.arange(16.0).reshape(4, 4),
        "labels": np.array([0, 1, 2, 3]),
        "difficult": np.array([False, True, False, False]),
        "iscrowd": np.array([False, False, False, True]),
    }
    boxes, labels = learnable_objects(target)
    assert labels.tolist() == [0, 2]
    np.testing.assert_array_equal(boxes, target["boxes"][[0, 2]])
    assert boxes.dtype == np.float32
    plain = {"boxes": target["boxes"], "labels": target["labels"]}
    assert learnable_objects(plain)[1].tolist() == [0, 1, 2, 3]
    assert learnable_objects({"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int)})[0].shape == (
        0,
        4,
    )
