"""Train segmenters by the command line, test them on held-out images, keep the metrics.

    python -m benchmarks segmentation farmyard
    python -m benchmarks segmentation camvid fcn8s --data camvid:DIR --backbone efficientnet_lite0
    python -m benchmarks segmentation camvid segnet --data camvid:DIR

The first trains the patch classifier and two dense networks on the Farmyard and compares them on
100 scenes that none of them has seen. The others train one system each; every option after its name
goes to `minicv train`. Five test images, from the best to the worst, are drawn in the run's folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import write_record
from benchmarks.train_and_test import CommandFailed, train_and_test
from minicv.data.sources import open_data
from minicv.metrics import SegmentationMetric
from minicv.models.model import Model
from minicv.models.segmentation import DensePatchClassifier
from minicv.tasks import load
from minicv.tasks.segmentation import SEGMENTATION
from minicv.training import evaluate

FARMYARD_SYSTEMS = {
    "fcn8s": ("--backbone", "small"),
    "segnet": (),
    "patch_classifier": (),
}


def main(arguments: Sequence[str]) -> int:
    """Train, test, draw, write the record."""
    try:
        if list(arguments[:1]) == ["farmyard"] and not arguments[1:2]:
            return _farmyard()
        if len(arguments) >= 4 and "--data" in arguments:
            return _one(*arguments[:2], arguments[2:])
    except CommandFailed as failure:
        return failure.status
    print(__doc__, file=sys.stderr)
    return 2


def _one(name: str, system: str, options: Sequence[str]) -> int:
    """One system on one data set."""
    out = Path("runs") / f"{name}_{system}"
    record = train_and_test(system, options, out, pictures=True)
    return _keep(f"segmentation_{name}_{system}", record)


def _farmyard() -> int:
    """Dense networks and the patch classifier in one table."""
    systems: dict[str, dict[str, Any]] = {}
    for system, options in FARMYARD_SYSTEMS.items():
        systems[system] = train_and_test(
            system,
            ["--data", "farmyard", *options],
            Path("runs") / f"farmyard_{system}",
            weights=["best"],
            pictures=True,
        )
    slow, _ = load(Path("runs") / "farmyard_patch_classifier" / "best.npz")
    systems["patch_classifier as convolutions"] = {"test": {"best": _as_convolutions(slow)}}
    tested = {system: record["test"]["best"] for system, record in systems.items()}
    print(table(tested))
    seconds = tested["patch_classifier"]["seconds_per_image"]
    slowdown = {
        f"against {system}": round(seconds / values["seconds_per_image"], 1)
        for system, values in tested.items()
        if system != "patch_classifier"
    }
    record = {"systems": systems, "slowdown_of_the_patch_classifier": slowdown}
    return _keep("segmentation_farmyard", record)


def table(tested: Mapping[str, Mapping[str, float]]) -> str:
    """Systems beside each other, a line for each value.

    >>> print(table({"fcn8s": {"seconds_per_image": 0.0123, "mIoU": 0.8, "IoU cow": 0.7},
    ...              "segnet": {"seconds_per_image": 0.02, "mIoU": 0.75, "IoU cow": None}}))
                           fcn8s    segnet
    seconds_per_image     0.0123      0.02
    mIoU                     0.8      0.75
    IoU cow                  0.7         -
    """
    width = max(8, *map(len, tested))
    lines = [f"{'':<18}" + "".join(f"  {system:>{width}}" for system in tested)]
    for name in next(iter(tested.values())):
        values = (own[name] for own in tested.values())
        cells = ("-" if value is None else f"{value:.3g}" for value in values)
        lines.append(f"{name:<18}" + "".join(f"  {cell:>{width}}" for cell in cells))
    return "\n".join(lines)


def _as_convolutions(slow: Model) -> dict[str, Any]:
    """Metrics of the same weights on the same images, without a computation done twice."""
    test = open_data("farmyard", SEGMENTATION.needs).test
    metric = SegmentationMetric(slow.classes)
    values, seconds = evaluate(DensePatchClassifier(slow), test, metric, progress=True)
    return {
        "images": len(test),
        "seconds_per_image": round(seconds, 4),
        **{name: round(value, 6) for name, value in values.items()},
    }


def _keep(name: str, record: Mapping[str, Any]) -> int:
    print(f"kept in {write_record(name, record)}")
    return 0
