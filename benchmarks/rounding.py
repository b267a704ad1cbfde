"""Does it matter for what is learned that Winograd's algorithm rounds more?

    python -m benchmarks rounding [--seeds 2]

Trains the demonstration detector from each seed twice: with the algorithms as they are chosen, and
with im2col alone, which rounds least. What two seeds differ by is the noise of the metric.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.record import write_record
from minicv.backend import use_conv_algorithm
from minicv.cli.main import main as minicv

Runs = list[dict[str, float]]
METRICS = ("AP50", "AP")


def main(arguments: Sequence[str]) -> int:
    """Train, print the metrics side by side, write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks rounding", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="at least 2; default 2")
    seeds = range(parser.parse_args(arguments).seeds)
    if len(seeds) < 2:
        parser.error("--seeds: one seed does not tell what noise is; give at least 2")
    ways = {
        "as chosen": contextlib.nullcontext,
        "im2col alone": lambda: use_conv_algorithm("im2col"),
    }
    results: dict[str, Runs] = {way: [] for way in ways}
    for seed in seeds:
        for way, within in ways.items():
            out = Path("runs") / f"rounding_{way.replace(' ', '_')}_{seed}"
            with within():
                status = minicv(["demo", "--seed", str(seed), "--out", str(out)])
            if status:
                return status
            report = json.loads((out / "demo.json").read_text(encoding="utf-8"))
            seconds = report["training_seconds"]
            values = {name: report["values"][name] for name in METRICS}
            results[way].append({"seed": seed, "training_seconds": seconds, **values})
    compared = {metric: compare(results, metric) for metric in METRICS}
    for metric, values in compared.items():
        print(f"{metric}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items()))
    print(f"kept in {write_record('rounding', {'runs': results, 'compared': compared})}")
    return 0


def compare(results: Mapping[str, Runs], metric: str) -> dict[str, float]:
    """The mean of each way over the seeds, how far the means lie apart, and how far the seeds do.

    >>> runs = {"fast": [{"AP": 0.5}, {"AP": 0.7}], "exact": [{"AP": 0.6}, {"AP": 0.5}]}
    >>> {name: round(value, 3) for name, value in compare(runs, "AP").items()}
    {'fast': 0.6, 'exact': 0.55, 'between the ways': 0.05, 'between seeds': 0.2}
    """
    values = {way: [run[metric] for run in runs] for way, runs in results.items()}
    means = {way: statistics.mean(v) for way, v in values.items()}
    return {
        **means,
        "between the ways": max(means.values()) - min(means.values()),
        "between seeds": max(max(v) - min(v) for v in values.values()),
    }
