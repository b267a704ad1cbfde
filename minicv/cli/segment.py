"""``minicv segment --weights FILE IMAGE... --out DIR``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.json_files import write_json
from minicv.cli.pictures import Pictures
from minicv.inspection import draw_segmentation
from minicv.inspection.label_maps import percent
from minicv.training import load_segmenter


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "segment",
        help="give every pixel of pictures of your own a class",
        description="Run a trained segmenter on pictures of any size: writes each with its classes "
        "in colour and a legend, and prints how much of it each class has. With --json, also a "
        "list with an entry for each picture: image_id (the file's name), height, width, seconds, "
        "shares (of the picture, by class) and picture (what was drawn).",
    )
    add = parser.add_argument
    add("images", nargs="+", type=Path, metavar="IMAGE", help="pictures, or folders of pictures")
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the drawn pictures")
    add("--json", action="store_true", help="also write DIR/segmentations.json")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Segment every picture; one that cannot be read is named and passed over."""
    device = chosen_device(options)
    model = load_segmenter(options.weights).to(device)
    options.out.mkdir(parents=True, exist_ok=True)
    records = []
    pictures = Pictures("segment", options.images)
    for path, name, image in pictures:
        started = time.perf_counter()
        segmentation = model.predict([image])[0]["segmentation"]  # (H, W)
        seconds = time.perf_counter() - started
        drawn = options.out / f"{name}_segmentation.png"
        draw_segmentation(image, segmentation, model.classes).save(drawn)
        shares = class_shares(segmentation, model.classes)
        print(f"{path}: {_summary(shares)} ({seconds:.2f} s) -> {drawn}")
        records.append(
            {
                "image_id": path.name,
                "height": image.shape[1],
                "width": image.shape[2],
                "seconds": round(seconds, 4),
                "shares": {name: round(share, 6) for name, share in shares.items()},
                "picture": drawn.name,
            }
        )
    if options.json:
        file = options.out / "segmentations.json"
        write_json(file, records)
        print(f"{len(records)} pictures -> {file}")
    pictures.check()


def class_shares(segmentation: np.ndarray, classes: tuple[str, ...]) -> dict[str, float]:
    """How much of a label map (H, W) each class has, 0..1.

    >>> class_shares(np.array([[0, 0, 0, 2]]), ("sky", "tree", "cow"))
    {'sky': 0.75, 'tree': 0.0, 'cow': 0.25}
    """
    counts = np.bincount(segmentation.ravel(), minlength=len(classes))
    return dict(zip(classes, (counts / segmentation.size).tolist(), strict=True))


def _summary(shares: dict[str, float]) -> str:
    """The classes that occur, the largest first."""
    largest_first = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {percent(share)}" for name, share in largest_first if share)
