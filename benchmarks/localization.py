"""Classification with localisation: drawn scenes, its choices side by side, and photographs.

    python -m benchmarks localization farmyard --data farmyard:2000
    python -m benchmarks localization ways --data farmyard
    python -m benchmarks localization pennfudan --data pennfudan:DIR --backbone efficientnet_lite0

``farmyard`` trains by the system's recipe through the command line, and tests on scenes that it has
not seen. ``ways`` trains a few epochs each: four weights of the box's loss, both at once and the
class first, a box of any class and one of each, on the class's units and upon the feature map.
``pennfudan`` takes the pictures with one person, and beside the network's mean IoU stands that of
the mean box of the training pictures, each with the interval in which a bootstrap over the test
pictures has it. Every option after the name goes to `minicv train localizer`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import write_record
from benchmarks.train_and_test import CORES, CommandFailed, processor_seconds, train_and_test
from minicv.data import Dataset
from minicv.data.sources import Splits, open_data
from minicv.metrics.bootstrap import bootstrap_interval
from minicv.metrics.localization import LocalizationMetric
from minicv.tasks import SYSTEMS, Spec, build, load
from minicv.tasks.localization import LOCALIZATION
from minicv.training import evaluate, fit
from minicv.vision.boxes import box_iou, scale_boxes

SYSTEM = SYSTEMS["localizer"]
WEIGHTS = (0.1, 1.0, 10.0, 100.0)  # of the box's loss
EPOCHS = 6  # of each of the ways
DATA = {"farmyard": "farmyard:2000", "ways": "farmyard"}

# Name, and what it changes in the settings or the recipe.
WAYS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    *((f"both at once, weight {weight:g}", {"box_weight": weight}) for weight in WEIGHTS),
    ("both at once", {}),
    ("a box of each class", {"box_of": "class"}),
    ("the box on the class's units", {"box_head": "shared"}),
    ("class first, then the box head alone", {"class_first": 0.5}),
    ("class first, the box on its units", {"class_first": 0.5, "box_head": "shared"}),
)


def main(arguments: Sequence[str]) -> int:
    """Measure what is named, write the record, print."""
    if not arguments or arguments[0] not in ("farmyard", "ways", "pennfudan"):
        print(__doc__, file=sys.stderr)
        return 2
    name, *options = arguments
    if "--data" not in options:
        if name not in DATA:
            print(__doc__, file=sys.stderr)
            return 2
        options = ["--data", DATA[name], *options]
    if name == "ways":
        record = measure_ways(options[options.index("--data") + 1])
        print(table(record["ways"]))
    else:
        try:
            record = measure_command(name, options)
        except CommandFailed as failure:
            return failure.status
    path = write_record(f"localization_{name}", record)
    print(f"kept in {path}")
    return 0


def measure_command(name: str, options: Sequence[str]) -> dict[str, Any]:
    """Train and test by the command line; of photographs also the mean box and intervals."""
    out = Path("runs") / f"localization_{name}"
    record = train_and_test(SYSTEM.name, options, out, pictures=True)
    for which, values in record["test"].items():
        print(f"{which}: top-1 localization error {values['top-1 localization error']:.3f}")
    if name == "farmyard":
        return record
    splits = open_data(options[options.index("--data") + 1], LOCALIZATION.needs)
    for which, values in record["test"].items():
        ious = ious_of(out / f"{which}.npz", splits.test)
        values["against the mean box"] = against_mean_box(ious, splits.train, splits.test)
        print(f"{which}: {values['against the mean box']}")
    return {"training_images": len(splits.train), **record}


def ious_of(checkpoint: Path, test: Dataset) -> np.ndarray:
    """(N,) of each image, the best class's box with the true one."""
    model, _ = load(checkpoint)
    metric = LocalizationMetric(model.classes)
    evaluate(model, test, metric)
    return np.array([own.iou for own in metric.each()])


def against_mean_box(ious: np.ndarray, train: Dataset, test: Dataset) -> dict[str, Any]:
    """Mean IoU of the network, of the mean box, and their difference, with intervals of 95 %.

    The mean box is that of the training pictures, as shares of width and height. The pictures are
    drawn anew in pairs: each has both boxes.
    """
    mean = np.mean([_shares(*train[i])[0] for i in range(len(train))], axis=0, keepdims=True)
    of_mean = np.concatenate(
        [box_iou(mean, _shares(*test[i]))[0] for i in range(len(test))]  # (1, 4) with (1, 4)
    )
    found: dict[str, Any] = {"mean box as shares": np.round(mean[0].astype(float), 4).tolist()}
    pairs = {"network": ious, "mean box": of_mean, "difference": ious - of_mean}
    for name, values in pairs.items():
        low, high = bootstrap_interval(values)
        found[name] = {"mean IoU": round(float(values.mean()), 4)}
        found[name]["interval"] = [round(low, 4), round(high, 4)]
    return found


def _shares(image: np.ndarray, target: Mapping[str, Any]) -> np.ndarray:
    """The box (1, 4) as shares of the image; an IoU is the same in shares."""
    return scale_boxes(target["box"][None], 1 / image.shape[2], 1 / image.shape[1])


def measure_ways(data: str, seed: int = 0) -> dict[str, Any]:
    """Train each of the ways for as many epochs, from the same weights on the same scenes."""
    splits = open_data(data, LOCALIZATION.needs)
    ways = []
    for name, changes in WAYS:
        ways.append({"way": name, **measure_way(changes, splits, EPOCHS, seed)})
        print(table(ways[-1:]).splitlines()[-1], flush=True)
    return {"data": data, "epochs": EPOCHS, "seed": seed, "ways": ways}


def measure_way(
    changes: Mapping[str, Any], splits: Splits, epochs: int, seed: int
) -> dict[str, Any]:
    """Train by the recipe with these changes, and judge the last weights on the test scenes."""
    backbone = SYSTEM.backbone(None)
    recipe, settings = SYSTEM.recipes[backbone].changed(epochs=epochs), SYSTEM.settings[backbone]
    of_recipe = {field.name for field in dataclasses.fields(recipe)}
    recipe = recipe.changed(**{k: v for k, v in changes.items() if k in of_recipe})
    rest = {k: v for k, v in changes.items() if k not in of_recipe}
    settings = dataclasses.replace(settings, **rest)
    prepared = recipe.prepare(splits, settings)
    classes = LOCALIZATION.classes_of(splits.train)
    model = build(Spec(SYSTEM.name, classes, settings, backbone), np.random.default_rng(seed))
    before = processor_seconds()
    step, loader, rng = recipe.begin(model, prepared.train, seed=seed, transform=prepared.transform)
    fit(step, loader, epochs=recipe.epochs, rng=rng)
    seconds = processor_seconds() - before
    values = evaluate(model, splits.test, LocalizationMetric(classes)).values
    return {
        "changes": dict(changes),
        "minutes": round(seconds / 60 / CORES, 3),
        **{key: round(value, 4) for key, value in values.items()},
    }


def table(ways: Sequence[Mapping[str, Any]]) -> str:
    """A line for each way: the class alone, class and box, both as errors, and mean IoU.

    >>> own = {"way": "both at once", "top-1": 0.75, "top-1 localization accuracy": 0.625,
    ...        "top-5 localization accuracy": 0.875, "mean IoU": 0.7, "minutes": 0.51}
    >>> print(table([own]))
                                           class error  top-1 error  top-5 error  mean IoU  minutes
    both at once                                 0.250        0.375        0.125     0.700      0.5
    """
    head = f"{'':<38}{'class error':>12}{'top-1 error':>13}{'top-5 error':>13}"
    lines = [f"{head}{'mean IoU':>10}{'minutes':>9}"]
    for own in ways:
        top1, top5 = (1 - own[f"top-{top} localization accuracy"] for top in (1, 5))
        lines.append(
            f"{own['way']:<38}{1 - own['top-1']:>12.3f}{top1:>13.3f}{top5:>13.3f}"
            f"{own['mean IoU']:>10.3f}{own['minutes']:>9.1f}"
        )
    return "\n".join(lines)
