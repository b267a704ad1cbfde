"""``minicv detect --weights FILE IMAGE... --out DIR``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.json_files import write_json
from minicv.cli.pictures import Pictures
from minicv.inspection import draw_detections
from minicv.training import load_detector


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "detect",
        help="find objects in pictures of your own",
        description="Run a trained detector on pictures: writes each with its boxes drawn, and "
        "with --json all detections as a list in COCO's result form (bbox is x, y, width, height; "
        "category_id counts from 1; image_id is the file's name).",
    )
    add = parser.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of pictures")
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the drawn pictures")
    add("--threshold", type=float, default=0.5, help="draw what scores at least this; default 0.5")
    add("--json", action="store_true", help="also write DIR/detections.json, with every score")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Detect in every picture; one that cannot be read is named and passed over."""
    device = chosen_device(options)
    model = load_detector(options.weights).to(device)
    options.out.mkdir(parents=True, exist_ok=True)
    records = []
    pictures = Pictures("detect", options.images)
    for path, name, image in pictures:
        found = model.predict([image])[0]
        records += coco_results(path.name, found, model.classes)
        shown = {key: v[found["scores"] >= options.threshold] for key, v in found.items()}
        drawn = options.out / f"{name}_detections.png"
        draw_detections(
            image, shown["boxes"], shown["labels"], shown["scores"], class_names=model.classes
        ).save(drawn)
        print(f"{path}: {_summary(shown['labels'], model.classes)} -> {drawn}")
    if options.json:
        file = options.out / "detections.json"
        write_json(file, records)
        print(f"{len(records)} detections -> {file}")
    pictures.check()


def coco_results(
    image_id: str, found: dict[str, np.ndarray], classes: tuple[str, ...]
) -> list[dict]:
    """Detections of one image as entries of COCO's result form.

    >>> found = {"boxes": np.array([[1.0, 2.0, 4.0, 8.0]]), "labels": np.array([0]),
    ...          "scores": np.array([0.75])}
    >>> coco_results("a.jpg", found, ("cow",))[0]["bbox"]
    [1.0, 2.0, 3.0, 6.0]
    """
    return [
        {
            "image_id": image_id,
            "category_id": int(label) + 1,
            "category": classes[label],
            "bbox": [round(float(v), 2) for v in (x1, y1, x2 - x1, y2 - y1)],
            "score": round(float(score), 5),
        }
        for (x1, y1, x2, y2), label, score in zip(
            found["boxes"], found["labels"], found["scores"], strict=True
        )
    ]


def _summary(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    counts = np.bincount(labels, minlength=len(classes))
    named = [f"{count} {name}" for name, count in zip(classes, counts, strict=True) if count]
    return ", ".join(named) or "nothing"
