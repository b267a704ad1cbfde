"""Measure one case on a GPU: do the sides agree, how fast are they, how exact."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.alternate import Schedule, ratio, take_turns
from benchmarks.fingerprint import difference
from benchmarks.gpu_cases import GpuCase
from benchmarks.gpu_side import BY, GpuSide, Library, free_memory
from benchmarks.worker import relative_error


def measure_on_gpu(
    case: GpuCase,
    libraries: Mapping[str, Library],
    schedule: Schedule,
    ceilings: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The results of one case in each of its precisions, as plain JSON.

    Returns:
        dictionaries of ``seconds``, ``rounds`` and, if the case asks, ``error`` against float64,
        each by library; ``ratio`` by peer, and by algorithm where some were named; ``tflops`` and
        ``gb_per_s`` of minicv with ``of_gemm`` and ``of_copy``, their parts of the ceilings;
        ``wanted`` and ``reached`` where there is an aim; ``failed`` says why a library has no
        result.
    """
    algorithms = [name for name in libraries if name.startswith(BY) and case.is_convolution]
    names = ("minicv", *algorithms, *case.case.peers)
    libraries = {name: libraries[name] for name in names if name in libraries}
    exact, failed = None, {}
    if case.case.accuracy:
        try:
            exact = exact_results(case, libraries)
        except Exception as error:  # the times can be had all the same
            failed["float64"] = _reason(error)
    results = []
    for precision in case.precisions:
        results.append(_measure(case, precision, libraries, schedule, ceilings, exact))
        results[-1]["failed"] |= failed
        free_memory(list(libraries.values()))
    return results


def exact_results(case: GpuCase, libraries: Mapping[str, Library]) -> Sequence[np.ndarray]:
    """The same in float64: by the peer where there is one, else by minicv."""
    module = list(libraries.values())[-1].module
    step = getattr(module, case.case.operation)("float64", **case.case.parameters)
    return [module.to_numpy(result) for result in step()]


def _measure(
    case: GpuCase,
    precision: str,
    libraries: Mapping[str, Library],
    schedule: Schedule,
    ceilings: Mapping[str, float],
    exact: Sequence[np.ndarray] | None,
) -> dict[str, Any]:
    sides, failed = _sides(case, precision, libraries)
    times = take_turns(sides, schedule)
    result: dict[str, Any] = {
        "case": case.case.name,
        "row": f"{case.case.row}, {precision}",
        "precision": precision,
        "seconds": {name: statistics.median(t) for name, t in times.items()},
        "rounds": {name: len(t) for name, t in times.items()},
        "ratio": {n: ratio(t, times["minicv"]) for n, t in times.items() if n != "minicv"},
        "failed": failed,
    }
    if exact is not None:
        result["error"] = {
            name: relative_error(np.asarray, side.results, exact) for name, side in sides.items()
        }
    if times:
        result |= _achieved(case, precision, result["seconds"]["minicv"], ceilings)
    wanted = case.wanted.get(precision)
    if wanted is not None:
        ratios = [ratio for name, ratio in result["ratio"].items() if name in case.case.peers]
        result["wanted"] = wanted
        result["reached"] = bool(ratios) and min(ratios) >= wanted
    return result


def _sides(
    case: GpuCase, precision: str, libraries: Mapping[str, Library]
) -> tuple[dict[str, GpuSide], dict[str, str]]:
    """Those that compute the same as minicv, and why others do not."""
    sides: dict[str, GpuSide] = {}
    failed: dict[str, str] = {}
    for name, library in libraries.items():
        try:
            side = GpuSide(library, case, precision)
        except Exception as error:  # out of memory, no such algorithm: the other cases can go on
            failed[name] = _reason(error)
            if name == "minicv":
                break  # there is nothing to compare with
            continue
        if sides:
            apart = difference(sides["minicv"].fingerprint, side.fingerprint)
            if apart > case.tolerance(precision):
                failed[name] = f"computes something else: results differ by {apart:.2g}"
                continue
        sides[name] = side
    return sides, failed


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:400]


def _achieved(
    case: GpuCase, precision: str, seconds: float, ceilings: Mapping[str, float]
) -> dict[str, float]:
    achieved = {}
    if case.flops:
        achieved["tflops"] = case.flops / seconds / 1e12
        achieved["of_gemm"] = achieved["tflops"] / ceilings[f"{precision}_tflops"]
    if case.bytes:
        achieved["gb_per_s"] = case.bytes / seconds / 1e9
        achieved["of_copy"] = achieved["gb_per_s"] / ceilings["copy_gb_per_s"]
    return achieved
