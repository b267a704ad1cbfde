"""All records of speed anew, one after the other, and the page that shows them.

    python -m benchmarks records [--minutes 25] [--only NAME ...] [--peer NAME ...] [--threads 2]
    python -m benchmarks records --page

How many turns each side gets follows from the minutes: as many as fit by the times of the last
records, at least `LEAST_ROUNDS` and at most `MOST_ROUNDS`. The machine must do nothing else
meanwhile. Then the tables of docs/speed.md are written from the records; ``--page`` does only that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import growth, roofline, speed
from benchmarks.alternate import ENDLESS_SECONDS, Schedule
from benchmarks.case import Case
from benchmarks.peers import PEERS
from benchmarks.speed_page import read_records, write_page

ORDER = ("conv", "layers", "models", "detectors", "autograd", "training", "start")
LATER = ("growth", "roofline")  # the second reads what the others have kept
LEAST_ROUNDS, MOST_ROUNDS = 3, 9
START_SECONDS = {"minicv": 1.0, "torch": 3.5, "torchvision": 5.0, "chainer": 2.0}
SETTLING_SECONDS = 1.5  # first call, warm-up, looking whether the machine is busy
UNKNOWN_SECONDS = 0.3  # of a call that no record tells
LATER_SECONDS = {"growth": 480.0, "roofline": 120.0}


def main(arguments: Sequence[str]) -> int:
    """Take the records and write the page."""
    options = _parser().parse_args(arguments)
    if options.page:
        print(f"written: {write_page(read_records())}")
        return 0
    names = [name for name in (*ORDER, *LATER) if not options.only or name in options.only]
    peers = options.peer or list(PEERS)
    records = read_records()
    rounds, expected = plan(names, records, peers, 60 * options.minutes)
    print(f"{rounds} rounds, about {expected / 60:.0f} minutes", flush=True)
    status, started = 0, time.perf_counter()
    for name in names:
        since = time.perf_counter()
        status |= _run(name, options, rounds)
        took, passed = time.perf_counter() - since, time.perf_counter() - started
        print(f"{name}: {took / 60:.1f} minutes, {passed / 60:.1f} in all\n", flush=True)
    print(f"written: {write_page(read_records())}")
    return status


def _run(name: str, options: argparse.Namespace, rounds: int) -> int:
    threads = ["--threads", str(options.threads)]
    if name == "roofline":
        return _in_a_new_process([name, *threads])
    if name == "growth":
        return growth.main(threads)
    chosen = [word for peer in options.peer or () for word in ("--peer", peer)]
    return speed.main(name, [*threads, *chosen, "--rounds", str(rounds)])


def _in_a_new_process(arguments: Sequence[str]) -> int:
    """For a benchmark whose libraries must read their threads first."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, check=False, cwd=roofline.RESULTS.parent.parent).returncode


def plan(
    names: Sequence[str],
    records: Mapping[str, Mapping[str, Any]],
    peers: Sequence[str],
    seconds: float,
) -> tuple[int, float]:
    """How many rounds fit into so many seconds, and how many seconds they take."""
    for rounds in range(MOST_ROUNDS, LEAST_ROUNDS - 1, -1):
        expected = sum(expected_seconds(name, records, peers, rounds) for name in names)
        if expected <= seconds:
            break
    return rounds, expected


def expected_seconds(
    name: str, records: Mapping[str, Mapping[str, Any]], peers: Sequence[str], rounds: int
) -> float:
    """Of one benchmark, by the times of its last record.

    >>> round(expected_seconds("roofline", {}, ["torch"], 9))
    120
    """
    if name in LATER_SECONDS:
        return LATER_SECONDS[name]
    measured = {
        (result["row"], result["case"]): result["seconds"]
        for result in records.get(name, {"cases": ()})["cases"]
    }
    total = 0.0
    for case in speed.BENCHMARKS[name].CASES:
        of_case = measured.get((case.row, case.name), {})
        for library in ("minicv", *(peer for peer in case.peers if peer in peers)):
            call = of_case.get(library, UNKNOWN_SECONDS / case.per) * case.per
            total += START_SECONDS.get(library, 2.0) + _of_turns(case, call, rounds)
    return total


def _of_turns(case: Case, call: float, rounds: int) -> float:
    schedule = Schedule()
    if call > ENDLESS_SECONDS:
        return call
    turns = min(rounds, schedule.slow_rounds) if call > schedule.slow_seconds else rounds
    exact = 10 * call if case.accuracy else 0.0  # once in float64
    return SETTLING_SECONDS + 2 * call + turns * max(schedule.turn_seconds + call, call) + exact


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks records", description="All records of speed, and their page."
    )
    add = parser.add_argument
    add("--minutes", type=float, default=25.0, metavar="M", help="in all; default 25")
    add("--only", nargs="+", choices=[*ORDER, *LATER], help="these benchmarks alone")
    add("--peer", action="append", choices=list(PEERS), help="compare with this one only")
    add("--threads", type=int, default=2, metavar="N", help="of every side; default 2")
    add("--page", action="store_true", help="write docs/speed.md from the records that there are")
    return parser
