"""Measure one case: start the sides, see that they agree, let them alternate."""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.alternate import Schedule, ratio, take_turns
from benchmarks.busy import cores_used_by_others
from benchmarks.case import Case
from benchmarks.fingerprint import difference
from benchmarks.side import Side, WorkerError


def measure(
    case: Case, peers: Mapping[str, str], schedule: Schedule, threads: int
) -> dict[str, Any]:
    """The results of one case, as plain JSON.

    Args:
        case: what to time.
        peers: interpreters by name; those that the case does not list are passed over.
        schedule: how long.
        threads: of every side.

    Returns:
        ``seconds``, ``memory_mib``, ``memory_at_start_mib`` and, if the case asks, ``error``, each
        by library; ``ratio`` and ``versions`` by peer; ``cores_used_by_others`` before and after;
        ``failed`` says why a peer has no result.
    """
    pythons = {"minicv": sys.executable}
    pythons |= {name: python for name, python in peers.items() if name in case.peers}
    failed: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        sides: dict[str, Side] = {}
        for name, python in pythons.items():
            try:
                side = stack.enter_context(Side(name, python, case, threads))
            except WorkerError as error:
                failed[name] = str(error)
                continue
            if sides:
                apart = difference(sides["minicv"].fingerprint, side.fingerprint)
                if apart > case.tolerance:
                    failed[name] = f"computes something else: results differ by {apart:.2g}"
                    continue
            elif name != "minicv":
                break  # without minicv there is nothing to compare with
            sides[name] = side
        busy = [cores_used_by_others()]
        times = take_turns(sides, schedule)
        busy.append(cores_used_by_others())
        memory = {name: side.memory() for name, side in sides.items()}
        result = {
            "case": case.name,
            "row": case.row,
            "seconds": {name: statistics.median(t) / case.per for name, t in times.items()},
            "ratio": {name: ratio(t, times["minicv"]) for name, t in list(times.items())[1:]},
            "rounds": {name: len(t) for name, t in times.items()},
            "memory_mib": {name: round(m["peak"]) for name, m in memory.items()},
            "memory_at_start_mib": {name: round(m["start"]) for name, m in memory.items()},
            "cores_used_by_others": busy,
            "versions": {name: side.version for name, side in sides.items()},
        }
        if case.accuracy:
            result["error"] = {name: side.error() for name, side in sides.items()}
        if failed:
            result["failed"] = failed
    return result
