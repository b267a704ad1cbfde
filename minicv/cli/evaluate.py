"""``minicv eval --weights FILE --data ...``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.train import data_help, tasks
from minicv.data import Dataset
from minicv.data.sources import open_data
from minicv.models.model import Model, Result, Target
from minicv.tasks import Prediction, Task, load
from minicv.tasks.json_files import write_json
from minicv.training import evaluate

PICTURES = 5  # drawn with --pictures


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    best_by = ", ".join(f"{task.best_by} in {task.name}" for task in tasks())
    parser = commands.add_parser(
        "eval",
        help="how good a trained model is on a data set",
        description="Run a trained model over a split of a data set and print the metrics of its "
        f"kind of task: {best_by}, and others beside, in all and by class.",
    )
    add = parser.add_argument
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--data", required=True, metavar="DATA", help=data_help())
    add("--split", default="test", choices=["train", "validation", "test"], help="default: test")
    add("--json", type=Path, metavar="FILE", help="also write the values to this file")
    add(
        "--pictures",
        type=Path,
        metavar="DIR",
        help=f"also draw {PICTURES} images beside the truth, from the best to the worst",
    )
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    device = chosen_device(options)
    model, system = load(options.weights)
    model.to(device)
    task = system.task
    if options.pictures is not None and task.compare is None:
        raise ValueError(f"--pictures: there is nothing to draw of {task.name}")
    dataset: Dataset = getattr(open_data(options.data, task.needs), options.split)
    classes = task.classes_of(dataset)
    if classes != model.classes:
        raise ValueError(
            f"{options.weights} knows {', '.join(model.classes)} but {options.data} is labelled "
            f"with {', '.join(classes)}; use weights trained on these classes"
        )
    metric = task.metric(classes)
    of_images: list[float] = []

    def note(index: int, result: Result, target: Target) -> None:
        alone = task.metric(classes)
        alone.add(result, target)
        of_images.append(alone.values()[task.best_by])

    values, seconds = evaluate(
        model,
        dataset,
        metric,
        progress=True,
        on_result=None if options.pictures is None else note,
    )
    print(f"{options.data}, {options.split}: {len(dataset)} images, {seconds:.3g} s an image")
    for line in value_lines(values) if task.report is None else task.report(metric):
        print(f"  {line}")
    if options.pictures is not None:
        written = write_pictures(task, model, dataset, np.array(of_images), options.pictures)
        print(f"{len(written)} pictures, best to worst -> {options.pictures}")
    if options.json is not None:
        record = {
            "weights": str(options.weights),
            "data": options.data,
            "split": options.split,
            "images": len(dataset),
            "seconds_per_image": round(seconds, 4),
            "values": {name: round(value, 6) for name, value in values.items()},
        }
        write_json(options.json, record)


def value_lines(values: dict[str, float]) -> list[str]:
    """A line for each value; a dash where there is no value (NaN, or COCO's -1).

    >>> value_lines({"AP50": 0.5, "AP50 cow": float("nan")})
    ['AP50            0.500', 'AP50 cow            -']
    """
    return [
        f"{name:<14} {f'{v:.3f}' if math.isfinite(v) and v >= 0 else '-':>6}"
        for name, v in values.items()
    ]


def best_to_worst(values: np.ndarray, count: int = PICTURES) -> list[int]:
    """Indices of ``count`` images, evenly spread from the best value to the worst.

    An image without a value (NaN, or COCO's -1) is left out. Fewer than ``count`` are all returned.

    >>> best_to_worst(np.array([0.2, 0.9, np.nan, 0.5, 0.1, 0.7]), count=3)
    [1, 3, 4]
    """
    known = np.flatnonzero(values >= 0)  # false for NaN
    order = known[np.argsort(-values[known], kind="stable")]
    ranks = np.linspace(0, len(order) - 1, min(count, len(order)))
    return [int(i) for i in order[np.floor(ranks + 0.5).astype(int)]]


def write_pictures(
    task: Task, model: Model, dataset: Dataset, values: np.ndarray, folder: Path
) -> Sequence[Path]:
    """Draw some results beside the truth, one image a file: NUMBER_IMAGE.png, from 1, the best.

    Args:
        values: (N,) of each image of ``dataset`` by itself.
        folder: is made.
    """
    assert task.compare is not None
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, index in enumerate(best_to_worst(values), start=1):
        image, target = dataset[index]
        name = str(target.get("image_id", index))
        better = int((values > values[index]).sum())
        title = f"{name}: number {better + 1} of {len(values)} by {task.best_by}"
        (result,) = model.predict([image])
        path = folder / f"{number}_{Path(name).name}.png"
        task.compare(Prediction(title, image, result, model.classes), target, dataset).save(path)
        paths.append(path)
    return paths
