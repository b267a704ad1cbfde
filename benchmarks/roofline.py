"""What bounds the rows that are slower than PyTorch?

    python -m benchmarks roofline [--below 1.0] [--only TEXT] [--threads 2]

For each case of the records with a ratio below ``--below``: the matrix products, bytes and calls of
operations that its definition asks for; the least time of each on this machine, by measured rates;
and the time that minicv takes. The products run at the rate of NumPy's own product of the same
shapes, bytes at the rate of a copy (in the cache or out of it, by the size of an operation's
arrays), calls at the cost of an operation on 4x4 numbers. The largest of the three is what bounds
the case, if the measured time is near. Where it is far above all of them, the kernels do something
else besides; where it is below, the algorithm multiplies less than the definition.

What is found goes to benchmarks/results/roofline.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.case import Case
from benchmarks.record import RESULTS, write_record
from benchmarks.table import align, format_seconds

PEERS = ("torch", "torchvision")
CALLS, LONGEST_SECONDS = 5, 5.0


def main(arguments: Sequence[str]) -> int:
    """Print the bounds of each slow case, and keep them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks roofline")
    parser.add_argument("--below", type=float, default=1.0, metavar="RATIO")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows and names with TEXT")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    options = parser.parse_args(arguments)
    if os.environ.get("MINICV_NUM_THREADS") != str(options.threads):
        _start_again(options.threads, arguments)
    from benchmarks.speed import BENCHMARKS  # the libraries of products read their threads first

    records = {name: _record(name) for name in BENCHMARKS}
    cases = {name: module.CASES for name, module in BENCHMARKS.items()}
    found = []
    for benchmark, case, ratios in slow_cases(cases, records, options.below):
        if options.only not in f"{case.row}: {case.name}":
            continue
        print(f"{case.row}: {case.name} ...", flush=True)
        found.append({"benchmark": benchmark, **roofline_of(case, options.threads), **ratios})
    print("\n" + "\n".join(table_of(found)))
    if not options.only:
        kept = write_record("roofline", {"threads": options.threads, "cases": found})
        print(f"kept in {kept}")
    return 0


def _start_again(threads: int, arguments: Sequence[str]) -> None:
    """This program anew, with as many threads in all libraries."""
    names = ("OMP", "OPENBLAS", "MKL", "MINICV")
    environment = {**os.environ, **{f"{name}_NUM_THREADS": str(threads) for name in names}}
    command = [sys.executable, "-m", "benchmarks", "roofline", *arguments]
    os.execve(sys.executable, command, environment)


def _record(name: str) -> Mapping[str, Any]:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {"cases": []}


def slow_cases(
    cases: Mapping[str, Sequence[Case]], records: Mapping[str, Mapping[str, Any]], below: float
) -> Iterator[tuple[str, Case, dict[str, Any]]]:
    """The cases whose record has a ratio below: benchmark, case, and its ratios to PyTorch."""
    for name, own in cases.items():
        measured = {(result["row"], result["case"]): result for result in records[name]["cases"]}
        for case in own:
            found = measured.get((case.row, case.name), {}).get("ratio", {})
            ratios = {peer: found[peer] for peer in PEERS if peer in found}
            if any(ratio < below for ratio in ratios.values()):
                yield name, case, {"ratio": ratios}


def roofline_of(case: Case, threads: int) -> dict[str, Any]:
    """What one case asks for, the least time of each, and the time that it takes."""
    from benchmarks.libraries import with_minicv
    from benchmarks.roofline_rates import bounds
    from benchmarks.roofline_work import work_of_network, work_of_step

    step = getattr(with_minicv, case.operation)("float32", **case.parameters)
    seconds = _median_seconds(step) / case.per
    if case.operation == "network":
        work = work_of_network(case.parameters["name"], case.parameters["x"])
    else:
        work = work_of_step(step)
    least = {name: bound / case.per for name, bound in bounds(work, threads).items()}
    return {
        "case": case.name,
        "row": case.row,
        "gflop": work.flop / case.per / 1e9,
        "megabytes": sum(work.moved) / case.per / 1e6,
        "calls": (work.forward + work.backward) / case.per,
        "least_seconds": least,
        "seconds": seconds,
        "bound": max(least, key=lambda name: least[name]),
        "share": sum(least.values()) / seconds,
    }


def _median_seconds(step: Callable[[], Any]) -> float:
    step()
    times: list[float] = []
    while len(times) < CALLS and (len(times) < 2 or sum(times) < LONGEST_SECONDS):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def table_of(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each case, with the sum of the three bounds as a share of the measured time.

    >>> table_of([{"case": "small", "ratio": {"torch": 0.7}, "gflop": 0.2, "megabytes": 3.0,
    ...   "calls": 9, "least_seconds": {"products": 2e-3, "memory": 1e-3, "calls": 1e-4},
    ...   "seconds": 4e-3, "bound": "products", "share": 0.775}])[1].split()[-2:]
    ['products', '78%']
    """
    head = ["", "ratio", "GFLOP", "MB", "calls", "products", "memory", "calls", "measured",
            "bound by", "explained"]  # fmt: skip
    table = [head]
    for own in found:
        least = own["least_seconds"]
        table.append(
            [
                own["case"],
                f"{min(own['ratio'].values()):.2f}",
                f"{own['gflop']:.2f}",
                f"{own['megabytes']:,.0f}",
                f"{own['calls']:,.0f}",
                *(format_seconds(least[name]) for name in ("products", "memory", "calls")),
                format_seconds(own["seconds"]),
                own["bound"],
                f"{own['share']:.0%}",
            ]
        )
    return align(table)
