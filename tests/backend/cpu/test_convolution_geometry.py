"""Sizes, padding, and scratch memory that threads do not share."""

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu.convolution_geometry import add_up, output_size, pad_images, scratch


@given(
    st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3)
)
def test_output_size_counts_windows(size, kernel, stride, padding, dilation):
    starts = range(-padding, size + padding - dilation * (kernel - 1), stride)
    assert max(0, output_size(size, kernel, stride, padding, dilation)) == len(starts)


def test_padding_equals_numpys():
    x = np.arange(12.0, dtype=np.float32).reshape(1, 2, 2, 3)
    padded = pad_images(x, (1, 2))
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded, np.pad(x, [(0, 0), (0, 0), (1, 1), (2, 2)]))
    assert pad_images(x, (0, 0)) is x


def test_padding_of_several_blocks_writes_every_margin():
    """The memory is used again, so what it held before must not show."""
    x = np.random.default_rng(0).normal(size=(3, 5, 200, 201))
    for number in (np.nan, 1.0):
        scratch("padded images", (x.size * 2,), x.dtype).fill(number)
        expected = np.pad(x, [(0, 0), (0, 0), (2, 2), (3, 3)])
        np.testing.assert_array_equal(pad_images(x, (2, 3)), expected)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(1, 70_000))
def test_adding_up(count, rows, columns):
    terms = np.random.default_rng(0).normal(size=(count, rows, columns))
    total = add_up(terms)
    assert total.shape == (rows, columns)
    np.testing.assert_allclose(total, sum(terms), rtol=1e-12, atol=1e-12)


def test_scratch_is_kept_by_each_thread_and_grows():
    mine = scratch("test", (4, 5), np.dtype(np.float64))
    assert np.shares_memory(mine, scratch("test", (10,), np.dtype(np.float32)))
    assert scratch("test", (100,), np.dtype(np.complex128)).shape == (100,)
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(scratch("test", (4, 5), mine.dtype)))
    thread.start()
    thread.join()
    assert not np.shares_memory(theirs[0], scratch("test", (100,), mine.dtype))
