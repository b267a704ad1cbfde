"""``minicv predict --weights FILE IMAGE... --out DIR``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.model_option import add_model_options, chosen_model
from minicv.cli.pictures import Picture, Pictures, save_picture
from minicv.cli.storage_option import add_storage_option, chosen_storage
from minicv.cli.train import tasks
from minicv.inspection import draw_stages
from minicv.models.model import Model
from minicv.tasks import Prediction, Task
from minicv.tasks.folders import check_folder
from minicv.tasks.json_files import write_json
from minicv.tasks.task import joint_names_of

STAGES = "_stages"  # the end of the name of a picture's folder with its stages


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options; detect and segment are other names for it."""
    written = "; ".join(
        f"in {task.name} {' and '.join(f'NAME{ending}' for ending in _endings(task))} and, with "
        f"--json, {task.results}.json"
        for task in tasks()
    )
    parser = commands.add_parser(
        "predict",
        aliases=["detect", "segment"],
        help="run a trained model on pictures of your own",
        description=f"Run a trained model on pictures and draw its results. Written are {written}. "
        "Detections are a list in COCO's result form, with every score (bbox is x, y, width, "
        "height; category_id counts from 1; image_id is the file's name, with its folder where two "
        "files have one name). A mask is there as compressed run lengths, joints as x, y in "
        "numbers of pixels and 1; COCO's own files of joints lack bbox. The labels of a "
        "segmentation are a palette picture: a number for each pixel, in the colours of the data "
        "set.",
    )
    add = parser.add_argument
    add(
        "images",
        nargs="*",
        type=Path,
        metavar="IMAGE",
        help="pictures, or folders of pictures" + _without_pictures_help(),
    )
    add_model_options(parser)
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the drawn pictures")
    add(
        "--threshold",
        type=share,
        default=0.5,
        metavar="SCORE",
        help="of what has a score, draw what scores at least this, 0 to 1; default 0.5",
    )
    add("--json", action="store_true", help="also write all results to DIR")
    add(
        "--stages",
        action="store_true",
        help=f"also draw what the model computes on the way, step by step, in DIR/NAME{STAGES}",
    )
    add("--seed", type=int, default=0, metavar="N", help="of what is drawn at random; default 0")
    add("-r", "--recursive", action="store_true", help="enter the folders within folders")
    add_device_option(parser)
    add_storage_option(parser)
    parser.set_defaults(run=run)


def share(text: str) -> float:
    """A number of 0..1, as a score is.

    >>> share("0.25")
    0.25
    """
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score; expected a number from 0 to 1")
    return number


def run(options: argparse.Namespace) -> None:
    """Predict every picture; one that fails is named and passed over."""
    device = chosen_device(options)
    model, task = chosen_model(options)
    model.to(device)
    with chosen_storage(options, model):
        _run(options, model, task)


def _run(options: argparse.Namespace, model: Model, task: Task) -> None:
    check_folder(options.out)
    if not options.images:
        _without_pictures(model, task, options)
        return
    pictures = Pictures(
        options.command,
        options.images,
        options.out,
        _endings(task),
        recursive=options.recursive,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, Any]] = []
    for picture in pictures:
        try:
            records += _predict(picture, model, task, options)
        except Exception as error:  # whatever is wrong with a picture, the others go on
            pictures.fail(picture, error)
    if options.json:
        file = options.out / f"{task.results}.json"
        write_json(file, records)
        what = task.results.removesuffix("s") if len(records) == 1 else task.results
        print(f"{len(records)} {what} -> {file}")
    pictures.check()


def _without_pictures(model: Model, task: Task, options: argparse.Namespace) -> None:
    """Write what a model makes of nothing but random numbers."""
    if task.without_pictures is None:
        raise ValueError(
            f"no IMAGE is given, and {task.name} needs one; name pictures, or folders of pictures"
        )
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected a whole number from 0 on")
    drawn = task.without_pictures(model, np.random.default_rng(options.seed))
    for name, picture in drawn.items():
        save_picture(picture, options.out / f"{name}.png")
        print(f"{name.replace('_', ' ')} -> {options.out / f'{name}.png'}")


def _without_pictures_help() -> str:
    """What the help says of the tasks that need no picture."""
    names = [task.name for task in tasks() if task.without_pictures is not None]
    return f"; none for {' and '.join(names)}, to draw at random"


def _predict(
    picture: Picture, model: Model, task: Task, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Write all files of one picture, say what was found; the entries for the results' file."""
    started = time.perf_counter()
    result, stages = model.predict_for_picture(picture.image, keep_stages=options.stages)
    seconds = time.perf_counter() - started
    drawn = options.out / f"{picture.name}_{task.picture}.png"
    prediction = Prediction(
        picture.id,
        picture.image,
        result,
        model.classes,
        seconds,
        drawn.relative_to(options.out).as_posix(),
        model.colours,
        joint_names_of(model),
    )
    save_picture(task.draw(prediction, options.threshold), drawn)
    for ending, draw in task.more_pictures.items():
        save_picture(draw(prediction), options.out / f"{picture.name}_{ending}.png")
    if options.stages:
        folder = options.out / f"{picture.name}{STAGES}"
        drawings = draw_stages(stages, model.classes, colours=model.colours)
        for number, (name, drawing) in enumerate(drawings.items(), start=1):
            save_picture(drawing, folder / f"{number:02}_{name}.png")
    print(f"{picture.path}: {task.summary(prediction, options.threshold)} -> {drawn}")
    return task.to_json(prediction)


def _endings(task: Task) -> list[str]:
    return [f"_{name}.png" for name in (task.picture, *task.more_pictures)]
