"""Classification with localisation: what is the one object of a picture, and where is it?

A classifier needs four numbers more to say where its object is: the corners of a box. They are
learnt by L2, beside the softmax for the class, and the sum of both losses is what training makes
small. There are two ways. At once: each picture teaches both. Or as first published: the class
first; then the network stays as it is, and two new layers learn to read the box off its features.

    python examples/18_localization.py

It trains two networks from the same weights, one each way and each for as many epochs, and prints
after how long a training which errors are left on unseen scenes: the class is wrong; the class or
the box is wrong (an IoU below 0.5); the mean IoU of the boxes. In the second half of a training the
class cannot get better where its layers are frozen, and a step takes less time.

The pictures: scenes from the best box to the worst, with the true box in white; the same scenes by
the two networks; and both errors epoch by epoch.

Source: Sermanet et al., OverFeat (ICLR 2014), section 4; top-1 error as of ILSVRC.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached
from minicv.data.one_object import SingleObjectScenes
from minicv.data.sources import Splits
from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.localization import draw_localization_beside_truth
from minicv.metrics.localization import LocalizationMetric, Localized
from minicv.models.localization import SingleObjectDetector
from minicv.tasks import Spec, build
from minicv.tasks.localization import RECIPES, SETTINGS
from minicv.training import evaluate, fit

BACKBONE = "conv_net"
LABELS = ("label", "box", "image_id")
AT_ONCE, CLASS_FIRST = WAYS = ("both at once", "class first")
SHARE = 0.5  # of the epochs, in which the class is learnt alone
SHOWN = 8  # scenes from the best to the worst


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/18_localization")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (1000, 100), epochs: int = 8) -> None:
    """Train both ways, print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        scenes: to train on, and unseen.
        epochs: of each network.
    """
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(SingleObjectScenes(count, seed=own), keep=LABELS)
        for count, own in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    print(f"{'trained':<14}{'seconds':>9}{'class error':>13}{'top-1 error':>13}{'mean IoU':>10}")
    models, histories = {}, {}
    for way in WAYS:
        started = time.perf_counter()
        models[way], histories[way] = train(way, known, unseen, epochs, seed)
        seconds, last = time.perf_counter() - started, histories[way][-1]
        print(
            f"{way:<14}{seconds:>9.0f}{last['class error']:>13.3f}{last['top-1 error']:>13.3f}"
            f"{last['mean IoU']:>10.3f}"
        )
    judged = {way: judge(model, unseen) for way, model in models.items()}
    order = best_to_worst([own.iou for own in judged[AT_ONCE]], SHOWN)
    pictures = {
        "1_best_to_worst": draw_scenes(models[AT_ONCE], unseen, order, judged[AT_ONCE]),
        "2_both_ways": draw_both(models, unseen, order[1::2]),
        "3_training": draw_training(histories),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}: {', '.join(f'{name}.png' for name in pictures)}")


def train(
    way: str, known: Any, unseen: Any, epochs: int, seed: int
) -> tuple[SingleObjectDetector, list[dict[str, float]]]:
    """By the system's recipe; after each epoch the errors on unseen scenes."""
    recipe = RECIPES[BACKBONE].changed(
        epochs=epochs, class_first=SHARE if way == CLASS_FIRST else 0.0
    )
    settings = SETTINGS[BACKBONE]
    prepared = recipe.prepare(Splits(lambda: known, lambda: unseen, lambda: unseen), settings)
    spec = Spec("localizer", known.classes, settings, BACKBONE)
    model = build(spec, np.random.default_rng(seed))
    assert isinstance(model, SingleObjectDetector)
    step, loader, rng = recipe.begin(model, known, seed=seed, transform=prepared.transform)
    history = fit(
        step,
        loader,
        epochs=epochs,
        rng=rng,
        validate=lambda model: errors(judge(model, unseen)),
        best_by="mean IoU",
        progress=False,
    )
    return model, history


def judge(model: Any, scenes: Any) -> list[Localized]:
    """Of each scene: is the class right, is the box right, and its IoU."""
    metric = LocalizationMetric(scenes.classes)
    evaluate(model, scenes, metric)
    return metric.each()


def errors(judged: Sequence[Localized]) -> dict[str, float]:
    """The means over the scenes.

    >>> right, misplaced = Localized(1, 1, 1, 1, 0.75), Localized(1, 1, 0, 0, 0.25)
    >>> errors([right, misplaced])
    {'class error': 0.0, 'top-1 error': 0.5, 'mean IoU': 0.5}
    """
    top1, _, localized, _, iou = np.mean(judged, axis=0).tolist()
    return {"class error": 1 - top1, "top-1 error": 1 - localized, "mean IoU": iou}


def best_to_worst(values: Sequence[float], count: int) -> list[int]:
    """``count`` scenes, evenly spread from the greatest value to the least.

    >>> best_to_worst([0.2, 0.9, 0.5, 0.1, 0.7], 3)
    [1, 2, 3]
    """
    order = np.argsort(-np.asarray(values), kind="stable")
    ranks = np.linspace(0, len(order) - 1, min(count, len(order)))
    return [int(scene) for scene in order[np.floor(ranks + 0.5).astype(int)]]


def draw_scenes(
    model: SingleObjectDetector, scenes: Any, chosen: Sequence[int], judged: Sequence[Localized]
) -> Image.Image:
    """These scenes with both boxes."""
    title = f"One class and one box: {len(chosen)} of {len(judged)} unseen scenes, best box first"
    return contact_sheet([_drawn(model, scenes, i) for i in chosen], columns=4, title=title)


def draw_both(
    models: dict[str, SingleObjectDetector], scenes: Any, chosen: Sequence[int]
) -> Image.Image:
    """A row of the same scenes for each way."""
    pictures = [_drawn(model, scenes, i) for model in models.values() for i in chosen]
    title = f"The same scenes. Above: {AT_ONCE}. Below: the {CLASS_FIRST}, then the box head alone"
    return contact_sheet(pictures, columns=len(chosen), title=title)


def _drawn(model: SingleObjectDetector, scenes: Any, index: int) -> Image.Image:
    image, target = scenes[index]
    (found,) = model.predict([image])
    return draw_localization_beside_truth(
        image, found, target["label"], target["box"], scenes.classes
    )


def draw_training(histories: dict[str, list[dict[str, float]]]) -> Image.Image:
    """Errors on unseen scenes by epoch."""
    panels = {}
    for name in ("class error", "top-1 error", "mean IoU"):
        panels[f"{name[0].upper()}{name[1:]}, unseen scenes"] = {
            way: ([own["epoch"] for own in history], [own[name] for own in history])
            for way, history in histories.items()
        }
    return draw_curves(panels, x_label="epoch", size=(900, 320))


if __name__ == "__main__":
    main()
