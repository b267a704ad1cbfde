"""Scratch memory that threads do not share, sums on all cores, and the buffer size of NumPy."""

import platform
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu.memory import add_up, keep_freed_memory, scratch, strided, unbuffered


@given(st.integers(1, 5), st.integers(0, 3), st.integers(1, 70_000))
def test_adding_up(count, rows, columns):
    terms = np.random.default_rng(0).normal(size=(count, rows, columns))
    total = add_up(terms)
    assert total.shape == (rows, columns)
    np.testing.assert_allclose(total, sum(terms), rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_arrays_leave_their_memory_to_the_next():
    resource = pytest.importorskip("resource")

    def faults_of_a_step():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        arrays = [np.zeros(800_000, np.float32) + 1 for _ in range(20)]
        del arrays
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert keep_freed_memory()
    first, second = faults_of_a_step(), faults_of_a_step()
    pages = 20 * 800_000 * 4 / 4096
    assert second < pages / 10, (first, second)


def test_the_environment_leaves_the_memory_alone(monkeypatch):
    monkeypatch.setenv("MINICV_KEEP_MEMORY", "0")
    assert not keep_freed_memory()


def test_scratch_is_kept_by_each_thread_and_grows():
    mine = scratch("test", (4, 5), np.dtype(np.float64))
    assert np.shares_memory(mine, scratch("test", (10,), np.dtype(np.float32)))
    assert scratch("test", (100,), np.dtype(np.complex128)).shape == (100,)
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(scratch("test", (4, 5), mine.dtype)))
    thread.start()
    thread.join()
    assert not np.shares_memory(theirs[0], scratch("test", (100,), mine.dtype))


def test_the_buffer_size_is_restored_after_an_error():
    before = np.getbufsize()
    with pytest.raises(KeyError), unbuffered():
        assert np.getbufsize() < before
        raise KeyError
    assert np.getbufsize() == before


def test_results_without_a_buffer_are_the_same():
    rng = np.random.default_rng(0)
    x, scale = rng.normal(size=(20, 33))[:, 1:-1], rng.normal(size=(20, 1))
    expected = x * scale
    with unbuffered():
        np.testing.assert_array_equal(x * scale, expected)


@pytest.mark.parametrize("start", [0, 3])
def test_a_strided_view_shares_memory(start):
    whole = np.arange(60, dtype=np.float32)
    view = strided(whole, (4, 3), (8 * 4, 2 * 4), start * 4)
    expected = [[8 * i + 2 * j + start for j in range(3)] for i in range(4)]
    np.testing.assert_array_equal(view, expected)
    view[1, 2] = -1
    assert whole[12 + start] == -1


def test_a_strided_view_of_memory_with_gaps_begins_at_its_first_element():
    part = np.arange(60.0).reshape(6, 10)[1:4, 2:5]
    np.testing.assert_array_equal(strided(part, (3, 2), (80, 8)), part[:, :2])
