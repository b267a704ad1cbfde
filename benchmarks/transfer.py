"""Learning curves: how many photographs of a class are needed, with a trained network and without?

    python -m benchmarks transfer                          all of it
    python -m benchmarks transfer --methods frozen --draws 1
    python -m benchmarks transfer --draw                   the curve again, from the record

Four ways to tell the ten classes of `benchmarks.ten_classes` apart, from 1, 5, 20 and 100 crops of
each, all at 96 x 96 pixels:

- frozen: EfficientNet-Lite0 with its published weights, run once over each crop; a new last layer.
- fine-tuned: the same weights, and all of them learn, the backbone at a tenth of the head's rate.
- from scratch: the same network from random weights.
- small, from scratch: seven convolutions, for which few pictures may do better.

The last three see crops mirrored, moved, cut and in other colours. Each training from scratch ends
when it knows its crops by heart or nearly so: the record holds the accuracy on them. With
``--longer`` it takes twice the steps, which shows whether more would have helped.

Every draw of the training crops is another one, the same for all methods. The value is the mean of
the ten classes' accuracies on the held-out crops, so that each class counts alike. Minutes are
seconds of processor / 60 / 2, for two cores. Every part joins what was measured before in one
record; the curve is docs/transfer.png.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import RESULTS, write_record
from benchmarks.ten_classes import CLASSES, Crops, few_of_each, ten_classes
from benchmarks.train_and_test import CORES, processor_seconds
from minicv.data import Subset
from minicv.data.sources import Splits
from minicv.inspection import draw_curves
from minicv.metrics.classification import ClassificationMetric
from minicv.models.backbones import build_backbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.tasks.classification import ClassificationRecipe
from minicv.training import Features, evaluate, features_of, fit, fit_head
from minicv.weights import start_from
from minicv.weights.published import EFFICIENTNET_LITE0

SIZES = (1, 5, 20, 100)  # crops of a class
SETTINGS = ClassifierSettings(size=96, fit="stretch")
NETWORK, SMALL = "efficientnet_lite0", "small"
STRIDES = {NETWORK: 32, SMALL: 16}
PICTURE = Path(__file__).parent.parent / "docs" / "transfer.png"


@dataclasses.dataclass(frozen=True)
class Training:
    """How a network is trained on all of its layers.

    Attributes:
        backbone: its name.
        published: whether it starts from published weights.
        recipe: whose number of epochs follows from ``steps``.
        steps: to train, of 32 crops or fewer.
    """

    backbone: str
    published: bool
    recipe: ClassificationRecipe
    steps: int


def _recipe(lr: float, **changes: Any) -> ClassificationRecipe:
    return ClassificationRecipe(
        epochs=1, batch_size=32, lr=lr, weight_decay=5e-4, jitter=0.2, least_area=0.5, **changes
    )


FROZEN = "frozen"
TRAININGS = {
    "fine-tuned": Training(NETWORK, True, _recipe(0.03, backbone_lr_ratio=0.1), 120),
    "from scratch": Training(NETWORK, False, _recipe(0.05), 500),
    "small, from scratch": Training(SMALL, False, _recipe(0.05), 800),
}
METHODS = (FROZEN, *TRAININGS)


def main(arguments: Sequence[str]) -> int:
    """Train, test, write the record, draw the curve."""
    parser = argparse.ArgumentParser("python -m benchmarks transfer")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--longer", action="store_true")
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args(arguments)
    if not options.draw:
        known, unseen = ten_classes(options.data)
        for method in options.methods:
            name = f"{method}, twice as long" if options.longer else method
            for size in options.sizes:
                row = _measure(method, known, unseen, size, options)
                print(f"{name}, {size} of each class: {_summary(row)}", flush=True)
                record = _record()  # read now, since another part may have been measured meanwhile
                record["data"] = _described(known, unseen)
                record["methods"].setdefault(name, {})[str(size)] = row
                write_record("transfer", record)
    draw(_record()).save(PICTURE)
    print(f"kept in {RESULTS / 'transfer.json'} and {PICTURE}")
    return 0


def _measure(
    method: str, known: Crops, unseen: Crops, size: int, options: argparse.Namespace
) -> dict[str, Any]:
    """All draws of one size: accuracies, and processor minutes of each training."""
    found: dict[str, list[float]] = {}
    for draw_number in range(options.draws):
        chosen = few_of_each(known.labels, size, np.random.default_rng([draw_number, size]))
        before = processor_seconds()
        if method == FROZEN:
            model = train_head(known, chosen, draw_number)
        else:
            model = train_all(TRAININGS[method], known, chosen, draw_number, options.longer)
        minutes = (processor_seconds() - before) / 60 / CORES
        values = evaluate(model, unseen, ClassificationMetric(CLASSES), batch_size=32).values
        few = Subset(known, sorted(set(chosen.tolist())))
        by_heart = evaluate(model, few, ClassificationMetric(CLASSES), batch_size=32).values
        row = {
            "mean class accuracy": values["mean class accuracy"],
            "top-1": values["top-1"],
            "on the training crops": by_heart["mean class accuracy"],
            "minutes": minutes,
        }
        for name, value in row.items():
            found.setdefault(name, []).append(round(value, 4))
    return found


def train_head(known: Crops, chosen: np.ndarray, seed: int) -> Classifier:
    """Only the last layer, on features that are computed once."""
    rng = np.random.default_rng(seed)
    model = new_model(NETWORK, published=True, rng=rng)
    used, place = np.unique(chosen, return_inverse=True)
    features = features_of(model.backbone, Subset(known, used.tolist()), SETTINGS, flip=True)
    drawn = Features(features.vectors[place], features.labels[place])
    fit_head(model.fc, drawn, rng=rng)
    return model


def train_all(
    training: Training, known: Crops, chosen: np.ndarray, seed: int, longer: bool
) -> Classifier:
    """All layers, from published or from random weights."""
    model = new_model(
        training.backbone, published=training.published, rng=np.random.default_rng(seed)
    )
    few = Subset(known, chosen.tolist())
    steps = (2 if longer else 1) * training.steps
    batches = max(1, len(few) // training.recipe.batch_size)
    recipe = training.recipe.changed(epochs=-(-steps // batches))
    prepared = recipe.prepare(Splits(lambda: few, lambda: few, lambda: None), SETTINGS)
    step, loader, rng = prepared.recipe.begin(
        model, prepared.train, seed=seed, transform=prepared.transform
    )
    fit(step, loader, epochs=prepared.recipe.epochs, rng=rng, progress=False)
    model.eval()
    return model


def new_model(name: str, *, published: bool, rng: np.random.Generator) -> Classifier:
    """A classifier whose published batch statistics stay, and whose own follow the crops."""
    backbone = build_backbone(name, (STRIDES[name],), frozen=published, rng=rng)
    backbone.requires_grad_(True)  # the first blocks too, which a detector would keep
    model = Classifier(backbone, CLASSES, SETTINGS, rng=rng)
    if published:
        start_from(model, name, None)
    return model


def draw(record: Mapping[str, Any]) -> Any:
    """The curve of each method: means over the draws, on a logarithmic axis."""
    curves = {}
    for method, rows in record["methods"].items():
        sizes = sorted(map(int, rows))
        means = [float(np.mean(rows[str(size)]["mean class accuracy"])) for size in sizes]
        if len(sizes) > 1:
            curves[method] = ([float(np.log(size)) for size in sizes], means)
    curves["guessing"] = ([0.0, float(np.log(max(SIZES)))], [1 / len(CLASSES)] * 2)
    return draw_curves(
        {"Ten classes of photographs: mean accuracy of the classes": curves},
        "crops of each class to learn from",
        x_names={float(np.log(size)): str(size) for size in SIZES},
    )


def _described(known: Crops, unseen: Crops) -> dict[str, Any]:
    return {
        name: dict(zip(CLASSES, np.bincount(crops.labels).tolist(), strict=True))
        for name, crops in (("to learn from", known), ("held out", unseen))
    }


def _summary(row: Mapping[str, Sequence[float]]) -> str:
    return "; ".join(
        f"{name} {np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
        for name, values in row.items()
    )


def _record() -> dict[str, Any]:
    """What was measured before, or an empty record."""
    path = RESULTS / "transfer.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return {name: known[name] for name in ("data", "settings", "methods")}
    settings: dict[str, Any] = {"size": SETTINGS.size, "weights": EFFICIENTNET_LITE0}
    for method, training in TRAININGS.items():
        settings[method] = {**dataclasses.asdict(training.recipe), "steps": training.steps}
    return {"data": {}, "settings": settings, "methods": {}}
