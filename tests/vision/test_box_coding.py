"""Encoding and decoding undo each other, and neither makes infinities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import decode_boxes, encode_boxes

HEAD_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


def random_boxes(rng, count, dtype=np.float64):
    corner = rng.uniform(-100, 500, (count, 2))
    side = np.exp(rng.uniform(math.log(8), math.log(300), (count, 2)))  # ratios below 62.5
    return np.concatenate([corner, corner + side], axis=1).astype(dtype)


@given(seed=st.integers(0, 1000), count=st.integers(0, 20))
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), HEAD_WEIGHTS, (1.0, 2.0, 3.0, 4.0)])
def test_decode_undoes_encode(xp, weights, seed, count):
    rng = np.random.default_rng(seed)
    boxes, proposals = random_boxes(rng, count), random_boxes(rng, count)
    deltas = encode_boxes(xp.asarray(boxes), xp.asarray(proposals), weights)
    decoded = decode_boxes(deltas, xp.asarray(proposals), weights)
    np.testing.assert_allclose(to_numpy(decoded), boxes, rtol=0, atol=1e-10)


def test_float32_stays_float32_and_comes_back_within_a_thousandth_of_a_pixel():
    rng = np.random.default_rng(0)
    boxes, proposals = random_boxes(rng, 500, np.float32), random_boxes(rng, 500, np.float32)
    decoded = decode_boxes(encode_boxes(boxes, proposals), proposals)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, boxes, rtol=0, atol=1e-3)


def test_encode_follows_the_formula():
    box, proposal = np.array([[2.0, 4.0, 12.0, 8.0]]), np.array([[0.0, 0.0, 4.0, 16.0]])
    # centres (7, 6) and (2, 8); sizes (10, 4) and (4, 16)
    expected = [[10 * 5 / 4, 10 * -2 / 16, 5 * math.log(10 / 4), 5 * math.log(4 / 16)]]
    np.testing.assert_allclose(encode_boxes(box, proposal, HEAD_WEIGHTS), expected, rtol=1e-15)


def test_encode_does_not_change_when_all_is_moved_and_scaled():
    rng = np.random.default_rng(1)
    boxes, proposals = random_boxes(rng, 9), random_boxes(rng, 9)
    moved = encode_boxes(3 * boxes + 7, 3 * proposals + 7)
    np.testing.assert_allclose(moved, encode_boxes(boxes, proposals), atol=1e-12)


def test_decode_of_every_class_at_once(xp):
    rng = np.random.default_rng(2)
    proposals, deltas = random_boxes(rng, 5), rng.normal(size=(5, 3, 4))
    together = decode_boxes(xp.asarray(deltas), xp.asarray(proposals), HEAD_WEIGHTS)
    for label in range(3):
        alone = decode_boxes(deltas[:, label], proposals, HEAD_WEIGHTS)
        np.testing.assert_array_equal(to_numpy(together)[:, label], alone)


def test_huge_offsets_give_large_boxes_but_no_infinite_ones(xp):
    proposals = xp.asarray(np.array([[0.0, 0.0, 16.0, 16.0]], dtype=np.float32))
    deltas = xp.asarray(np.array([[0.0, 0.0, 1e4, 1e4]], dtype=np.float32))
    for weights in ((1.0, 1.0, 1.0, 1.0), HEAD_WEIGHTS):
        decoded = to_numpy(decode_boxes(deltas, proposals, weights))
        np.testing.assert_allclose(decoded, [[-492, -492, 508, 508]], rtol=1e-5)  # 1000 wide


def test_no_boxes(xp):
    none = xp.zeros((0, 4))
    assert encode_boxes(none, none).shape == (0, 4)
    assert decode_boxes(none, none).shape == (0, 4)
    assert decode_boxes(xp.zeros((0, 3, 4)), none).shape == (0, 3, 4)


@pytest.mark.parametrize("degenerate", [[5.0, 0.0, 5.0, 9.0], [0.0, 9.0, 5.0, 3.0]])
def test_encode_names_a_degenerate_box(xp, degenerate):
    good = [0.0, 0.0, 2.0, 2.0]
    bad, fine = xp.asarray(np.array([good, degenerate])), xp.asarray(np.array([good, good]))
    if xp is not np:  # a device is not waited for
        with np.errstate(all="ignore"):
            offsets = [to_numpy(encode_boxes(bad, fine)), to_numpy(encode_boxes(fine, bad))]
        for two in offsets:
            assert np.isfinite(two).all(axis=1).tolist() == [True, False]
        return
    with pytest.raises(ValueError, match=r"encode_boxes: reference_boxes\[1\] is \["):
        encode_boxes(bad, fine)
    with pytest.raises(ValueError, match=r"encode_boxes: proposals\[1\] is \["):
        encode_boxes(fine, bad)


def test_a_degenerate_proposal_decodes_to_a_degenerate_box():
    decoded = decode_boxes(np.ones((1, 4)), np.array([[3.0, 0.0, 3.0, 4.0]]))
    assert decoded[0, 0] == decoded[0, 2] == 3.0


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"reference_boxes=\(2, 4\), proposals=\(3, 4\)"):
        encode_boxes(np.ones((2, 4)), np.ones((3, 4)))
    for shape in [(2, 4), (3, 5), (3,), (3, 1, 1, 4)]:
        with pytest.raises(ValueError, match="decode_boxes: deltas expects shape"):
            decode_boxes(np.ones(shape), np.ones((3, 4)))
