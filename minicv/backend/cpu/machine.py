"""How long the simplest work of a kernel takes on this machine.

An algorithm is a sum of simple work (`Work`): matrix products, numbers copied in runs, numbers that
come from memory, steps of Python. `Machine` holds how long each takes, and so tells how long the
algorithm does. `BUILT_IN` holds it for a typical core. `measure` finds it for this one, in half a
second, and `machine` keeps what was found in the user's cache folder.

All of it is measured on one thread. So the answer, and with it the choice of an algorithm and the
rounding of a result, does not depend on the number of threads.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minicv.backend.cpu.blas import blas
from minicv.backend.cpu.convolution_products import multiply, multiply_rows
from minicv.backend.parallel import parallel_for

# Sizes at which a product is measured, and lengths of a run.
ROWS, INNER, COLUMNS = (8, 32, 128), (16, 64, 256, 1024), (16, 64, 256)
RUNS = (8, 32, 128, 1024)
SPEEDUP = 1.3  # of two cores, which share caches; also where there are more, or one
REPEATS = 5
FORMAT = 1  # of the file


class Work(NamedTuple):
    """What an algorithm does, counted.

    Attributes:
        products: (how many, M, K, N) of each kind of matrix product.
        products_of_rows: the same for (M, K) times (N, K) transposed.
        runs: (numbers, length) of what is copied in the cache in runs of neighbours.
        picked: (numbers, length) of what is gathered or scattered number by number, in loops of so
            many.
        memory: bytes that come from memory or go there, besides the operands of the layer.
        steps: calls of NumPy.
    """

    products: tuple[tuple[float, float, float, float], ...] = ()
    products_of_rows: tuple[tuple[float, float, float, float], ...] = ()
    runs: tuple[tuple[float, float], ...] = ()
    picked: tuple[tuple[float, float], ...] = ()
    memory: float = 0.0
    steps: float = 0.0

    @property
    def multiply_adds(self) -> float:
        """Of all products."""
        return sum(math.prod(product) for product in (*self.products, *self.products_of_rows))

    @property
    def moved(self) -> float:
        """Numbers copied, one by one or in runs."""
        return sum(count for count, _ in (*self.runs, *self.picked))

    def __add__(self, other: tuple) -> Work:
        """Both, one after the other."""
        return Work(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


Product = tuple[tuple[tuple[float, ...], ...], ...]


class Machine(NamedTuple):
    """How long simple work takes on one core, in seconds.

    Attributes:
        product: of one multiply-add, for each of `ROWS`, `INNER` and `COLUMNS`.
        product_of_rows: of one multiply-add of rows, for each of `ROWS` (and columns) and `INNER`.
        run: of one number copied, in runs of `RUNS`.
        picked: of one number gathered, in loops of `RUNS`.
        memory: of one byte.
        step: of a call of NumPy with nothing to do.
    """

    product: Product
    product_of_rows: tuple[tuple[float, ...], ...]
    run: tuple[float, ...]
    picked: tuple[float, ...]
    memory: float
    step: float

    def seconds(self, work: Work) -> float:
        """How long two cores take. Memory and Python are shared by all.

        >>> times = ((1.3e-11,) * 4,) * 3
        >>> machine = Machine(((times[0][:3],) * 4,) * 3, times, *[(1e-9,) * 4] * 2, 1e-10, 1e-6)
        >>> round(machine.seconds(Work(products=((1, 100, 100, 100),), steps=5)) * 1e6, 3)
        15.0
        """
        time = sum(
            count * m * k * n * self._multiply_add(m, k, n) for count, m, k, n in work.products
        )
        time += sum(
            count * m * k * n * self._multiply_add_of_rows(math.sqrt(m * n), k)
            for count, m, k, n in work.products_of_rows
        )
        time += sum(count * between(RUNS, self.run, length) for count, length in work.runs)
        time += sum(count * between(RUNS, self.picked, length) for count, length in work.picked)
        return time / SPEEDUP + work.memory * self.memory + work.steps * self.step

    def _multiply_add(self, m: float, k: float, n: float) -> float:
        by_rows = [
            between(INNER, [between(COLUMNS, times, n) for times in of_inner], k)
            for of_inner in self.product
        ]
        return between(ROWS, by_rows, m)

    def _multiply_add_of_rows(self, side: float, k: float) -> float:
        return between(ROWS, [between(INNER, times, k) for times in self.product_of_rows], side)


def between(sizes: tuple[int, ...], times: list[float] | tuple[float, ...], size: float) -> float:
    """The time at ``size``, on straight lines in logarithms; per item, so ever more below the
    smallest, where each call takes as long as one of that size.

    >>> between((8, 32), (4.0, 1.0), 16), between((8, 32), (4.0, 1.0), 99)
    (2.0, 1.0)
    >>> between((8, 32), (4.0, 1.0), 2)
    16.0
    """
    if size <= sizes[0]:
        return times[0] * sizes[0] / max(size, 1.0)
    for (low, high), (before, after) in zip(
        itertools.pairwise(sizes), itertools.pairwise(times), strict=True
    ):
        if size <= high:
            share = math.log(size / low) / math.log(high / low)
            return float(before ** (1 - share) * after**share)
    return times[-1]


def _picoseconds(*times: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(1e-12 * time for time in row) for row in times)


# On cores with vectors of 256 and of 512 bits, in the geometric mean.
BUILT_IN = Machine(
    product=(
        _picoseconds((52.3, 32, 29.3), (34.3, 25.4, 25.1), (30.1, 24.9, 28.1), (30.3, 25.8, 25.5)),
        _picoseconds(
            (32.6, 25.1, 23.7), (24.7, 21.8, 22.6), (23.4, 22.4, 21.8), (24.3, 21.4, 24.4)
        ),
        _picoseconds((27.7, 23.7, 23.9), (22.8, 21.9, 20.6), (23, 20.3, 19.3), (22.6, 20.7, 20.2)),
    ),
    product_of_rows=_picoseconds(
        (142, 48.2, 36.4, 35.9),
        (40.2, 27.6, 25.9, 32.7),
        (28, 24, 21.7, 22),
    ),
    run=(0.616e-9, 0.207e-9, 0.114e-9, 0.119e-9),
    picked=(0.589e-9, 0.395e-9, 0.336e-9, 0.301e-9),
    memory=22.9e-12,
    step=1.15e-6,
)


def machine() -> Machine:
    """What the choice of an algorithm goes by: measured where ``MINICV_TUNE=1``, else built in.

    >>> machine() in (BUILT_IN, measured_machine()) if os.environ.get("MINICV_TUNE") == "1" else \\
    ...     machine() is BUILT_IN
    True
    """
    return measured_machine() if os.environ.get("MINICV_TUNE") == "1" else BUILT_IN


@functools.cache
def measured_machine() -> Machine:
    """From the user's cache folder, or measured now and written there.

    A file that cannot be read is measured anew, and one that cannot be written is done without.
    """
    path = cache_file()
    found = _read(path)
    if found is None:
        found = measure()
        _write(path, found)
    return found


def cache_file() -> Path:
    """Where the times of this machine are kept.

    >>> cache_file().name
    'machine.json'
    """
    if os.environ.get("XDG_CACHE_HOME"):
        folder = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        folder = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return folder / "minicv" / "machine.json"


def key() -> dict[str, object]:
    """What the times belong to: processor, cores, NumPy and BLAS; other times have another key."""
    return {
        "format": FORMAT,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "numpy": np.__version__,
        "blas": list(blas()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model")]
    return " ".join(dict.fromkeys(named)) or platform.machine()


def _read(path: Path) -> Machine | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] != key():
            return None
        product = tuple(tuple(map(tuple, rows)) for rows in kept["product"])
        of_rows = tuple(map(tuple, kept["product_of_rows"]))
        copies = tuple(kept["run"]), tuple(kept["picked"])
        found = Machine(product, of_rows, *copies, kept["memory"], kept["step"])
        return found if _is_sound(found) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_sound(found: Machine) -> bool:
    if [np.shape(part) for part in found] != [np.shape(part) for part in BUILT_IN]:
        return False
    times = np.hstack([np.ravel(part) for part in found])
    return bool(np.isfinite(times).all() and (times > 0).all())


def _write(path: Path, found: Machine) -> None:
    """In one step, so that no other process reads half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump({"key": key(), **found._asdict()}, file, indent=1)
        os.replace(name, path)
    except OSError:
        pass


def measure() -> Machine:
    """On one thread, each time the least of `REPEATS`.

    >>> measure().step < 1e-3
    True
    """
    found: list[Machine] = []
    parallel_for(lambda _: found.append(_measure()), [None])  # with one BLAS thread
    return found[0]


def _measure() -> Machine:
    product = tuple(
        tuple(tuple(_of_product(m, k, n) for n in COLUMNS) for k in INNER) for m in ROWS
    )
    product_of_rows = tuple(tuple(_of_rows(m, k) for k in INNER) for m in ROWS)
    numbers, copy = np.zeros(1 << 17, np.float32), np.empty(1 << 15, np.float32)  # 5/8 MiB

    def of_copy(length: int, step: int) -> float:
        rows = (-1, length)
        # Gaps between the rows, or NumPy would take all of them as one.
        source = numbers.reshape(-1, 4 * length)[:, : step * length : step]
        return _least(lambda: np.copyto(copy.reshape(rows), source)) / copy.size

    run = tuple(of_copy(length, 1) for length in RUNS)
    picked = tuple(of_copy(length, 2) for length in RUNS)
    large, twin = np.zeros((2, 1 << 23), np.float32)
    memory = _least(lambda: np.copyto(twin, large)) / (2 * large.nbytes)
    few = np.zeros(4, np.float32)
    step = _least(lambda: [np.add(few[:2], 1, out=few[:2]) for _ in range(100)]) / 100
    return Machine(product, product_of_rows, run, picked, memory, step)


def _of_product(m: int, k: int, n: int) -> float:
    count = max(1, 1_000_000 // (m * k * n))
    a, b = np.ones((count, m, k), np.float32), np.ones((count, k, n), np.float32)
    out = np.empty((count, m, n), np.float32)
    return _least(lambda: multiply(a, b, out)) / (count * m * k * n)


def _of_rows(m: int, k: int) -> float:
    count = max(1, 1_000_000 // (m * k * m))
    a, b = np.ones((2, count, m, k), np.float32)
    out = np.empty((count, m, m), np.float32)
    return _least(lambda: multiply_rows(a, b, out)) / (count * m * k * m)


def _least(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
