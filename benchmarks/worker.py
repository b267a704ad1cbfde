"""One side of a comparison: a process that knows one library and one case.

    python -m benchmarks.worker LIBRARY CASE_AS_JSON

It builds the case and calls it a few times, to warm up. Then it waits for orders, one JSON a line
on standard input, and answers each with one JSON line:

| order | answer |
|---|---|
| (at the start) | version, seconds of one call, fingerprint of the first result |
| {"do": "time", "calls": 5} | {"seconds": [five numbers]} |
| {"do": "memory"} | {"start": MiB before the first call, "peak": MiB since} |
| {"do": "accuracy"} | {"error": relative L2 error against float64} |
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alternate import ENDLESS_SECONDS
from benchmarks.fingerprint import fingerprint

WARM_UP_SECONDS = 0.3


def main() -> None:
    """Serve until standard input ends."""
    name, case = sys.argv[1], json.loads(sys.argv[2])
    # Only answers go to standard output; what a library prints goes where errors go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library = importlib.import_module(f"benchmarks.libraries.with_{name}")
    build = getattr(library, case["operation"])
    step = build("float32", **case["parameters"])
    peak_of_step = getattr(step, "peak_memory", peak_memory)
    forget_peak()
    start = peak_of_step()
    started = time.perf_counter()
    results = step()
    seconds = time.perf_counter() - started
    result_print = fingerprint([library.to_numpy(result) for result in results])
    del results

    def answer(**values: Any) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    if seconds < ENDLESS_SECONDS:
        seconds = warm_up(step)
    answer(version=library.VERSION, seconds=seconds, fingerprint=result_print)
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "time":
            answer(seconds=time_calls(step, order["calls"]))
        elif order["do"] == "memory":
            answer(start=start, peak=peak_of_step())
        else:
            exact = build("float64", **case["parameters"])
            answer(error=relative_error(library.to_numpy, step(), exact()))


def warm_up(step: Callable[[], Any]) -> float:
    """Call until threads run, caches are full and memory is mapped; seconds of the last call."""
    passed = 0.0
    while True:
        started = time.perf_counter()
        step()
        seconds = time.perf_counter() - started
        passed += seconds
        if passed > WARM_UP_SECONDS:
            return seconds


def time_calls(step: Callable[[], Any], calls: int) -> list[float]:
    """Seconds of each call. Where several are asked for, one more goes before them unmeasured: the
    other side has had the caches since.
    """
    seconds = []
    if calls > 1:
        step()
    for _ in range(calls):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return seconds


def relative_error(
    to_numpy: Callable[[Any], np.ndarray], results: Sequence[Any], exact: Sequence[Any]
) -> float:
    """The worst ‖result - exact‖ / ‖exact‖ over the arrays of a result."""
    errors = []
    for result, true in zip(results, exact, strict=True):
        true = to_numpy(true)
        errors.append(np.linalg.norm(to_numpy(result) - true) / np.linalg.norm(true))
    return float(max(errors))


def forget_peak() -> None:
    """What was held while the case was built and is held no more does not count, where the system
    can forget it.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """The most memory that this process has held since `forget_peak`, in MiB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        pass
    else:  # Linux: what getrusage says there begins with the peak of the process that started us
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB on Linux


if __name__ == "__main__":
    main()
