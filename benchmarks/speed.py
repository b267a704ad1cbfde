"""How fast is minicv beside its peers?

    python -m benchmarks conv|layers|models|detectors|autograd|training|start
        [--peer NAME ...] [--rounds 9] [--quick] [--threads 2] [--only TEXT]
        [--torch-python PYTHON ...]

Every side runs in a process of its own and they take turns; ratios are peer time / minicv time,
above 1 where minicv is faster. A full run is kept in benchmarks/results/NAME.json, a quick one or
one of some cases only is printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from types import ModuleType

from benchmarks import (
    cases_autograd,
    cases_conv,
    cases_detectors,
    cases_layers,
    cases_models,
    cases_start,
    cases_training,
)
from benchmarks.alternate import QUICK, Schedule
from benchmarks.busy import TOO_BUSY
from benchmarks.measure import measure
from benchmarks.peers import PEERS, find_peers, option_of
from benchmarks.record import write_record
from benchmarks.table import format_results, summarise

BENCHMARKS: Mapping[str, ModuleType] = {
    "conv": cases_conv,
    "layers": cases_layers,
    "models": cases_models,
    "detectors": cases_detectors,
    "autograd": cases_autograd,
    "training": cases_training,
    "start": cases_start,
}


def main(name: str, arguments: Sequence[str]) -> int:
    """Measure the cases of the benchmark ``name``, print them, and keep a full run."""
    cases, wanted = BENCHMARKS[name].CASES, BENCHMARKS[name].WANTED
    options = _parser(name, cases).parse_args(arguments)
    cases = [case for case in cases if options.only in f"{case.row}: {case.name}"]
    useful = [peer for peer in PEERS if any(peer in case.peers for case in cases)]
    if options.peer:
        useful = [peer for peer in useful if peer in options.peer]
    given = {peer: getattr(options, f"{peer}_python") for peer in PEERS}
    peers = find_peers(useful, given)
    schedule = QUICK if options.quick else Schedule(rounds=options.rounds)
    results, started = [], time.perf_counter()
    for case in cases:
        print(f"{case.row}: {case.name} ...", flush=True)
        result = measure(case, peers, schedule, options.threads)
        results.append(result)
        for library, why in result.get("failed", {}).items():
            print(f"  {library} has no result: {why}")
        used = max(cores or 0.0 for cores in result["cores_used_by_others"])
        if used > TOO_BUSY:
            print(f"  other processes use {used} cores: measure again when the machine is free")
    summary = summarise(results, wanted)
    print("\n" + format_results(results, summary))
    if not options.quick and not options.only:
        minutes = round((time.perf_counter() - started) / 60, 1)
        measured = {"threads": options.threads, "minutes": minutes, "summary": summary}
        measured["cases"] = results
        print(f"kept in {write_record(name, measured)}")
    return 1 if any("failed" in result for result in results) else 0


def _parser(name: str, cases: Sequence) -> argparse.ArgumentParser:
    rows = "\n".join(f"  {row}" for row in dict.fromkeys(case.row for case in cases))
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=f"Ratios peer time / minicv time for:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--peer", action="append", choices=list(PEERS), help="compare with this one only")
    add("--quick", action="store_true", help="a glance: few and short turns, nothing kept")
    add("--rounds", type=int, default=Schedule.rounds, metavar="N", help="turns of every side")
    add("--threads", type=int, default=2, metavar="N", help="of every side; default 2")
    add("--only", default="", metavar="TEXT", help="cases whose row and name contain TEXT")
    for peer in PEERS:
        add(option_of(peer), metavar="PYTHON", help=f"an interpreter that can import {peer}")
    return parser
