"""How do time and memory grow with the work?

    python -m benchmarks growth [--only TEXT] [--quick] [--threads 2] [--torch-python PYTHON ...]

For each of `SERIES` one number grows: the side of an image, the pictures of a batch, the regions,
the operations. Both sides run as in `benchmarks.speed`, in processes of their own that take turns,
and must agree. Then a straight line through the logarithms gives the exponent p of

    time ≈ c · size ** p

by least squares; likewise for the memory that the work took beyond what stood there before. The
numbers are kept in benchmarks/results/growth.json, the curves in docs/growth.png.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.alternate import Schedule
from benchmarks.case import Case
from benchmarks.growth_chart import draw_growth
from benchmarks.measure import measure
from benchmarks.peers import find_peers, option_of
from benchmarks.record import RESULTS, write_record
from benchmarks.table import align, format_seconds

SCHEDULE = Schedule(rounds=5, turn_seconds=0.2, slow_seconds=2.0, slow_rounds=3)
QUICK = Schedule(rounds=1, turn_seconds=0.02, slow_seconds=0.5, slow_rounds=1)
LEAST_MIB = 4.0  # a smaller growth of a process's memory says nothing
PICTURE = RESULTS.parent.parent / "docs" / "growth.png"


@dataclass(frozen=True)
class Series:
    """One number that grows.

    Attributes:
        name: the title of its curves.
        axis: what the number counts.
        sizes: its values, from small to large.
        operation: see `Case`.
        parameter: the name of the number among the operation's parameters ...
        parameters: ... and the others. A string of "{}" in a list or tuple stands for the number.
        peer: the other side.
        tolerance: see `Case`.
    """

    name: str
    axis: str
    sizes: tuple[int, ...]
    operation: str
    parameter: str | None
    parameters: dict[str, Any] = field(default_factory=dict)
    peer: str = "torch"
    tolerance: float = 1e-3

    def case(self, size: int) -> Case:
        """The case at one size."""
        given = {name: _filled_in(value, size) for name, value in self.parameters.items()}
        if self.parameter is not None:
            given[self.parameter] = size
        name = f"{size:,} {self.axis}"
        peers = (self.peer,)
        return Case(name, self.name, self.operation, given, peers, tolerance=self.tolerance)


def _filled_in(value: Any, size: int) -> Any:
    """The parameter with the number in the place of each "{}".

    >>> _filled_in((1, 3, "{}", "{}"), 7)
    (1, 3, 7, 7)
    """
    if value == "{}":
        return size
    return tuple(_filled_in(v, size) for v in value) if isinstance(value, tuple) else value


_SQUARE = ("{}", "{}")
_TRAINING = {"classes": 5, "optimizer": "adam", "settings": {}}
SERIES = (
    Series("3x3 convolution of 64 channels, forward", "pixels a side", (28, 56, 112, 224, 448),
           "conv2d_forward", None,
           {"x": (1, 64, *_SQUARE), "weight": (64, 64, 3, 3), "stride": 1, "padding": 1}),
    Series("EfficientNet-Lite0, inference", "pixels a side", (96, 160, 224, 320, 448),
           "network", None, {"name": "efficientnet_lite0", "x": (1, 3, *_SQUARE)}),
    Series("ResNet-50, inference", "pixels a side", (96, 160, 224, 320, 448),
           "network", None, {"name": "resnet50", "x": (1, 3, *_SQUARE)}),
    Series("SegNet, a training step of 2 images", "pixels a side", (64, 96, 128, 192, 256),
           "training_step", None,
           {**_TRAINING, "system": "segnet", "batch": 2, "size": _SQUARE}, tolerance=0.2),
    Series("FCN-8s, a training step at 128x128", "images of a batch", (1, 2, 4, 8, 16),
           "training_step", "batch",
           {**_TRAINING, "system": "fcn8s", "size": (128, 128)}, tolerance=0.05),
    Series("ConvNet, a training step at 28x28", "images of a batch", (8, 16, 32, 64, 128),
           "training_step", "batch",
           {**_TRAINING, "system": "classifier", "size": (28, 28),
            "settings": {"backbone": "conv_net"}}, tolerance=0.05),
    Series("RoIAlign of 256 channels to 7x7, both ways", "regions", (32, 128, 512, 2048),
           "roi_align", "regions", {"x": (1, 256, 38, 50), "stride": 16}, peer="torchvision"),
    Series("non-maximum suppression, IoU 0.7", "boxes", (500, 1000, 2000, 4000, 8000),
           "nms", "count", {"image": (600, 800), "iou_threshold": 0.7}, peer="torchvision"),
    Series("anchors matched with 50 objects", "anchors", (2000, 8000, 32000, 128000),
           "matching", "anchors", {"objects": 50, "image": (600, 800)}, peer="torchvision"),
    Series("chain on 4x4, forward and backward", "operations", (30, 90, 300, 900, 3000),
           "tanh_chain_of", "operations", {"shape": (4, 4)}),
)  # fmt: skip


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the straight line through the logarithms, by least squares.

    >>> round(exponent([1, 2, 4, 8], [3, 12, 48, 192]), 6)
    2.0
    """
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)


def exponents(series: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Of time and memory, by library; None where the memory did not grow enough to be told.

    >>> found = exponents({"sizes": [1, 2, 4], "seconds": {"minicv": [1.0, 2.0, 4.0]},
    ...                    "memory_mib": {"minicv": [0.5, 8.0, 32.0]}})
    >>> found["time"]["minicv"].__round__(3), found["memory"]["minicv"].__round__(3)
    (1.0, 2.0)
    """
    sizes = series["sizes"]
    found: dict[str, dict[str, float | None]] = {"time": {}, "memory": {}}
    for library, seconds in series["seconds"].items():
        known = [(s, v) for s, v in zip(sizes, seconds, strict=True) if math.isfinite(v)]
        found["time"][library] = exponent(*zip(*known, strict=True)) if len(known) > 1 else None
        grown = [
            (size, mib)
            for size, mib in zip(sizes, series["memory_mib"][library], strict=True)
            if mib >= LEAST_MIB
        ]
        found["memory"][library] = exponent(*zip(*grown, strict=True)) if len(grown) > 1 else None
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure, print, draw, keep."""
    options = _parser().parse_args(arguments)
    series = [own for own in SERIES if options.only in f"{own.name}, {own.axis}"]
    wanted = sorted({own.peer for own in series})
    peers = find_peers(wanted, {peer: getattr(options, f"{peer}_python") for peer in wanted})
    schedule = QUICK if options.quick else SCHEDULE
    found, versions, failed = [], {}, False
    for own in series:
        print(f"{own.name} ...", flush=True)
        results = [measure(own.case(size), peers, schedule, options.threads) for size in own.sizes]
        for result in results:
            versions |= result["versions"]
            for library, why in result.get("failed", {}).items():
                print(f"  {result['case']}: {library} has no result: {why}")
                failed = True
        found.append(curves(own, results))
        print("\n".join(_lines(found[-1])) + "\n", flush=True)
    picture = draw_growth(found)
    if options.quick or options.only:
        return 1 if failed else 0
    picture.save(PICTURE, optimize=True)
    record = {"threads": options.threads, "versions": versions, "series": found}
    print(f"kept in {write_record('growth', record)}; curves in {PICTURE}")
    return 1 if failed else 0


def curves(series: Series, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What was measured of one series: the numbers of each library, size by size."""
    libraries = [name for name in ("minicv", series.peer) if name in results[0]["seconds"]]
    nothing = math.nan

    def of(library: str) -> tuple[list[float], list[float]]:
        seconds = [result["seconds"].get(library, nothing) for result in results]
        memory = [
            result["memory_mib"].get(library, 0) - result["memory_at_start_mib"].get(library, 0)
            for result in results
        ]
        return seconds, memory

    measured = {library: of(library) for library in libraries}
    own: dict[str, Any] = {
        "name": series.name,
        "axis": series.axis,
        "sizes": list(series.sizes),
        "seconds": {library: seconds for library, (seconds, _) in measured.items()},
        "memory_mib": {library: memory for library, (_, memory) in measured.items()},
        "cores_used_by_others": max(
            (cores or 0.0 for result in results for cores in result["cores_used_by_others"]),
            default=0.0,
        ),
    }
    return own | {"exponents": exponents(own)}


def _lines(series: Mapping[str, Any]) -> list[str]:
    libraries = list(series["seconds"])
    table = [[series["axis"], *libraries, *(f"MiB {name}" for name in libraries)]]
    for index, size in enumerate(series["sizes"]):
        times = [series["seconds"][name][index] for name in libraries]
        table.append(
            [f"{size:,}"]
            + [format_seconds(time) if math.isfinite(time) else "-" for time in times]
            + [f"{series['memory_mib'][name][index]:,.0f}" for name in libraries]
        )
    powers = series["exponents"]
    found = [powers[kind][name] for kind in ("time", "memory") for name in libraries]
    table.append(["exponent", *("-" if power is None else f"{power:.2f}" for power in found)])
    return align(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks growth", description="Exponents of time and memory."
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one short turn at each size, nothing kept")
    add("--threads", type=int, default=2, metavar="N", help="of both sides; default 2")
    add("--only", default="", metavar="TEXT", help="series whose name and axis contain TEXT")
    for peer in sorted({own.peer for own in SERIES}):
        add(option_of(peer), metavar="PYTHON", help=f"an interpreter that can import {peer}")
    return parser
