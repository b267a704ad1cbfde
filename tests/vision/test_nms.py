"""Non-maximum suppression against the plain greedy loop."""

from importlib import import_module

import cuda_emulator
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import batched_nms, box_iou, nms

kernel = import_module("minicv.backend.cpu.nms")


@pytest.fixture(scope="module")
def xp(xp):
    if xp is not np and cuda_emulator.compiler() is None:
        pytest.skip("no C++ compiler to run CUDA kernels without a GPU")
    return xp


def greedy_by_loops(boxes, scores, iou_threshold):
    waiting = sorted(range(len(boxes)), key=lambda index: -scores[index])  # sorted() is stable
    kept = []
    while waiting:
        best = waiting.pop(0)
        kept.append(best)
        waiting = [
            index
            for index in waiting
            if not box_iou(boxes[best : best + 1], boxes[index : index + 1]).item() > iou_threshold
        ]
    return kept


def random_boxes(rng, count):
    """Small whole-numbered boxes, so that equal IoUs, twins and degenerate boxes abound."""
    corner = rng.integers(0, 6, (count, 2))
    side = rng.integers(0, 6, (count, 2))
    return np.concatenate([corner, corner + side], axis=1).astype(np.float64)


@pytest.mark.parametrize("block", [1, 3, 64])
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 40),
    iou_threshold=st.sampled_from([0, 0.25, 0.5, 0.75, 1]),
)
def test_against_loops(xp, block, seed, count, iou_threshold):
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, count)
    scores = rng.integers(0, 8, count) / 8  # many ties
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "BLOCK", block)
        kept = nms(xp.asarray(boxes), xp.asarray(scores), iou_threshold)
    assert to_numpy(kept).tolist() == greedy_by_loops(boxes, scores, iou_threshold)


@given(seed=st.integers(0, 10_000), count=st.integers(0, 40))
def test_batched_against_loops(xp, seed, count):
    rng = np.random.default_rng(seed)
    boxes, labels = random_boxes(rng, count), rng.integers(0, 3, count)
    scores = rng.integers(0, 8, count) / 8
    expected = []
    for label in range(3):
        members = np.flatnonzero(labels == label)
        expected += members[greedy_by_loops(boxes[members], scores[members], 0.4)].tolist()
    expected.sort(key=lambda index: (-scores[index], index))
    kept = batched_nms(xp.asarray(boxes), xp.asarray(scores), xp.asarray(labels), 0.4)
    assert to_numpy(kept).tolist() == expected


@pytest.mark.parametrize("most", [0, 1, 5, 40])
@given(seed=st.integers(0, 10_000), count=st.integers(0, 40), labels=st.integers(1, 3))
def test_the_best_survivors_are_the_first_of_all(most, seed, count, labels):
    rng = np.random.default_rng(seed)
    boxes, scores = random_boxes(rng, count), rng.integers(0, 8, count) / 8
    label = rng.integers(0, labels, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "BLOCK", 3)  # so that a search ends between blocks
        best = kernel.nms(boxes, scores, 0.4, label, most)
    assert best.tolist() == kernel.nms(boxes, scores, 0.4, label)[:most].tolist()


def test_large_sets_of_real_sized_boxes():
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(0, 200, (700, 2)), rng.uniform(20, 120, (700, 2))
    boxes = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
    scores = rng.random(700).astype(np.float32)
    kept = nms(boxes, scores, 0.5)
    overlaps = box_iou(boxes, boxes) > 0.5
    assert not np.triu(overlaps[np.ix_(kept, kept)], 1).any()
    for struck in np.setdiff1d(np.arange(700), kept):  # each fell to a better one that stayed
        assert (overlaps[struck, kept] & (scores[kept] >= scores[struck])).any()
    assert (np.diff(scores[kept]) <= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_box_exactly_at_the_threshold_stays(dtype):
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 7]], dtype=dtype)
    scores = np.array([0.9, 0.8])
    assert nms(boxes, scores, 0.7).tolist() == [0, 1]
    assert nms(boxes, scores, 0.69).tolist() == [0]


def test_equal_scores_are_taken_in_order():
    boxes = np.array([[10.0 * i, 0, 10 * i + 5, 5] for i in range(5)])
    scores = np.array([0.9, 0.5, 0.9, 0.9, 0.5])
    assert nms(boxes, scores, 0.5).tolist() == [0, 2, 3, 1, 4]
    twins = np.zeros((3, 4)) + [0, 0, 5, 5]
    assert nms(twins, np.ones(3), 0.5).tolist() == [0]


def test_batched_decides_as_each_class_alone_even_far_from_the_origin():
    """Shifting boxes by their label would round these coordinates away in float32."""
    boxes = np.array([[1e6, 0, 1e6 + 1, 1], [1e6 + 0.4375, 0, 1e6 + 1.4375, 1]], dtype=np.float32)
    boxes = np.tile(boxes, (90, 1))
    labels = np.repeat(np.arange(90), 2)
    scores = np.tile(np.array([0.9, 0.8], dtype=np.float32), 90)
    assert len(nms(boxes[:2], scores[:2], 0.4)) == 2
    assert len(batched_nms(boxes, scores, labels, 0.4)) == 180


def test_no_boxes(xp):
    none, empty = xp.zeros((0, 4)), xp.zeros(0)
    assert nms(none, empty, 0.5).shape == (0,)
    kept = batched_nms(none, empty, xp.zeros(0, dtype=xp.int64), 0.5)
    assert kept.shape == (0,)
    assert kept.dtype == np.int64


def test_degenerate_boxes_strike_out_nothing():
    boxes = np.array([[3.0, 3.0, 3.0, 3.0]] * 3)
    assert nms(boxes, np.array([0.1, 0.2, 0.3]), 0).tolist() == [2, 1, 0]


def test_bad_arguments_are_named():
    boxes = np.zeros((2, 4))
    with pytest.raises(ValueError, match=r"nms: scores expects one value per box, shape \(2,\)"):
        nms(boxes, np.zeros(3), 0.5)
    with pytest.raises(ValueError, match="batched_nms: labels expects one value per box"):
        batched_nms(boxes, np.zeros(2), np.zeros((2, 1)), 0.5)
    with pytest.raises(ValueError, match="nms: iou_threshold expects a number from 0 to 1"):
        nms(boxes, np.zeros(2), 50)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", "int8", "int64", "float16", "bool"])
def test_the_best_score_wins_in_every_dtype(xp, dtype):
    """Minus 0 is 0 for an unsigned number, and minus -128 is -128 in 8 bits."""
    boxes = xp.asarray(np.array([[0, 0, 300, 300], [0, 0, 300, 299], [400, 0, 600, 200]], "int16"))
    if dtype == "bool":
        low, high = False, True
    else:
        limits = np.finfo(dtype) if dtype == "float16" else np.iinfo(dtype)
        low, high = limits.min, limits.max
    for best, scores in ((0, [high, low, low]), (1, [low, high, low])):
        scores = xp.asarray(np.array(scores, dtype))
        assert to_numpy(nms(boxes, scores, 0.5)).tolist() == [best, 2]
        labels = xp.asarray(np.zeros(3, np.uint8))
        assert to_numpy(batched_nms(boxes, scores, labels, 0.5)).tolist() == [best, 2]


def test_boxes_of_photographs_in_float16(xp):
    """Areas above 65,504 square pixels; the second box overlaps the first by 0.5625."""
    boxes = xp.asarray(np.array([[0, 0, 400, 400], [0, 0, 300, 300]], np.float16))
    scores = xp.asarray(np.array([0.9, 0.8], np.float16))
    assert to_numpy(nms(boxes, scores, 0.5)).tolist() == [0]
    assert to_numpy(nms(boxes, scores, 0.6)).tolist() == [0, 1]


def test_nan_scores_come_last(xp):
    boxes = xp.asarray(np.array([[0.0, 0, 9, 9], [0.0, 0, 9, 9]]))
    assert to_numpy(nms(boxes, xp.asarray(np.array([np.nan, 0.1])), 0.5)).tolist() == [1]
