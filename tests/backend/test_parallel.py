"""Blocks on worker threads: all done, in any number of threads with the same result."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_tree import REPOSITORY
from threadpoolctl import threadpool_info

from minicv.backend.parallel import number_of_threads, parallel_for, split


@pytest.fixture(params=["1", "2", "5"])
def threads(request, monkeypatch) -> int:
    monkeypatch.setenv("MINICV_NUM_THREADS", request.param)
    return int(request.param)


def test_every_block_runs_once(threads):
    done = []
    parallel_for(done.append, range(20))
    assert sorted(done) == list(range(20))


def test_blocks_may_be_an_iterator_or_none_at_all(threads):
    done = []
    parallel_for(done.append, iter("ab"))
    parallel_for(done.append, [])
    assert sorted(done) == ["a", "b"]


def test_blocks_run_at_the_same_time(monkeypatch):
    monkeypatch.setenv("MINICV_NUM_THREADS", "2")
    both_here, arrivals = threading.Barrier(2, timeout=10), []
    # One after the other they would never meet.
    parallel_for(lambda block: arrivals.append(both_here.wait()), range(2))
    assert sorted(arrivals) == [0, 1]


def test_blas_keeps_to_one_thread_inside(threads):
    """Also with one worker, so that rounding does not depend on the number of workers."""
    np.ones((2, 2)) @ np.ones((2, 2))
    seen = []

    def look(block: int) -> None:
        seen.append([lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"])

    parallel_for(look, range(3))
    assert all(count == 1 for counts in seen for count in counts)
    assert len(seen) == 3


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_blas_keeps_to_one_thread_in_whatever_thread_of_the_program():
    """It did so only for the thread that came first, and the others rounded otherwise."""
    np.ones((2, 2)) @ np.ones((2, 2))
    before = blas_threads()
    parallel_for(lambda block: None, range(1))
    both_here = threading.Barrier(2, timeout=10)

    def together(name):
        seen = []

        def look(block):
            both_here.wait()
            seen.append(blas_threads())
            both_here.wait()

        parallel_for(look, range(1))
        return seen[0]

    with ThreadPoolExecutor(2) as pool:
        assert all(seen <= {1} for seen in pool.map(together, "ab"))
    assert blas_threads() == before


def test_the_calling_thread_takes_part(threads):
    """So a small job is done before a sleeping thread has come to help."""
    here = threading.get_ident()
    seen = []

    def work(block: int) -> None:
        seen[-1].append(threading.get_ident())
        np.ones(100_000).sum()  # lets go of the interpreter lock, so that the others may come

    for _ in range(20):
        seen.append([])
        parallel_for(work, range(10))
    assert any(here in ran for ran in seen)
    assert max(len(set(ran)) for ran in seen) <= threads


def test_error_handling_of_numpy_is_that_of_the_caller(threads):
    barrier = threading.Barrier(threads, timeout=10)

    def work(block: int) -> None:
        barrier.wait()  # each thread has one of the blocks
        np.float32(1) / np.float32(0)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        parallel_for(work, range(threads))
    with np.errstate(divide="ignore"):
        parallel_for(work, range(threads))  # a warning would be an error


def test_of_several_exceptions_the_first_block_s_is_raised(threads):
    def work(block: int) -> None:
        raise ValueError(f"block {block}")

    with pytest.raises(ValueError, match="block 0"):
        parallel_for(work, range(5))


def test_exception_in_a_block_is_raised_after_all_have_ended(threads):
    done = []

    def work(block: int) -> None:
        if block == 1:
            raise ValueError("block 1 cannot be done")
        done.append(block)

    with pytest.raises(ValueError, match="block 1 cannot be done"):
        parallel_for(work, range(4))
    assert 0 in done
    done.clear()
    parallel_for(done.append, range(4))  # and the next call works as before
    assert sorted(done) == [0, 1, 2, 3]


def test_nested_call_loops_in_its_own_thread(threads):
    done = []

    def outer(i: int) -> None:
        here = threading.get_ident()

        def inner(j: int) -> None:
            assert threading.get_ident() == here
            done.append((i, j))

        parallel_for(inner, range(3))

    parallel_for(outer, range(4))
    assert sorted(done) == [(i, j) for i in range(4) for j in range(3)]


def test_two_threads_of_the_program_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setenv("MINICV_NUM_THREADS", "2")
    inside, finished = threading.Event(), threading.Event()

    def first() -> None:
        def work(block: int) -> None:
            inside.set()
            assert finished.wait(10)

        parallel_for(work, range(2))

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    done = []
    parallel_for(done.append, range(3))
    finished.set()
    thread.join()
    assert done == [0, 1, 2]


@pytest.mark.parametrize("value", ["0", "-1", "two", "", "1.5"])
def test_bad_number_of_threads_is_refused(monkeypatch, value):
    monkeypatch.setenv("MINICV_NUM_THREADS", value)
    with pytest.raises(ValueError, match=f"MINICV_NUM_THREADS: expected .* but got '{value}'"):
        number_of_threads()


def test_number_of_threads_without_the_variable(monkeypatch):
    monkeypatch.delenv("MINICV_NUM_THREADS", raising=False)
    assert number_of_threads() >= 1
    monkeypatch.setenv("MINICV_NUM_THREADS", "3")
    assert number_of_threads() == 3


@given(length=st.integers(0, 50), block=st.integers(-1, 60))
def test_split_covers_the_range_in_order(length: int, block: int):
    pieces = split(length, block)
    assert [i for piece in pieces for i in range(length)[piece]] == list(range(length))
    assert all(0 < piece.stop - piece.start <= max(1, block) for piece in pieces)


DETERMINISM = """
import hashlib
import numpy as np
from minicv import Tensor, functional as F
rng = np.random.default_rng(0)
x = Tensor(rng.normal(size=(3, 8, 37, 41)).astype(np.float32), requires_grad=True)
w = Tensor(rng.normal(size=(16, 8, 3, 3)).astype(np.float32), requires_grad=True)
y = F.conv2d(x, w, padding=1)
y.backward(rng.normal(size=y.shape).astype(np.float32))
digest = hashlib.sha256()
for array in (y.data, x.grad, w.grad):
    digest.update(np.ascontiguousarray(array))
print(digest.hexdigest())
"""


def test_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    """To the last bit: the same convolution and gradients with 1, 2 and 3 threads."""
    digests = set()
    for count in ("1", "2", "3"):
        monkeypatch.setenv("MINICV_NUM_THREADS", count)
        digests.add(_output_of(DETERMINISM))
    assert len(digests) == 1


FORK = """
import os, warnings
from minicv.backend.parallel import parallel_for
warnings.simplefilter("ignore")  # newer Pythons warn that the process has threads: so it has
parallel_for(lambda block: None, range(4))
child = os.fork()
if child == 0:
    done = []
    parallel_for(done.append, range(4))
    os._exit(0 if sorted(done) == [0, 1, 2, 3] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_starts_its_own_threads(monkeypatch):
    monkeypatch.setenv("MINICV_NUM_THREADS", "2")
    assert _output_of(FORK) == "0"


def _output_of(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=REPOSITORY,
    )
    return result.stdout.strip()
