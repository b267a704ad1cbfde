"""``minicv eval --weights FILE --data ...``."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from minicv.cli.data_sources import DATA_HELP, open_data
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.json_files import write_json
from minicv.training import detection_figures, load_detector, predict_all


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "eval",
        help="average precision of a trained detector",
        description="Run a trained detector over a split of a data set and print its average "
        "precision: Pascal VOC's at IoU 0.5, in all and by class, and COCO's.",
    )
    add = parser.add_argument
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--data", required=True, metavar="DATA", help=DATA_HELP)
    add("--split", default="test", choices=["train", "validation", "test"], help="default: test")
    add("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    device = chosen_device(options)
    model = load_detector(options.weights).to(device)
    splits = open_data(options.data)
    if splits.classes != model.classes:
        raise ValueError(
            f"{options.weights} detects {', '.join(model.classes)} but {options.data} is labelled "
            f"with {', '.join(splits.classes)}; use weights trained on these classes"
        )
    dataset = getattr(splits, options.split)
    started = time.perf_counter()
    predictions, targets = predict_all(model, dataset, progress=True)
    seconds = time.perf_counter() - started
    figures = detection_figures(predictions, targets, model.classes)
    objects = sum(len(target["boxes"]) for target in targets)
    print(
        f"{options.data}, {options.split}: {len(dataset)} images, {objects} objects, "
        f"{seconds / max(len(dataset), 1):.2f} s an image"
    )
    for name, value in figures.items():
        print(
            f"  {name:<14}{value:7.3f}"
            if math.isfinite(value) and value >= 0
            else f"  {name:<14}      -"
        )
    if options.json is not None:
        record = {
            "weights": str(options.weights),
            "data": options.data,
            "split": options.split,
            "images": len(dataset),
            "seconds_per_image": round(seconds / max(len(dataset), 1), 4),
            "figures": {name: round(value, 6) for name, value in figures.items()},
        }
        write_json(options.json, record)
