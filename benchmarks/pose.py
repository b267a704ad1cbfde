"""Train DeepPose by the command line; what each stage of its cascade reaches on people held out.

    python -m benchmarks pose farmyard --data farmyard:1800
    python -m benchmarks pose lsp --data lsp:DIR --backbone efficientnet_lite0 --seeds 0

The name is that of the record. ``--seeds`` says how often it is trained, without it with 0, 1 and
2; every other option goes to `minicv train deep_pose`. The values of the record are those of
`minicv eval`. Beside them stand intervals, for which the test images are drawn again and again,
and the values of the mean pose, which sees no pixel. Five of the images, from the best to the
worst, are drawn in the folder of the first run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import write_record
from benchmarks.train_and_test import CommandFailed, train_and_test
from minicv.data import Dataset
from minicv.data.sources import open_data
from minicv.metrics.bootstrap import bootstrap_interval
from minicv.metrics.pose import JointMetric
from minicv.models.model import Model
from minicv.models.pose import MeanPose
from minicv.tasks import load
from minicv.tasks.pose import PCK, POSE
from minicv.training import evaluate

SEEDS = ("0", "1", "2")
WEIGHTS = ("best", "last")
FRACTIONS = np.arange(0, 0.51, 0.05)  # of the torso's diameter, for the curve PDJ


def main(arguments: Sequence[str]) -> int:
    """Train, test, draw, write the record."""
    if len(arguments) < 3 or "--data" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    seeds, options = seeds_among(options)
    splits = open_data(options[options.index("--data") + 1], POSE.needs)
    mean = MeanPose.of(splits.train, splits.train.joint_names)
    runs = {}
    for seed in seeds:
        out = Path("runs") / f"pose_{name}_{seed}"
        first = seed == seeds[0]
        try:
            record = train_and_test(
                "deep_pose", [*options, "--seed", seed], out, weights=WEIGHTS, pictures=first
            )
        except CommandFailed as failure:
            return failure.status
        for which in WEIGHTS:
            model, _ = load(out / f"{which}.npz")
            record["test"][which] |= measured(model, splits.test)
        runs[seed] = record
    baseline = evaluate(mean, splits.test, JointMetric()).values | measured(mean, splits.test)
    print(table(runs, baseline))
    path = write_record(f"pose_{name}", {"mean pose": baseline, "seeds": runs})
    print(f"kept in {path}")
    return 0


def seeds_among(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The numbers after ``--seeds``, and the other options.

    >>> seeds_among(["--data", "farmyard", "--seeds", "3", "4", "--epochs", "9"])
    (['3', '4'], ['--data', 'farmyard', '--epochs', '9'])
    """
    others = list(options)
    if "--seeds" not in others:
        return list(SEEDS), others
    place = end = others.index("--seeds")
    end += 1
    while end < len(others) and others[end].isdigit():
        end += 1
    seeds = others[place + 1 : end]
    del others[place:end]
    return seeds or list(SEEDS), others


def measured(model: Model, people: Dataset) -> dict[str, Any]:
    """Intervals of PCK, of each stage too, and of PCP, the curve PDJ, and how many people count."""
    metric = JointMetric()
    values = evaluate(model, people, metric).values
    stages = sum(name.startswith(f"{PCK} stage") for name in values)
    found: dict[str, Any] = {
        "people": len(people),
        "people without a measurable torso": metric.left_out(),
        f"interval of {PCK}": _interval(*metric.pck_of_images()),
        "interval of PCP": _interval(*metric.pcp_of_images()),
        "PDJ": {
            f"{f:.2f}": round(float(v), 4)
            for f, v in zip(FRACTIONS, metric.pdj(FRACTIONS), strict=True)
        },
    }
    for stage in range(1, stages + 1):
        found[f"interval of {PCK} stage {stage}"] = _interval(*metric.pck_of_images(stage))
    if stages > 1:  # of the same people, so that what is hard for both stages cancels out
        right, counted = metric.pck_of_images()
        found["interval of what the last stage adds to the first"] = _interval(
            right - metric.pck_of_images(1)[0], counted
        )
    return found


def _interval(right: np.ndarray, counted: np.ndarray) -> list[float]:
    return [round(end, 4) for end in bootstrap_interval(right, counted)]


def table(runs: dict[str, Any], baseline: dict[str, Any]) -> str:
    """A line for the mean pose, and for each seed and each checkpoint one, with all stages."""
    lines = [f"{'':<16}{PCK:>9}{'interval':>16}{'PCP':>8}{'interval':>16}   by stage"]
    rows = {"mean pose": baseline}
    rows |= {
        f"seed {seed}, {which}": record["test"][which]
        for seed, record in runs.items()
        for which in WEIGHTS
    }
    for name, values in rows.items():
        stages = [v for key, v in values.items() if key.startswith(f"{PCK} stage")]
        low, high = values[f"interval of {PCK}"]
        of_limbs = values["interval of PCP"]
        lines.append(
            f"{name:<16}{values[PCK]:>9.3f}{f'{low:.3f}..{high:.3f}':>16}{values['PCP']:>8.3f}"
            f"{f'{of_limbs[0]:.3f}..{of_limbs[1]:.3f}':>16}   "
            + "  ".join(f"{value:.3f}" for value in stages)
        )
    return "\n".join(lines)
