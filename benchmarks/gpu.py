"""How fast is minicv on a GPU, beside PyTorch and beside what the card can do?

    python -m benchmarks gpu [--only TEXT] [--algorithm NAME ...] [--quick] [--minutes 7]

Ratios are peer time / minicv time in alternating runs on one card, above 1 where minicv is the
faster: convolution, forward and with both gradients, in float32 and in TF32, against cuDNN by way
of PyTorch; RoIAlign, RoIPool and non-maximum suppression against torchvision; two networks at
inference and a training step of Faster R-CNN against PyTorch. Beside them the rates achieved, as
parts of what one large matrix product and one large copy reach. A full run is kept in
benchmarks/results/gpu.json, after each case what has been measured so far.

Needs a CUDA device, and PyTorch and torchvision in the same Python as CuPy; without these minicv is
timed alone. Source of the layers: Simonyan & Zisserman 2015; He et al. 2016.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from benchmarks.alternate import Schedule
from benchmarks.gpu_cases import CASES
from benchmarks.gpu_ceilings import describe_card, describe_libraries, measure_ceilings
from benchmarks.gpu_measure import measure_on_gpu
from benchmarks.gpu_side import load_libraries
from benchmarks.gpu_table import format_gpu_results
from benchmarks.record import write_record
from minicv.backend import gpu_status
from minicv.backend.convolution_layer import AlgorithmName

FULL = Schedule(rounds=7, turn_seconds=0.03, slow_seconds=0.5, slow_rounds=3)
QUICK = Schedule(rounds=3, turn_seconds=0.01, slow_seconds=0.1, slow_rounds=1)
SEED = "CRC-32 of each array's name, see benchmarks/inputs.py"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and keep a full run."""
    options = _parser().parse_args(arguments)
    usable, reason = gpu_status()
    if not usable:
        print(
            f"benchmarks gpu: there is no usable CUDA device: {reason}; install the extra that "
            "matches the driver, pip install -e '.[cuda12]' or -e '.[cuda13]'",
            file=sys.stderr,
        )
        return 2
    deadline = time.monotonic() + 60 * options.minutes
    cases = [case for case in CASES if options.only in f"{case.case.row}: {case.case.name}"]
    libraries = load_libraries(options.algorithm)
    measured: dict[str, Any] = {**describe_card(), **describe_libraries(libraries), "seed": SEED}
    if options.commit:
        measured["commit"] = options.commit
    measured["ceilings"] = measure_ceilings()
    print(f"{measured['card']}, driver {measured['driver']}; ceilings: {_listed(measured)}")
    measured |= {"cases": [], "left_out": []}
    keep = not (options.quick or options.only or options.algorithm)
    schedule = QUICK if options.quick else FULL
    for case in cases:
        if time.monotonic() > deadline:
            measured["left_out"].append(f"{case.case.row}: {case.case.name}")
            continue
        print(f"{case.case.row}: {case.case.name} ...", flush=True)
        results = measure_on_gpu(case, libraries, schedule, measured["ceilings"])
        measured["cases"] += results
        for result in results:
            for library, why in result["failed"].items():
                print(f"  {library} has no result in {result['precision']}: {why}")
        if keep:
            write_record("gpu", measured)  # so far, should a later case end it all
    print("\n" + format_gpu_results(measured["cases"]))
    if measured["left_out"]:
        print(f"left out after {options.minutes:g} minutes: {'; '.join(measured['left_out'])}")
    if keep:
        print(f"kept in {write_record('gpu', measured)}")
    return 1 if any(result["failed"] for result in measured["cases"]) else 0


def _listed(measured: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in measured["ceilings"].items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--only", default="", metavar="TEXT", help="cases whose row and name contain TEXT")
    add("--quick", action="store_true", help="a glance: few and short turns, nothing kept")
    add(
        "--algorithm",
        action="append",
        default=[],
        metavar="NAME",
        choices=get_args(AlgorithmName),
        help="time convolution by this one too, where it can: "
        + ", ".join(get_args(AlgorithmName)),
    )
    add("--minutes", type=float, default=7.0, help="start no case after so many; default 7")
    add("--commit", metavar="TEXT", help="of the code, for a copy without its history")
    return parser
