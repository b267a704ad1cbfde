"""``minicv demo``: a Faster R-CNN learns the Farmyard from nothing, and shows what it does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.cli.device_option import add_device_option, chosen_device
from minicv.cli.pictures import save_picture
from minicv.data import Dataset, Subset
from minicv.data.sources import open_data
from minicv.explain import explain
from minicv.files import write_whole
from minicv.inspection import contact_sheet, draw_stages
from minicv.inspection.stage_regions import DRAWN_SCORE
from minicv.inspection.stage_scene import HIT
from minicv.models.model import Result, Target
from minicv.tasks import SYSTEMS, Prediction, load, train
from minicv.tasks.detection import compare, sure
from minicv.tasks.history import history_curves
from minicv.tasks.json_files import write_json
from minicv.training import evaluate
from minicv.vision.boxes import box_iou

TEST_SCENES = 40
PAGE = "explain.html"
SHOWN = 8  # held-out scenes drawn with their detections


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Describe the command's options."""
    parser = commands.add_parser(
        "demo",
        help="watch a Faster R-CNN learn and detect, in two minutes, with nothing to download",
        description="Train a Faster R-CNN from scratch on scenes drawn on the fly (cow, cat, dog, "
        "duck and person), measure it on 40 scenes it has never seen, and write pictures: its "
        "detections beside the truth, and what every stage of it makes of one scene; also a page "
        "for the browser, explain.html, in which that scene can be followed stage by stage.",
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="default: runs/demo")
    add("--seed", type=int, default=0, help="of everything random; default 0")
    add_device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, measure, draw, and say where the pictures are."""
    device = chosen_device(options)
    system = SYSTEMS["faster_rcnn"]
    splits = open_data("farmyard", system.task.needs)
    print("Faster R-CNN, from scratch, on scenes drawn on the fly")
    history = train(
        system,
        splits,
        options.out,
        changes={"jitter": 0.0},  # the scenes are drawn in many lights already
        seed=options.seed,
        device=device,
        overwrite=True,  # a demonstration is repeated in the same folder
    )
    model, _ = load(options.out / "best.npz")
    model.to(device)
    test = Subset(splits.test, range(TEST_SCENES))
    results: list[Result] = []
    metric = system.task.metric(model.classes)
    values, _ = evaluate(model, test, metric, on_result=lambda _, found, __: results.append(found))
    seconds = sum(record["seconds"] for record in history)
    print(
        f"trained for {seconds:.0f} s; on {len(test)} scenes never seen: "
        f"AP50 {values['AP50']:.3f} ({_by_class(values, model.classes)})"
    )
    pictures = {
        "detections": _detections(test, results, model.classes),
        "training": history_curves(history),
    }
    chosen, title = _chosen_scene([test[i][1] for i in range(len(test))], results)
    scene, target = test[chosen]
    stages = draw_stages(model.stages(scene), model.classes, truth=target, title=title)
    pictures |= {
        f"stage{i:02}_{name}": picture for i, (name, picture) in enumerate(stages.items(), 1)
    }
    for name, picture in pictures.items():
        save_picture(picture, options.out / f"{name}.png")
    (options.out / "history.png").unlink(missing_ok=True)  # training.png is the same picture
    name = f"scene {chosen + 1} of {len(test)} held-out ones"
    page = explain(model, system, scene, name, "trained by minicv demo")
    write_whole(options.out / PAGE, page.encode("utf-8"))
    report = {"seed": options.seed, "training_seconds": round(seconds, 1), "values": values}
    write_json(options.out / "demo.json", {**report, "history": history})
    print(f"pictures in {options.out.resolve()}:")
    for name in pictures:
        print(f"  {name}.png")
    print(
        f"open in a browser: {(options.out / PAGE).resolve()}, the stages of this scene to try out"
    )
    print(
        f"next: minicv predict --weights {options.out / 'best.npz'} --out found PICTURE..., or "
        "minicv train --help for photographs"
    )


def _by_class(values: dict[str, float], classes: Sequence[str]) -> str:
    return ", ".join(f"{name} {values[f'AP50 {name}']:.2f}" for name in classes)


def _chosen_scene(targets: Sequence[Target], results: Sequence[Result]) -> tuple[int, str]:
    """A scene in which all was found, and a title that says how it was chosen.

    Of the scenes in which all objects were found and nothing else, the most instructive one; of all
    scenes, where there is none.
    """
    right = [i for i in range(len(targets)) if all_right(results[i], targets[i])]
    among = right or list(range(len(targets)))
    chosen = among[_instructive([targets[i] for i in among])]
    scene = f"Stage by stage: scene {chosen + 1} of {len(targets)} held-out ones"
    if not right:
        return chosen, f"{scene}; in none of them all objects were found and nothing else"
    return chosen, (
        f"{scene}, chosen among the {len(right)} in which all objects were found and nothing else"
    )


def _instructive(targets: Sequence[Target]) -> int:
    """The scene with the most classes among those with at most three objects to follow by eye."""
    few = [i for i, target in enumerate(targets) if len(target["labels"]) <= 3]
    return max(few, key=lambda i: len(set(targets[i]["labels"].tolist())), default=0)


def all_right(result: Result, target: Target) -> bool:
    """Whether the drawn detections are the objects: as many, and each with the right class on an
    object of its own, with an IoU of at least `HIT`."""
    found = sure(result, DRAWN_SCORE)
    if len(found["labels"]) != len(target["labels"]):
        return False
    free = list(range(len(target["labels"])))
    for box, label in zip(found["boxes"], found["labels"], strict=True):
        overlap = box_iou(box[None].astype(np.float64), target["boxes"].astype(np.float64))[0]
        fitting = [g for g in free if target["labels"][g] == label and overlap[g] >= HIT]
        if not fitting:
            return False
        free.remove(max(fitting, key=lambda g: overlap[g]))
    return True


def _detections(
    dataset: Dataset, results: Sequence[Result], classes: tuple[str, ...]
) -> Image.Image:
    """The first held-out scenes, truth on the left and detections on the right."""
    sheets = []
    for index in range(min(SHOWN, len(dataset))):
        image, target = dataset[index]
        prediction = Prediction(str(index), image, results[index], classes)
        sheets.append(compare(prediction, target, dataset))
    title = f"Held-out scenes: the truth, and detections with a score of at least {DRAWN_SCORE}"
    return contact_sheet(sheets, columns=2, title=title, tile_width=700)
