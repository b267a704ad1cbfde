"""Run lengths, plain and compressed: against a loop over pixels, in linear time, nothing wrong."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minicv.vision.run_lengths import (
    compress_counts,
    decode_runs,
    encode_runs,
    expand_counts,
    ones_of_counts,
    runs_of_ones,
)


def run_lengths(mask):
    """Lengths of the runs down the columns, the first one of zeros, pixel by pixel."""
    runs, value = [0], False
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


def compress(runs):
    """COCO's string for run lengths, written from its description."""
    text = ""
    for k, run in enumerate(runs):
        value = run - runs[k - 2] if k > 2 else run
        while True:
            bits = value & 31
            value >>= 5
            done = value == (-1 if bits & 16 else 0)
            text += chr(48 + (bits if done else bits | 32))
            if done:
                break
    return text


masks = arrays.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 9)))


@given(masks)
def test_runs_both_plain_and_compressed(mask):
    runs = run_lengths(mask)
    size = list(mask.shape)
    for counts in (runs, compress(runs), compress(runs).encode()):
        decoded = decode_runs(counts, size, mask.shape)
        assert decoded.dtype == bool
        np.testing.assert_array_equal(decoded, mask)


@given(st.lists(st.integers(0, 10**6), max_size=12))
def test_compressed_numbers(runs):
    assert expand_counts(compress(runs)) == runs


def test_runs_of_another_size():
    with pytest.raises(ValueError, match="not"):
        decode_runs([6], (2, 3), (3, 2))
    with pytest.raises(ValueError, match="hold 5 pixels"):
        decode_runs([2, 3], (2, 3), (2, 3))
    with pytest.raises(ValueError, match="expected 2"):
        decode_runs([-1, 7], (2, 3), (2, 3))
    with pytest.raises(ValueError, match="lengths of 0 to 7"):
        decode_runs([0, 7], (2, 3), (2, 3))


@pytest.mark.parametrize(
    "counts", [[1.5, 4.5], ["2", "4"], [[2, 4]], [2, None, 4], [2**70, 3], [float("nan"), 6]]
)
def test_counts_that_are_no_whole_numbers(counts):
    with pytest.raises(ValueError, match=r"counts hold something else|runs hold"):
        decode_runs(counts, (2, 3), (2, 3))


def test_whole_numbers_written_with_a_point():
    assert decode_runs([2.0, 4.0], (2, 3), (2, 3)).sum() == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 1", r"hold b' ' at 1"),
        ("3\u00e9", "at 1"),
        ("\ud800", "at 0"),
        ("3Q", "end within a number"),
        ("`", "end within a number"),
        ("P" * 8 + "0", "a number of 45 bits"),
        (b"\xff", "at 0"),
    ],
)
def test_strings_that_are_no_compressed_runs(text, message):
    with pytest.raises(ValueError, match=message):
        expand_counts(text)


def test_a_known_compressed_string():
    """By hand: 20 is 0b10100, so 4 | 16 | 32 = 52 -> 'd' (48 + 52), then 0 -> '0'."""
    assert expand_counts("d020") == [20, 2, 0]
    # The fourth number is its difference to the second: 2 + 5 = 7.
    assert expand_counts("d0205") == [20, 2, 0, 7]


def test_a_megabyte_is_decoded_in_linear_time():
    side = 1024
    text = "1" * (side * side)  # from the fourth on, each run is longer by one than two before
    begin = time.perf_counter()
    runs = expand_counts(text)
    assert time.perf_counter() - begin < 5
    assert runs[:6] == [1, 1, 1, 2, 2, 3] and len(runs) == side * side
    with pytest.raises(ValueError, match="runs hold 274877906945 pixels"):
        decode_runs(text, (side, side), (side, side))
    checkers = "110" + "0" * (side * side - 3)  # 1, 1, 0, 1, 0, 1, ...
    begin = time.perf_counter()
    with pytest.raises(ValueError, match=f"hold {side * side // 2 + 1} pixels"):
        decode_runs(checkers, (side, side), (side, side))
    assert time.perf_counter() - begin < 5
    begin = time.perf_counter()
    with pytest.raises(ValueError, match="a number of 5000005 bits"):
        expand_counts("P" * 1_000_000 + "0")  # one number of a million characters
    assert time.perf_counter() - begin < 5


@given(masks)
def test_encoding_against_a_loop(mask):
    runs = encode_runs(mask)
    assert runs.dtype == np.int64 and runs.tolist() == run_lengths(mask)
    np.testing.assert_array_equal(decode_runs(runs, mask.shape, mask.shape), mask)
    for starts, ends in (runs_of_ones(mask), ones_of_counts(runs)):
        pixels = [p for s, e in zip(starts, ends, strict=True) for p in range(s, e)]
        assert pixels == np.flatnonzero(mask.T).tolist()


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        (np.zeros((3, 2), bool), [6]),
        (np.ones((3, 2), bool), [0, 6]),  # one run over both columns
        (np.ones((1, 1), bool), [0, 1]),
        (np.zeros((1, 1), bool), [1]),
        (np.array([[0, 0, 1], [1, 0, 0]]), [1, 1, 2, 1, 1]),
        (np.array([[0, 1], [1, 0]], np.float32), [1, 2, 1]),  # on at the top of the next column
    ],
)
def test_encoding_by_hand(mask, counts):
    assert encode_runs(mask).tolist() == counts


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_a_mask_of_no_pixels(shape):
    assert encode_runs(np.zeros(shape, bool)).sum() == 0


def test_a_mask_is_a_plane():
    with pytest.raises(ValueError, match=r"shape \(1, 2, 3\), expected \(H, W\)"):
        encode_runs(np.zeros((1, 2, 3), bool))


@given(st.lists(st.integers(0, 2**31), max_size=12))
def test_compressing_against_a_loop(runs):
    assert compress_counts(runs) == compress(runs)
    assert expand_counts(compress_counts(np.array(runs, np.int64))) == runs


@given(st.lists(st.integers(0, 3), max_size=9))
def test_runs_of_length_zero_do_not_part_others(counts):
    starts, ends = ones_of_counts(np.array(counts, np.int64))
    values = np.repeat(np.arange(len(counts)) % 2, counts)
    assert [p for s, e in zip(starts, ends, strict=True) for p in range(s, e)] == np.flatnonzero(
        values
    ).tolist()
    assert (ends > starts).all() and (starts[1:] > ends[:-1]).all()
