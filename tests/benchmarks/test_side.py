"""A worker process answers, rests while it is not its turn, and says why it dies."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.case import Case
from benchmarks.side import Side, WorkerError

TINY = Case(
    "tiny",
    "row",
    "conv2d_forward",
    {"x": (1, 4, 8, 8), "weight": (4, 4, 3, 3), "stride": 1, "padding": 1},
)


def assert_stopped(process_id):
    stat = Path(f"/proc/{process_id}/stat")
    if not stat.exists():  # only Linux has it
        return
    for _ in range(500):  # a signal takes effect when the process is next scheduled
        state = stat.read_text().rpartition(")")[2].split()[0]
        if state == "T":
            return
        time.sleep(0.01)
    pytest.fail(f"the worker is not stopped but {state}")


def test_a_side_times_counts_memory_and_compares_with_float64():
    with Side("minicv", sys.executable, TINY, threads=1) as side:
        assert side.seconds > 0 and side.version
        assert side.fingerprint[0][1] == 4 * 8 * 8
        assert_stopped(side.process_id)
        seconds = side.time(3)
        assert len(seconds) == 3 and min(seconds) > 0
        memory = side.memory()
        assert 10 < memory["start"] <= memory["peak"]
        assert 0 < side.error() < 1e-5


def test_a_worker_that_dies_says_why():
    broken = Case("broken", "row", "conv2d_forward", {**TINY.parameters, "weight": (4, 3, 3, 3)})
    with pytest.raises(WorkerError, match=r"(?s)minicv: the worker ended.*weight expects"):
        Side("minicv", sys.executable, broken, threads=1)
