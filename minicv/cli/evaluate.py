"""``minicv eval --weights FILE --data ...``."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

from minicv.cli.data_sources import DATA_HELP, Splits, open_data, open_segmentation_data
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.json_files import write_json
from minicv.cli.segmentation_pictures import write_pictures
from minicv.inspection.label_maps import percent
from minicv.metrics import SegmentationValues
from minicv.training import (
    ModelFile,
    detection_figures,
    detector_of,
    named_figures,
    predict_all,
    run_segmenter,
    segmenter_of,
)
from minicv.training.detector_files import DETECTORS
from minicv.training.segmenter_files import SEGMENTERS


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "eval",
        help="average precision of a trained detector, or IoU of a trained segmenter",
        description="Run a trained model over a split of a data set and print how good it is. Of "
        "a detector: average precision, Pascal VOC's at IoU 0.5, in all and by class, and COCO's. "
        "Of a segmenter: IoU and accuracy of every class, their means, pixel accuracy and "
        "frequency-weighted IoU.",
    )
    add = parser.add_argument
    add("--weights", required=True, type=Path, metavar="FILE", help="a checkpoint of minicv train")
    add("--data", required=True, metavar="DATA", help=DATA_HELP)
    add("--split", default="test", choices=["train", "validation", "test"], help="default: test")
    add("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    add(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="of a segmenter: also draw five images beside the truth, from the best to the worst",
    )
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Evaluate and print."""
    device = chosen_device(options)
    file = ModelFile.read(options.weights)
    file.require([*DETECTORS, *SEGMENTERS], ())
    if file.model in SEGMENTERS:
        model = segmenter_of(file).to(device)
        splits = open_segmentation_data(options.data)
        evaluate = _segmenter
    else:
        if options.pictures is not None:
            raise ValueError(
                f"--pictures: {options.weights} is a detector; minicv detect draws what it finds"
            )
        model = detector_of(file).to(device)
        splits = open_data(options.data)
        evaluate = _detector
    _check_classes(model.classes, splits, options)
    dataset = getattr(splits, options.split)
    seconds, figures = evaluate(model, dataset, options)
    if options.json is not None:
        record = {
            "weights": str(options.weights),
            "data": options.data,
            "split": options.split,
            "images": len(dataset),
            "seconds_per_image": round(seconds, 4),
            "figures": {name: round(value, 6) for name, value in figures.items()},
        }
        write_json(options.json, record)


def _check_classes(classes: tuple[str, ...], splits: Splits, options: argparse.Namespace) -> None:
    if splits.classes != classes:
        raise ValueError(
            f"{options.weights} knows {', '.join(classes)} but {options.data} is labelled with "
            f"{', '.join(splits.classes)}; use weights trained on these classes"
        )


def _detector(
    model: Any, dataset: Any, options: argparse.Namespace
) -> tuple[float, dict[str, float]]:
    """Print what a detector finds; seconds per image and figures."""
    started = time.perf_counter()
    predictions, targets = predict_all(model, dataset, progress=True)
    seconds = (time.perf_counter() - started) / max(len(dataset), 1)
    figures = detection_figures(predictions, targets, model.classes)
    objects = sum(len(target["boxes"]) for target in targets)
    _print_head(options, f"{len(dataset)} images, {objects} objects", seconds)
    _print_figures(figures)
    return seconds, figures


def _segmenter(
    model: Any, dataset: Any, options: argparse.Namespace
) -> tuple[float, dict[str, float]]:
    """Print how a segmenter labels pixels, and draw some; seconds per image and figures."""
    result = run_segmenter(model, dataset, progress=True)
    seconds = float(result.seconds.mean()) if len(dataset) else 0.0
    figures = named_figures(result.figures, model.classes)
    _print_head(options, f"{len(dataset)} images", seconds)
    for line in class_table(result.figures, model.classes):
        print(f"  {line}")
    _print_figures({name: v for name, v in figures.items() if not name.startswith("IoU ")})
    if options.pictures is not None:
        written = write_pictures(model, dataset, result.mean_ious, options.pictures)
        print(f"{len(written)} pictures, best to worst -> {options.pictures}")
    return seconds, figures


def class_table(figures: SegmentationValues, classes: tuple[str, ...]) -> list[str]:
    """A line for each class: its share of the labelled pixels, accuracy and IoU.

    >>> from minicv.metrics import values_of_confusion
    >>> figures = values_of_confusion([[6, 2], [0, 2]])
    >>> print("\\n".join(class_table(figures, ("grass", "cow"))))
    class    pixels  accuracy    IoU
    grass      80 %     0.750  0.750
    cow        20 %     1.000  0.500
    """
    width = max(5, *map(len, classes))
    pixels = figures.confusion.sum(axis=1)
    shares = pixels / max(pixels.sum(), 1)
    lines = [f"{'class':<{width}}  {'pixels':>8}  accuracy    IoU"]
    for name, share, accuracy, iou in zip(
        classes, shares, figures.class_accuracy, figures.class_iou, strict=True
    ):
        lines.append(
            f"{name:<{width}}  {percent(share):>8}  {_number(accuracy):>8}  {_number(iou):>5}"
        )
    return lines


def _print_head(options: argparse.Namespace, what: str, seconds: float) -> None:
    print(f"{options.data}, {options.split}: {what}, {seconds:.3g} s an image")


def _print_figures(figures: dict[str, float]) -> None:
    for name, value in figures.items():
        print(f"  {name:<14} {_number(value):>6}")


def _number(value: float) -> str:
    """Three decimals; a stroke for what cannot be said, NaN or COCO's -1."""
    return f"{value:.3f}" if math.isfinite(value) and value >= 0 else "-"
