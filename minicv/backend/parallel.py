"""Worker threads for the CPU kernels.

NumPy lets go of the interpreter lock inside large ufuncs and matrix products, so blocks of one
operation can run on several cores. While they do, the BLAS below must stay on one thread each, or
the cores are oversubscribed and everything slows down.

Work is cut into blocks by size and never by the number of threads, so results do not depend on it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from threadpoolctl import LibController, ThreadpoolController

Block = TypeVar("Block")
_inside = threading.local()
_blas_lock = threading.Lock()


def number_of_threads() -> int:
    """``MINICV_NUM_THREADS`` where it is set, else the cores this process may use.

    >>> number_of_threads() >= 1
    True
    """
    requested = os.environ.get("MINICV_NUM_THREADS")
    if requested is not None:
        if not requested.isdecimal() or int(requested) < 1:
            raise ValueError(
                f"MINICV_NUM_THREADS: expected a whole number of at least 1 but got {requested!r}"
            )
        return int(requested)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parallel_for(function: Callable[[Block], object], blocks: Iterable[Block]) -> None:
    """Call ``function(block)`` for every block, on worker threads where there are several cores.

    The blocks must write to disjoint memory. An exception in a block is raised here, after all
    blocks have ended. Called from within a block, or while another thread of the program is
    already inside, it simply loops.

    >>> squares = [0, 0, 0]
    >>> def square(i):
    ...     squares[i] = i * i
    >>> parallel_for(square, range(3))
    >>> squares
    [0, 1, 4]
    """
    blocks = list(blocks)
    nested = getattr(_inside, "block", False)
    if nested or not _blas_lock.acquire(blocking=False):
        for block in blocks:
            function(block)
        return
    try:
        # One BLAS thread a block, also for a single block or worker: rounding must not depend on
        # it, and the threads of BLAS spin for a while after each product and take the cores.
        with _one_blas_thread():
            threads = min(number_of_threads(), len(blocks))
            if threads < 2:
                for block in blocks:
                    function(block)
                return
            jobs = [_pool(threads).submit(_run, function, block) for block in blocks]
            wait(jobs)
            for job in jobs:
                job.result()
    finally:
        _blas_lock.release()


def split(length: int, block: int) -> list[slice]:
    """``range(length)`` as slices of at most ``block``.

    >>> split(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    block = max(1, block)
    return [slice(start, min(start + block, length)) for start in range(0, length, block)]


def _run(function: Callable[[Block], object], block: Block) -> None:
    _inside.block = True
    function(block)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="minicv")


@contextlib.contextmanager
def _one_blas_thread() -> Iterator[None]:
    libraries = _blas_libraries()
    before = [library.num_threads for library in libraries]
    for library in libraries:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, threads in zip(libraries, before, strict=True):
            library.set_num_threads(threads)


@functools.cache
def _blas_libraries() -> list[LibController]:
    controller = ThreadpoolController().select(user_api="blas")
    return controller.lib_controllers


def _start_anew_in_a_forked_child() -> None:
    """Threads do not survive a fork, and a lock may have been held by one of them."""
    global _blas_lock
    _blas_lock = threading.Lock()
    _inside.block = False
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew_in_a_forked_child)
