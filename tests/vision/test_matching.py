"""Matching against a loop over pairs, its rule for low-quality matches, and the balanced sample."""

import math

import cuda_emulator
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.backend.cpu import matching as cpu_matching
from minicv.vision import (
    IGNORED,
    NEGATIVE,
    POSITIVE,
    Matcher,
    balanced_sample,
    box_iou,
    matching,
)

RPN = Matcher(0.7, 0.3, allow_low_quality_matches=True)
HEAD = Matcher(0.5, 0.5)


@pytest.fixture(scope="session")
def xp(xp):
    if xp is not np and cuda_emulator.compiler() is None:
        pytest.skip("no C++ compiler to run the kernels without a GPU")
    return xp


def random_boxes(rng, count):
    corner = rng.integers(0, 12, (count, 2))
    return np.concatenate([corner, corner + rng.integers(0, 8, (count, 2))], axis=1).astype(float)


def match_by_loops(matcher, targets, boxes):
    """The rule, pair by pair."""
    overlaps = box_iou(targets, boxes)
    labels, indices = [], []
    for n in range(len(boxes)):
        index, best = 0, 0.0
        for g in range(len(targets)):
            if overlaps[g, n] > best:
                index, best = g, overlaps[g, n]
        if best >= matcher.high_threshold:
            label = POSITIVE
        elif best >= matcher.low_threshold:
            label = IGNORED
        elif best >= matcher.background_floor or len(targets) == 0:
            label = NEGATIVE
        else:
            label = IGNORED
        if matcher.allow_low_quality_matches:
            for g in range(len(targets)):
                if overlaps[g, n] > 0 and overlaps[g, n] >= max(overlaps[g]) - 1e-5:
                    label = POSITIVE
        labels.append(label)
        indices.append(index)
    return indices, labels


@pytest.mark.parametrize("matcher", [RPN, HEAD, Matcher(0.5, 0.5, background_floor=0.1)])
@given(seed=st.integers(0, 10_000), targets=st.integers(0, 5), count=st.integers(0, 30))
def test_against_loops(xp, matcher, seed, targets, count):
    rng = np.random.default_rng(seed)
    target_boxes, boxes = random_boxes(rng, targets), random_boxes(rng, count)
    matches = matcher(xp.asarray(target_boxes), xp.asarray(boxes))
    indices, labels = match_by_loops(matcher, target_boxes, boxes)
    assert to_numpy(matches.target_index).tolist() == indices
    assert to_numpy(matches.label).tolist() == labels
    best = box_iou(target_boxes, boxes).max(axis=0, initial=0)
    np.testing.assert_array_equal(to_numpy(matches.iou), best)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    targets, boxes = random_boxes(rng, 4), random_boxes(rng, 50)
    at_once = RPN(targets, boxes)
    monkeypatch.setattr(cpu_matching, "BLOCK_ELEMENTS", 12)
    for whole, in_blocks in zip(at_once, RPN(targets, boxes), strict=True):
        np.testing.assert_array_equal(whole, in_blocks)


def test_thresholds_are_reached_by_equality():
    targets = np.array([[0.0, 0.0, 10.0, 1.0]])
    boxes = np.array([[0.0, 0.0, 10.0, 2.0], [0.0, 0.0, 10.0, 4.0], [0.0, 0.0, 10.0, 5.0]])
    assert Matcher(0.5, 0.25)(targets, boxes).label.tolist() == [POSITIVE, IGNORED, NEGATIVE]


def test_a_target_that_overlaps_nothing_rescues_nothing():
    """Its best IoU is 0, with which every far box ties."""
    targets = np.array([[100.0, 100.0, 110.0, 110.0]])
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    assert RPN(targets, boxes).label.tolist() == [NEGATIVE, NEGATIVE]


def test_a_target_that_overlaps_hardly_anything_rescues_only_that():
    """Its best IoU is below the tolerance for ties, so the tolerance must not reach down to 0."""
    targets = np.array([[0.0, 0.0, 1.0, 1.0]])
    boxes = np.array([[0.5, 0.0, 1000.0, 1000.0], [2.0, 0.0, 30.0, 10.0]])
    assert 0 < box_iou(targets, boxes[:1]).item() < matching.TIE_TOLERANCE
    assert RPN(targets, boxes).label.tolist() == [POSITIVE, NEGATIVE]


def test_float32_and_float64_rescue_the_same_boxes():
    """Two shifted copies tie in exact arithmetic; in float32 rounding sets them apart."""
    targets = np.array([[25.5, 0.0, 54.6, 30.0]])
    boxes = np.array([[14.7, 0.0, 43.8, 30.0], [36.3, 0.0, 65.4, 30.0]])
    overlaps = box_iou(targets.astype(np.float32), boxes.astype(np.float32))[0]
    assert overlaps[0] != overlaps[1]
    for dtype in (np.float32, np.float64):
        assert RPN(targets.astype(dtype), boxes.astype(dtype)).label.tolist() == [POSITIVE] * 2


def test_a_rescued_box_keeps_the_target_it_overlaps_most():
    targets = np.array([[0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 40.0, 10.0]])
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 15.0, 10.0]])
    # Box 1 is the best that target 1 has (IoU 0.125) but overlaps target 0 more (0.667).
    matches = RPN(targets, boxes)
    assert matches.label.tolist() == [POSITIVE, POSITIVE]
    assert matches.target_index.tolist() == [0, 0]


def test_without_targets_all_is_background_whatever_the_floor(xp):
    boxes = xp.asarray(np.array([[0.0, 0.0, 4.0, 4.0]] * 3))
    for matcher in (RPN, HEAD, Matcher(0.5, 0.5, background_floor=0.1)):
        matches = matcher(xp.zeros((0, 4)), boxes)
        assert to_numpy(matches.label).tolist() == [NEGATIVE] * 3
        assert to_numpy(matches.target_index).tolist() == [0] * 3
        assert to_numpy(matches.iou).tolist() == [0] * 3


def test_without_boxes(xp):
    matches = RPN(xp.asarray(np.array([[0.0, 0.0, 4.0, 4.0]])), xp.zeros((0, 4)))
    assert [array.shape for array in matches] == [(0,)] * 3


def test_degenerate_targets_match_nothing():
    targets = np.array([[2.0, 2.0, 2.0, 2.0]])
    assert RPN(targets, np.array([[0.0, 0.0, 4.0, 4.0]])).label.tolist() == [NEGATIVE]


@pytest.mark.parametrize("thresholds", [(0.3, 0.7), (1.1, 0.5), (0.5, -0.1)])
def test_bad_thresholds_are_named(thresholds):
    with pytest.raises(ValueError, match="Matcher: expected 0 <= background_floor"):
        Matcher(*thresholds)


@given(
    labels=st.lists(st.sampled_from([-1, 0, 1, 2]), max_size=40),
    count=st.integers(0, 30),
    fraction=st.sampled_from([0, 0.25, 0.5, 1]),
    seed=st.integers(0, 100),
)
def test_sizes_and_labels_of_a_sample(xp, labels, count, fraction, seed):
    labels = np.array(labels, dtype=np.int8)
    rng = np.random.default_rng(seed)
    positive, negative = map(to_numpy, balanced_sample(xp.asarray(labels), count, fraction, rng))
    share = math.floor(count * fraction + 0.5)
    assert len(positive) == min(share, (labels > 0).sum())
    assert len(negative) == min(count - len(positive), (labels == 0).sum())
    assert (labels[positive] > 0).all()
    assert (labels[negative] == 0).all()
    for indices in (positive, negative):
        assert indices.dtype == np.int64
        assert (np.diff(indices) > 0).all()  # ascending, and none twice


def test_an_image_without_positives_fills_up_with_negatives():
    positive, negative = balanced_sample(np.zeros(100), 64, 0.25, np.random.default_rng(0))
    assert (len(positive), len(negative)) == (0, 64)


def test_the_same_seed_draws_the_same_boxes_on_every_device(xp):
    labels = np.random.default_rng(0).integers(-1, 2, 500)
    drawn = balanced_sample(xp.asarray(labels), 64, 0.5, np.random.default_rng(7))
    expected = balanced_sample(labels, 64, 0.5, np.random.default_rng(7))
    for here, there in zip(drawn, expected, strict=True):
        assert to_numpy(here).tolist() == there.tolist()


def test_every_box_has_the_same_chance():
    rng = np.random.default_rng(0)
    times_drawn = np.zeros(10)
    for _ in range(2000):
        times_drawn[balanced_sample(np.ones(10), 3, 1, rng)[0]] += 1
    # 600 expected of each; the standard deviation of a fair draw is 20.5
    assert abs(times_drawn - 600).max() < 100


@pytest.mark.parametrize(
    ("shape", "count", "fraction"), [((3, 1), 4, 0.5), ((3,), -1, 0.5), ((3,), 4, 1.5)]
)
def test_bad_arguments_of_a_sample_are_named(shape, count, fraction):
    with pytest.raises(ValueError, match="balanced_sample: expected labels of shape"):
        balanced_sample(np.zeros(shape), count, fraction, np.random.default_rng(0))


@pytest.mark.parametrize("dtype", ["float16", "int16", "uint16", "int64"])
def test_small_dtypes_match_as_float64_does(xp, dtype):
    targets = np.array([[0, 0, 400, 400], [500, 0, 900, 300]])
    boxes = np.array([[0, 0, 400, 390], [0, 0, 300, 300], [510, 4, 900, 300], [1000, 0, 1001, 1]])
    expected = Matcher(0.7, 0.3)(targets.astype(float), boxes.astype(float))
    found = Matcher(0.7, 0.3)(xp.asarray(targets.astype(dtype)), xp.asarray(boxes.astype(dtype)))
    assert to_numpy(found.label).tolist() == expected.label.tolist() == [1, -1, 1, 0]
    assert to_numpy(found.target_index).tolist() == expected.target_index.tolist()
    np.testing.assert_allclose(to_numpy(found.iou), expected.iou, rtol=1e-6)
