"""Boxes that fit: what each change of Faster R-CNN brings, and what all of them bring together.

    python -m benchmarks boxes --data pennfudan:DIR                   each lever in turn
    python -m benchmarks boxes --data pennfudan:DIR --levers 3 4      some of them, by number
    python -m benchmarks boxes --data pennfudan:DIR --test --seed 1   the recipe, on the test images

The levers add up: a line of the table has its own lever and all before it. They are judged on
images that are not for testing: every fourth training image is held out and joins the validation
images. ``--test`` trains by the system's recipe on all training images and counts on the test
images, which no choice has seen: once with the weights of the epoch that is best on the validation
images, and once with those of the end, as the levers are judged. A dozen validation images can
hardly tell one of the last epochs from another.

Every part joins what was measured before in one record. The time is that of the processor, since
other work may run beside it: minutes are seconds of processor / 60 / 2, for two cores.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, commit, write_record
from benchmarks.train_and_test import CORES, CommandFailed, processor_seconds, train_and_test
from minicv.data import Dataset
from minicv.data.sources import Splits, open_data
from minicv.data.wrapped import Cached, Subset
from minicv.metrics import DetectionMetric
from minicv.models.detection import FasterRCNNSettings
from minicv.models.model import Model
from minicv.tasks import SYSTEMS, Spec, build
from minicv.tasks.detection import DETECTION, DetectionRecipe
from minicv.training import evaluate, fit
from minicv.weights import start_from

SYSTEM = SYSTEMS["faster_rcnn"]
BODY, PYRAMID = "efficientnet_lite0", "efficientnet_lite0_fpn"
HELD_OUT = 4  # of so many training images one judges the levers
EPOCHS = 10  # of a lever
SHOWN = ("AP", "AP50", "AP75")

# Name, and what changes in the settings or the recipe. The first line is the detector on one map,
# with its own settings; the second begins with the same numbers on a pyramid.
Changes = Mapping[str, Any]
LEVERS: tuple[tuple[str, Changes], ...] = (
    ("one map of stride 16", {}),
    (
        "a pyramid of strides 8 to 64",
        {
            "rpn_channels": 96,
            "pre_nms_top_n_train": 500,
            "pre_nms_top_n_test": 300,
            "canonical_size": 112.0,
        },
    ),
    (
        "two sizes of anchors a level, pooled finer",
        {
            "anchor_sizes": (32.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0),
            "canonical_size": 224.0,
        },
    ),
    (
        "beta 0.1, half of the samples positive",
        {"head_smooth_l1_beta": 0.1, "head_positive_fraction": 0.5},
    ),
    ("the head looks twice", {"head_rounds": 2}),
    ("box voting", {"vote_iou": 0.6}),
    ("averaged weights", {"average": 0.995}),
    ("zoom by 0.7 to 1.4", {"scale": (0.7, 1.4)}),
)


def settings_and_recipe(
    number: int, epochs: int
) -> tuple[str, FasterRCNNSettings, DetectionRecipe]:
    """Backbone, settings and recipe of a line of the table, its lever and all before it."""
    backbone = BODY if number == 0 else PYRAMID
    settings, recipe = SYSTEM.settings[BODY], SYSTEM.recipes[BODY].changed(epochs=epochs)
    assert isinstance(recipe, DetectionRecipe)
    for _, changes in LEVERS[: number + 1]:
        of_recipe = {f.name for f in dataclasses.fields(recipe)}
        recipe = recipe.changed(**{k: v for k, v in changes.items() if k in of_recipe})
        rest = {k: v for k, v in changes.items() if k not in of_recipe}
        settings = dataclasses.replace(settings, **rest)
    return backbone, settings, recipe


def development(splits: Splits) -> tuple[Dataset, list[Dataset]]:
    """What the levers learn from, and the parts that judge them."""
    numbers = np.arange(len(splits.train))
    held_out = numbers % HELD_OUT == HELD_OUT - 1
    learning = Cached(Subset(splits.train, numbers[~held_out].tolist()))
    return learning, [Subset(splits.train, numbers[held_out].tolist()), splits.validation]


def measure_lever(number: int, splits: Splits, epochs: int, seed: int) -> dict[str, Any]:
    """Train with a lever and all before it, and judge the result."""
    backbone, settings, recipe = settings_and_recipe(number, epochs)
    learning, judging = development(splits)
    parts = Splits(lambda: learning, lambda: splits.validation, lambda: None)
    prepared = recipe.prepare(parts, settings)
    spec = Spec(SYSTEM.name, splits.train.classes, settings, backbone)
    model = build(spec, np.random.default_rng(seed))
    start_from(model, backbone, None)
    before = processor_seconds()
    step, loader, rng = recipe.begin(model, learning, seed=seed, transform=prepared.transform)
    fit(step, loader, epochs=recipe.epochs, rng=rng)
    seconds = processor_seconds() - before
    judged = step.model
    assert isinstance(judged, Model)
    metric = DetectionMetric(judged.classes)
    for part in judging:  # the metric goes on counting
        values = evaluate(judged, part, metric).values
    return {
        "lever": LEVERS[number][0],
        "minutes": round(seconds / 60 / CORES, 2),
        "seed": seed,
        "epochs": epochs,
        "training_images": len(learning),
        "judged_on": sum(len(part) for part in judging),
        **{name: round(values[name], 4) for name in SHOWN},
        "changes": dict(LEVERS[number][1]),
    }


def measure_recipe(data: str, seed: int, out: Path, options: Sequence[str]) -> dict[str, Any]:
    """Train by the system's own recipe on all training images, and count on the test images."""
    given = ["--data", data, "--backbone", PYRAMID, "--seed", str(seed), *options]
    measured = train_and_test(SYSTEM.name, given, out)
    return {
        "command": measured["command"],
        "minutes": round(measured["minutes"], 2),
        "wall_minutes": round(measured["seconds_of_the_training_command"] / 60, 2),
        "seed": seed,
        **{which: kept_of(values) for which, values in measured["test"].items()},
        "recipe": measured["recipe"],
    }


def kept_of(values: Mapping[str, float]) -> dict[str, float]:
    """What is kept of the values of a test."""
    shown = {name: round(values[name], 4) for name in SHOWN}
    return {**shown, "seconds_per_image": values["seconds_per_image"]}


def table(record: Mapping[str, Any]) -> str:
    """A line for each lever, and below it two for each seed of the whole recipe.

    >>> measured = {"lever": "one map", "AP": 0.5, "AP50": 0.91, "AP75": 0.52, "minutes": 1.8}
    >>> best, last = ({"AP": ap, "AP50": 0.95, "AP75": 0.82} for ap in (0.68, 0.69))
    >>> seed = {"seed": 0, "minutes": 22.5, "best": best, "last": last}
    >>> print(table({"levers": {"0": measured}, "test": {"0": seed}}))
                                                    AP  AP50  AP75  minutes
    one map                                       .500  .910  .520      1.8
    test images, seed 0, best.npz                 .680  .950  .820     22.5
    test images, seed 0, last.npz                 .690  .950  .820     22.5
    """
    lines = [f"{'':<44}{''.join(f'{name:>6}' for name in SHOWN)}{'minutes':>9}"]
    levers, tests = record.get("levers", {}), record.get("test", {})
    rows = [(levers[number]["lever"], levers[number]) for number in sorted(levers, key=int)]
    rows += [
        (
            f"test images, seed {seed}, {which}.npz",
            {**tests[seed][which], "minutes": tests[seed]["minutes"]},
        )
        for seed in sorted(tests, key=int)
        for which in ("best", "last")
    ]
    for name, own in rows:
        shares = "".join(f"{own[value]:.3f}".lstrip("0").rjust(6) for value in SHOWN)
        lines.append(f"{name:<44}{shares}{own['minutes']:>9.1f}")
    return "\n".join(lines)


def joined(path: Path, part: str, key: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """What the record at ``path`` holds, with one measurement more."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    parts = {name: dict(kept.get(name, {})) for name in ("levers", "test")}
    parts[part][key] = dict(measured)
    return parts


def main(arguments: Sequence[str]) -> int:
    """Measure the parts that are asked for; after each, write the record. Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks boxes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", required=True, help="as of minicv train")
    parser.add_argument("--levers", type=int, nargs="*", help="their numbers; default: all")
    parser.add_argument("--epochs", type=int, help="default: 10 of a lever, the recipe's of --test")
    parser.add_argument("--test", action="store_true", help="the recipe, on the test images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/boxes"))
    parser.add_argument("--name", help="of the record, boxes_NAME; default: the kind of the data")
    asked, options = parser.parse_known_args(arguments)  # the rest goes to minicv train
    name = f"boxes_{asked.name or asked.data.partition(':')[0]}"
    path = RESULTS / f"{name}.json"

    def keep(part: str, key: str, measured: Mapping[str, Any]) -> None:
        about = {"data": asked.data, "backbone": PYRAMID, "commit_of_part": commit()}
        record = joined(path, part, key, {**measured, **about})
        write_record(name, record)
        print(table(record), flush=True)

    if asked.test:
        try:
            changed = [] if asked.epochs is None else ["--epochs", str(asked.epochs)]
            measured = measure_recipe(asked.data, asked.seed, asked.out, [*changed, *options])
        except CommandFailed as failure:
            return failure.status
        keep("test", str(asked.seed), measured)
        return 0
    splits = open_data(asked.data, DETECTION.needs)
    for number in range(len(LEVERS)) if asked.levers is None else asked.levers:
        keep(
            "levers", str(number), measure_lever(number, splits, asked.epochs or EPOCHS, asked.seed)
        )
    return 0
