"""``minicv predict --weights FILE IMAGE... --out DIR``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.pictures import Pictures
from minicv.cli.train import tasks
from minicv.tasks import Prediction, load
from minicv.tasks.json_files import write_json


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options; detect and segment are other names for it."""
    written = "; ".join(
        f"in {task.name} NAME_{task.picture}.png and, with --json, {task.results}.json"
        for task in tasks()
    )
    parser = commands.add_parser(
        "predict",
        aliases=["detect", "segment"],
        help="run a trained model on pictures of your own",
        description=f"Run a trained model on pictures and draw its results. Written are {written}. "
        "Detections are a list in COCO's result form, with every score (bbox is x, y, width, "
        "height; category_id counts from 1; image_id is the file's name).",
    )
    add = parser.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of pictures")
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the drawn pictures")
    add(
        "--threshold",
        type=float,
        default=0.5,
        help="of what has a score, draw what scores at least this; default 0.5",
    )
    add("--json", action="store_true", help="also write all results to DIR")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Predict every picture; a file that cannot be read is named and skipped."""
    device = chosen_device(options)
    model, system = load(options.weights)
    model.to(device)
    task = system.task
    options.out.mkdir(parents=True, exist_ok=True)
    records: list[dict[str, Any]] = []
    pictures = Pictures(options.command, options.images)
    for path, name, image in pictures:
        started = time.perf_counter()
        (result,) = model.predict([image])
        seconds = time.perf_counter() - started
        drawn = options.out / f"{name}_{task.picture}.png"
        prediction = Prediction(path.name, image, result, model.classes, seconds, drawn.name)
        task.draw(prediction, options.threshold).save(drawn)
        records += task.to_json(prediction)
        print(f"{path}: {task.summary(prediction, options.threshold)} -> {drawn}")
    if options.json:
        file = options.out / f"{task.results}.json"
        write_json(file, records)
        what = task.results.removesuffix("s") if len(records) == 1 else task.results
        print(f"{len(records)} {what} -> {file}")
    pictures.check()
