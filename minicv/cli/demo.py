"""``minicv demo``: a Faster R-CNN learns the Farmyard from nothing, and shows what it does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.cli.data_sources import open_data
from minicv.cli.detection_recipe import RECIPES, flip_for, train_detector
from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.json_files import write_json
from minicv.inspection import (
    contact_sheet,
    draw_curves,
    draw_faster_rcnn_stages,
    draw_ground_truth,
)
from minicv.training import (
    build_detector,
    describe_detector,
    detection_figures,
    load_detector,
    predict_all,
)

SHOWN = 8  # held-out scenes drawn with their detections
DRAWN_SCORE = 0.5


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "demo",
        help="watch a Faster R-CNN learn and detect, in two minutes, with nothing to download",
        description="Train a Faster R-CNN from scratch on scenes drawn on the fly (cow, cat, dog, "
        "duck and person), measure it on 40 scenes it has never seen, and write pictures: its "
        "detections beside the truth, and what every stage of it makes of one scene.",
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="default: runs/demo")
    add("--seed", type=int, default=0, help="of everything random; default 0")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, measure, draw, and say where the pictures are."""
    device = chosen_device(options)
    splits = open_data("farmyard")
    recipe = RECIPES["faster_rcnn"]["small"]
    rng = np.random.default_rng(options.seed)
    model = build_detector("faster_rcnn", "small", splits.classes, rng=rng).to(device)
    print(
        f"Faster R-CNN, {sum(p.size for p in model.parameters()):,} parameters, from scratch on "
        f"{len(splits.train)} farmyard scenes ({recipe.epochs} passes); classes: "
        f"{', '.join(splits.classes)}"
    )
    history = train_detector(
        model,
        splits.train,
        splits.validation,
        recipe,
        description=describe_detector("small", model),
        out=options.out,
        seed=options.seed,
        transform=flip_for(splits.train),
    )
    model = load_detector(options.out / "best.npz").to(device)
    predictions, targets = predict_all(model, splits.test)
    figures = detection_figures(predictions, targets, model.classes)
    seconds = sum(record["seconds"] for record in history)
    print(
        f"trained for {seconds:.0f} s; on {len(splits.test)} scenes never seen: "
        f"AP50 {figures['AP50']:.3f} ({_by_class(figures, model.classes)})"
    )
    pictures = {
        "detections": _detections(splits.test, predictions, model.classes),
        "training": _curves(history),
    }
    scene, _ = splits.test[_instructive(targets)]
    stages = draw_faster_rcnn_stages(model.stages(scene), model.classes)
    pictures |= {f"stage{i}_{name}": picture for i, (name, picture) in enumerate(stages.items(), 1)}
    for name, picture in pictures.items():
        picture.save(options.out / f"{name}.png")
    report = {"seed": options.seed, "training_seconds": round(seconds, 1), "figures": figures}
    write_json(options.out / "demo.json", {**report, "history": history})
    print(f"pictures in {options.out.resolve()}:")
    for name in pictures:
        print(f"  {name}.png")
    print(
        f"next: minicv detect --weights {options.out / 'best.npz'} --out found PICTURE..., or "
        "minicv train --help for photographs"
    )


def _by_class(figures: dict[str, float], classes: Sequence[str]) -> str:
    return ", ".join(f"{name} {figures[f'AP50 {name}']:.2f}" for name in classes)


def _instructive(targets: list[dict[str, Any]]) -> int:
    """The scene with the most classes among those with at most three objects to follow by eye."""
    few = [i for i, target in enumerate(targets) if len(target["labels"]) <= 3]
    return max(few, key=lambda i: len(set(targets[i]["labels"].tolist())), default=0)


def _detections(dataset: Any, predictions: list[dict], classes: Sequence[str]):
    """The first held-out scenes, truth on the left and detections on the right."""
    sheets = []
    for index in range(min(SHOWN, len(dataset))):
        image, target = dataset[index]
        found = predictions[index]
        sure = {name: values[found["scores"] >= DRAWN_SCORE] for name, values in found.items()}
        truth = {"boxes": target["boxes"], "labels": target["labels"]}
        sheets.append(draw_ground_truth(image, truth, sure, classes))
    title = f"Held-out scenes: the truth, and detections with a score of at least {DRAWN_SCORE}"
    return contact_sheet(sheets, columns=2, title=title, tile_width=700)


def _curves(history: list[dict[str, float]]):
    """Losses and precision by epoch."""
    epochs = [record["epoch"] for record in history]
    names = [name for name in history[0] if name.startswith("loss_")]
    losses = {n.removeprefix("loss_"): (epochs, [record[n] for record in history]) for n in names}
    precision = {n: (epochs, [record[n] for record in history]) for n in ("AP50", "AP")}
    panels = {"Training losses": losses, "Average precision on validation scenes": precision}
    return draw_curves(panels, x_label="epoch")
