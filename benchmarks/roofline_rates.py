"""What this machine gives at most: products, copies, and what a call of an operation costs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.libraries import with_minicv
from benchmarks.roofline_work import Product, Work

MOST_NUMBERS = 1 << 22  # of one operand; a larger product is taken in parts
IN_CACHE, OUT_OF_CACHE = 1 << 19, 1 << 27  # bytes of the copies
TURN_SECONDS = 0.02


def least_seconds(call: Callable[[], object], seconds: float = TURN_SECONDS, rounds: int = 3):
    """Seconds of a call at its fastest."""
    call()
    best, passed = float("inf"), 0.0
    for done in range(10_000):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
        passed += time.perf_counter() - started
        if passed > seconds and done + 1 >= rounds:
            break
    return best


@functools.cache
def seconds_of_product(product: Product) -> float:
    """At its fastest, by NumPy's matrix product; of a long one, a part counts for all."""
    m, k, n = product
    part = max(1, min(n, MOST_NUMBERS // max(m, k)))
    a, b = np.ones((m, k), np.float32), np.ones((k, part), np.float32)
    out = np.empty((m, part), np.float32)
    return least_seconds(lambda: np.matmul(a, b, out=out)) * n / part


@functools.cache
def bytes_a_second(copied: int, threads: int) -> float:
    """Of a copy, each thread its own part: what is read and what is written both count."""
    size = copied // 2 // threads // 4
    pairs = [(np.ones(size, np.float32), np.empty(size, np.float32)) for _ in range(threads)]
    repeats = max(1, (1 << 24) // copied)  # so that starting the threads costs little

    def part(pair: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(repeats):
            np.copyto(pair[1], pair[0])

    with ThreadPoolExecutor(threads) as pool:
        seconds = least_seconds(lambda: list(pool.map(part, pairs)), 0.3)
    return 8 * size * threads * repeats / seconds


@functools.cache
def seconds_of_call() -> tuple[float, float]:
    """Of one operation on 4x4 numbers: forward alone, and what backward adds."""
    length = 100
    of_chain = {
        backward: least_seconds(with_minicv.tanh_chain("float32", length, (4, 4), backward), 0.1)
        for backward in (False, True)
    }
    forward = of_chain[False] / (3 * length)
    return forward, max(0.0, of_chain[True] / (3 * length) - forward)


def bounds(work: Work, threads: int) -> dict[str, float]:
    """The least seconds of each resource: "products", "memory", "calls"."""
    cached, uncached = bytes_a_second(IN_CACHE, threads), bytes_a_second(OUT_OF_CACHE, threads)
    forward, backward = seconds_of_call()
    return {
        "products": sum(seconds_of_product(p) * count for p, count in work.products.items()),
        "memory": sum(size / (cached if size <= IN_CACHE else uncached) for size in work.moved),
        "calls": work.forward * forward + work.backward * backward,
    }
