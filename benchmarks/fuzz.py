"""Does any reader raise what its documentation does not promise, when a file is damaged?

    python -m benchmarks fuzz [--mutations 40000] [--seed 0] [--only TEXT] [--number N]

Every reader of files reads very small files, one of which is damaged each time; see
tests/hardening. Each reader runs in a process of its own, so that one that crashes the interpreter
is a finding too. A full run is kept in benchmarks/results/fuzz.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import write_record

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))  # where the damage and the readers stand

from hardening.fuzzing import Bench, Finding, Outcome, Target  # noqa: E402
from hardening.targets import targets  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Damage, read, and say what no documentation promises; 1 if there is anything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz", description=__doc__)
    add = parser.add_argument
    add("--mutations", type=int, default=40_000, metavar="N", help="in all; default 40000")
    add("--seed", type=int, default=0, help="of the damage; default 0")
    add("--only", default="", metavar="TEXT", help="readers whose name contains TEXT")
    add("--number", type=int, metavar="N", help="one mutation alone, in this process")
    options = parser.parse_args(arguments)
    chosen = [target for target in targets() if options.only in target.name]
    if not chosen:
        parser.error(f"--only {options.only}: there is no such reader")
    if options.number is not None:
        return _again(chosen, options.seed, options.number)
    each = -(-options.mutations // len(chosen))
    started = time.perf_counter()
    outcomes = {}
    for target in chosen:
        outcome = outcomes[target.name] = fuzzed(target, options.seed, each)
        errors = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.errors.items()))
        print(
            f"{target.name:<28} {outcome.mutations:>6} mutations: {outcome.works} read"
            f"{errors and f', {errors}'}; {len(outcome.findings)} findings",
            flush=True,
        )
        for finding in outcome.findings[:10]:
            print(f"  {finding.number}: {finding.file}: {finding.what} {finding.place}")
    findings = [dataclasses.asdict(f) for outcome in outcomes.values() for f in outcome.findings]
    record: dict[str, Any] = {
        "seed": options.seed,
        "mutations": sum(outcome.mutations for outcome in outcomes.values()),
        "seconds": round(time.perf_counter() - started),
        "slowest_seconds": round(max(outcome.slowest for outcome in outcomes.values()), 2),
        "findings": findings,
        "readers": {
            name: {
                "mutations": outcome.mutations,
                "read": outcome.works,
                "errors": dict(sorted(outcome.errors.items())),
                "findings": len(outcome.findings),
            }
            for name, outcome in outcomes.items()
        },
    }
    print(f"{record['mutations']:,} mutations, {len(findings)} findings")
    if not options.only:
        print(f"kept in {write_record('fuzz', record)}")
    return 1 if findings else 0


def fuzzed(target: Target, seed: int, count: int) -> Outcome:
    """The outcome of so many mutations, in a process that may crash."""
    total = Outcome()
    reached = multiprocessing.Value("q", 0)
    while reached.value < count:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(
            target=_work, args=(target.name, seed, count, reached, there)
        )
        process.start()
        there.close()
        try:
            outcome = here.recv()
        except EOFError:  # it has crashed
            outcome = Outcome()
        process.join()
        if process.exitcode != 0:
            number = reached.value
            what = f"the process ended with {process.exitcode}"
            outcome.findings.append(Finding(target.name, number, "", what))
            reached.value = number + 1
        total.works += outcome.works
        total.slowest = max(total.slowest, outcome.slowest)
        total.findings += outcome.findings
        for kind, times in outcome.errors.items():
            total.errors[kind] = total.errors.get(kind, 0) + times
    return total


def _work(name: str, seed: int, count: int, reached: Any, channel: Any) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff writes there what it thinks
    (target,) = (target for target in targets() if target.name == name)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(target, Path(folder), seed)
        for number in range(reached.value, count):
            reached.value = number
            bench.run(number, outcome)
    reached.value = count
    channel.send(outcome)


def _again(chosen: Sequence[Target], seed: int, number: int) -> int:
    """One mutation of each reader, with the whole trace of what it raises."""
    for target in chosen:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(target, Path(folder), seed)
            name, content = bench.mutation(number)
            (Path(folder) / name).write_bytes(content)
            print(f"{target.name}, {name}: {content[:500]!r}")
            target.read(Path(folder))
    return 0
