"""``minicv eval --weights FILE --data ...``."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.cli.arguments import path
from minicv.cli.data_option import add_data_options, opened
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.model_option import add_model_options, chosen_model
from minicv.cli.pictures import save_picture
from minicv.cli.storage_option import add_storage_option, chosen_storage
from minicv.cli.train import data_help, tasks
from minicv.data import Dataset
from minicv.models.model import Model, Result, Target
from minicv.tasks import Prediction, Task, load
from minicv.tasks.before_training import readable
from minicv.tasks.folders import check_file, check_folder, file_of
from minicv.tasks.json_files import write_json
from minicv.tasks.judging import check_joints, judging
from minicv.tasks.task import joint_names_of
from minicv.training import evaluate

PICTURES = 5  # drawn with --pictures


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    best_by = ", ".join(f"{task.best_by} in {task.name}" for task in tasks())
    parser = commands.add_parser(
        "eval",
        help="how good a trained model is on a data set",
        description="Run a trained model over a split of a data set and print the metrics of its "
        f"kind of task: {best_by}, and others beside, in all and by class. The data set may label "
        "some of the model's classes only, or others too: those that both know are judged.",
    )
    add = parser.add_argument
    add_model_options(parser)
    add_data_options(parser, data_help())
    judged = ", ".join(task.name for task in tasks() if task.metric_by is not None)
    add(
        "--judge",
        type=path,
        metavar="FILE",
        help=f"a trained classifier, by whose features and classes it is judged too ({judged})",
    )
    add("--split", default="test", choices=["train", "validation", "test"], help="default: test")
    add("--json", type=Path, metavar="FILE", help="also write the values to this file")
    add(
        "--pictures",
        type=Path,
        metavar="DIR",
        help=f"also draw {PICTURES} images beside the truth, from the best to the worst",
    )
    add_device_option(parser)
    add_storage_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    device = chosen_device(options)
    model, task = chosen_model(options)
    model.to(device)
    judge = _judge(options, task)
    with chosen_storage(options, model):
        _run(options, model, task, judge)


def _run(options: argparse.Namespace, model: Model, task: Task, judge: Model | None) -> None:
    if options.pictures is not None and task.compare is None:
        raise ValueError(f"--pictures: there is nothing to draw of {task.name}")
    if options.json is not None:
        check_file(options.json, "--json")
    if options.pictures is not None:
        check_folder(options.pictures, "--pictures")
    splits = opened(options, task)
    images: Dataset = getattr(splits, options.split)
    if len(images) == 0:
        raise ValueError(f"{options.data}: the {options.split} split has no image to judge by")
    # These refuse before the pictures are read.
    judging(task, model.classes, images, options.data)
    check_joints(task, joint_names_of(model), images, options.data)
    (whole,) = readable([images], options.skip_unreadable)
    judged = judging(task, model.classes, whole, options.data)
    judged = dataclasses.replace(judged, judge=judge)
    dataset = judged.dataset
    if splits.rule:
        print(f"{options.data}: {splits.rule}")
    for sentence in judged.sentences:
        print(sentence)
    metric = judged.metric()
    of_images: list[float] = []

    def note(index: int, result: Result, target: Target) -> None:
        if task.rank is not None:
            of_images.append(task.rank[1](result, target))
            return
        alone = judged.metric()
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
    if options.split == "test" and splits.tested_on_validation:
        print("there are no test images: these are the validation images, which chose best.npz")
    for line in value_lines(values) if task.report is None else task.report(metric):
        print(f"  {line}")
    if not has_value(values[task.best_by]):
        print(
            f"no {task.best_by}: nothing in the {len(dataset)} images is labelled with "
            f"{', '.join(judged.labelled)}"
        )
    if options.pictures is not None:
        written = write_pictures(task, model, dataset, np.array(of_images), options.pictures)
        print(f"{len(written)} pictures, best to worst -> {options.pictures}")
        for name, draw in task.pictures_of_all.items():
            save_picture(draw(metric), options.pictures / f"{name}.png")
            print(f"{name.replace('_', ' ')} -> {options.pictures / f'{name}.png'}")
    if options.json is not None:
        record = {
            "weights": str(options.weights or options.model),
            "data": options.data,
            "split": options.split,
            "rule": splits.rule,
            "judged_on_validation": options.split == "validation"
            or (options.split == "test" and splits.tested_on_validation),
            "classes": judged.labelled,
            "not_labelled": [name for name in judged.classes if name not in judged.labelled],
            "left_out": judged.left_out,
            "images": len(dataset),
            "unreadable": len(images) - len(dataset),
            "seconds_per_image": round(seconds, 4),
            "values": {name: round(value, 6) for name, value in values.items()},
        }
        write_json(file_of(options.json), record)


def _judge(options: argparse.Namespace, task: Task) -> Model | None:
    """The model that ``--judge`` names."""
    if options.judge is None:
        return None
    if task.metric_by is None:
        raise ValueError(f"--judge: {task.name} is judged by its labels; leave the option out")
    judge, _ = load(options.judge)
    task.metric_by((), judge)  # refuses a model that cannot judge, before the pictures are read
    return judge


def has_value(value: float) -> bool:
    """False for NaN, and for COCO's -1: there was nothing to find.

    >>> has_value(0.0), has_value(-1.0), has_value(math.nan)
    (True, False, False)
    """
    return math.isfinite(value) and value != -1


def value_lines(values: dict[str, float]) -> list[str]:
    """A line for each value, in columns; a dash where there is none (NaN, or COCO's -1).

    >>> value_lines({"AP50": 0.5, "AP50 cow": float("nan")})
    ['AP50            0.500', 'AP50 cow            -']
    """
    width = max(14, *map(len, values))
    shown = {name: f"{v:.3f}" if has_value(v) else "-" for name, v in values.items()}
    return [f"{name:<{width}} {text:>6}" for name, text in shown.items()]


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
        by = task.best_by if task.rank is None else task.rank[0]
        title = f"{name}: number {better + 1} of {len(values)} by {by}"
        (result,) = model.predict([image])
        path = folder / f"{number}_{Path(name).name}.png"
        prediction = Prediction(
            title, image, result, model.classes, joint_names=joint_names_of(model)
        )
        save_picture(task.compare(prediction, target, dataset), path)
        paths.append(path)
    return paths
