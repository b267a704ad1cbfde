"""Worker threads for the CPU kernels.

NumPy releases the interpreter lock inside large ufuncs and matrix products, so blocks of one
operation can run on several cores. While they do, the BLAS below must stay on one thread each, or
the cores are oversubscribed and everything slows down.

A sleeping thread needs some 50 microseconds to wake, as long as a small layer takes altogether. So
the calling thread does not wait for the worker threads but works through the blocks itself, and
workers that wake in time take some of the blocks.

Work is cut into blocks by size and never by the number of threads, so results do not depend on it.
"""

from __future__ import annotations

import contextvars
import functools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar

from threadpoolctl import LibController, ThreadpoolController

Block = TypeVar("Block")
# Blocks that the workers have begun mostly end sooner than the calling thread could go to sleep and
# wake. So it first looks this many times, which takes below a millisecond.
GLANCES = 500
_let_others_run = getattr(os, "sched_yield", functools.partial(time.sleep, 0))
_workers_lock = threading.Lock()


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
    """Call ``function(block)`` for every block, here and on worker threads where there are cores.

    The blocks must write to disjoint memory. An exception in a block is raised here, after all
    blocks have ended. When called from within a block, or while another thread of the program is
    in `parallel_for`, it loops over the blocks in its own thread.

    >>> squares = [0, 0, 0]
    >>> def square(i):
    ...     squares[i] = i * i
    >>> parallel_for(square, range(3))
    >>> squares
    [0, 1, 4]
    """
    blocks = list(blocks)
    # One BLAS thread a block, also for a single block or worker, and also while another thread of
    # the program has the workers: rounding must not depend on their number, and BLAS threads spin
    # for a while after each product and take the cores.
    with _one_blas_thread:
        if len(blocks) == 1 or not _workers_lock.acquire(blocking=False):
            for block in blocks:
                function(block)
            return
        try:
            job = _Job(function, blocks)
            _workers().call(min(number_of_threads(), len(blocks)) - 1, job.work)
            job.work()
            job.wait()
        finally:
            _workers_lock.release()


def split(length: int, block: int) -> list[slice]:
    """``range(length)`` as slices of at most ``block``.

    >>> split(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    block = max(1, block)
    return [slice(start, min(start + block, length)) for start in range(0, length, block)]


def split_evenly(length: int, most: int) -> list[slice]:
    """``range(length)`` in slices of at most ``most`` and about equal size.

    There is one slice or an even number of them, so that no core waits for the last.

    >>> split_evenly(10, 4)
    [slice(0, 3, None), slice(3, 6, None), slice(6, 9, None), slice(9, 10, None)]
    """
    count = -(-length // max(1, most))
    count += count % 2 if count > 1 else 0
    return split(length, -(-length // max(1, count)))


class _Job(Generic[Block]):
    """The blocks of one `parallel_for`, taken one by one by the calling thread and the workers."""

    def __init__(self, function: Callable[[Block], object], blocks: list[Block]) -> None:
        self.function = function
        self.count = len(blocks)
        self.left = deque(enumerate(blocks))
        self.ended: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()

    def work(self) -> None:
        """Take and compute blocks until none is left."""
        while True:
            try:
                index, block = self.left.popleft()
            except IndexError:
                return
            error = None
            try:
                self.function(block)
            except BaseException as raised:
                error = raised
            self.ended.put((index, error))

    def wait(self) -> None:
        """Until the blocks that workers have begun are done; raises the first block's exception."""
        for _ in range(GLANCES):
            if self.ended.qsize() == self.count:
                break
            _let_others_run()
        errors = dict(self.ended.get() for _ in range(self.count))
        for _, error in sorted(errors.items()):
            if error is not None:
                raise error


class _Workers:
    """Threads that sleep until they are called."""

    def __init__(self) -> None:
        self.started = 0
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def call(self, count: int, work: Callable[[], None]) -> None:
        """Let ``count`` of them call ``work``, in the context of the caller."""
        while self.started < count:
            self.started += 1
            name = f"minicv_{self.started}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        for _ in range(count):
            # NumPy's error handling belongs to the context, and no two threads can share one.
            self.calls.put(functools.partial(contextvars.copy_context().run, work))

    def _serve(self) -> None:
        while True:
            self.calls.get()()


@functools.cache
def _workers() -> _Workers:
    return _Workers()


class _OneBlasThread:
    """A block in which BLAS has one thread; the last of the threads that are in one restores it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.before: list[int] = []

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.before = [library.num_threads for library in _blas_libraries()]
                self._set([1] * len(self.before))
            self.inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self._set(self.before)

    def start_anew(self) -> None:
        """In a forked child, which has only the thread that forked."""
        self.lock = threading.Lock()
        if self.inside:
            self._set(self.before)
        self.inside = 0

    def _set(self, counts: list[int]) -> None:
        for library, count in zip(_blas_libraries(), counts, strict=True):
            # A new threadpoolctl lets only the thread that came first set the number, and passes
            # over the others in silence. Here the lock sees to it that they agree.
            getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


_one_blas_thread = _OneBlasThread()


@functools.cache
def _blas_libraries() -> list[LibController]:
    controller = ThreadpoolController().select(user_api="blas")
    return controller.lib_controllers


def _start_anew_in_a_forked_child() -> None:
    """Threads do not survive a fork, and a lock may have been held by one of them."""
    global _workers_lock
    _workers_lock = threading.Lock()
    _one_blas_thread.start_anew()
    _workers.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew_in_a_forked_child)
