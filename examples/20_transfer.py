"""Transfer learning: few pictures are enough for a network that has seen many others.

A network tells cows, dogs, ducks and people apart, from a thousand pictures. Now cats come to the
farm, and its pictures are gone. Most of what it has learnt still holds, for cats too: outlines,
legs, ears, fur against grass. So its last layer is replaced by one for five classes, which are
learnt from 1, 5, 20 and 100 pictures of each, in three ways:

- frozen: all other layers stay. Their features are computed once for each picture, and the new
  layer learns on this table of numbers in a second.
- unfrozen: from there on the other layers learn too, block by block, the last ones first.
- from scratch: the same network from random weights, trained until it knows its pictures by heart.

    python examples/20_transfer.py
    python examples/20_transfer.py --data folder:DIR

Each is judged on the same unseen pictures, for several draws of the few. The pictures show the
learning curve; the features of a random and of a trained network in the plane where they spread
most; and what the two say of unseen pictures. With ``--data`` the classes are those of your
photographs, the network is EfficientNet-Lite0 with its published weights, and the one from scratch
is a small one.

Source: Donahue et al., DeCAF (ICML 2014); Yosinski et al., How transferable are features in deep
neural networks? (NIPS 2014); gradual unfreezing as in Howard & Ruder, ULMFiT (ACL 2018).
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from PIL import Image

from minicv.data import Cached, Dataset, Farmyard, Relabelled, Subset
from minicv.data.object_crops import ObjectCrops
from minicv.data.sources import open_data
from minicv.data.transforms import Compose, RandomHorizontalFlip
from minicv.data.transforms.square import RandomShift, RandomSquare, square
from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.palette import GREY, LINE_COLOURS, PALE, WHITE
from minicv.inspection.panels import LegendEntry, with_legend
from minicv.models.backbones import build_backbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.optim import SGD, CosineAnnealingLR, WarmupThen
from minicv.training import (
    Features,
    GradientStep,
    Recipe,
    UnfreezingStep,
    blocks_of,
    features_of,
    fit,
    fit_head,
    freeze,
    with_classes,
)
from minicv.weights import start_from

KNOWN = ("cow", "dog", "duck", "person")  # what the drawn network has learnt first
ALL = Farmyard.classes
COUNTS = (1, 5, 20, 100)  # pictures of each class
FROZEN, UNFROZEN, SCRATCH = WAYS = ("frozen", "unfrozen block by block", "from scratch")
SIZE, PHOTOGRAPHS = 48, 96  # pixels of a side, for drawn animals and for photographs
STRIDES = {"small": 16, "efficientnet_lite0": 32}
BATCH = 16
DRAWN_FROM = 20  # pictures of each class, of the networks whose guesses are drawn


class Task(NamedTuple):
    """What there is to learn.

    Attributes:
        trained: a network that has learnt something else.
        fresh: one with random weights.
        known: pictures to draw the few from, with their labels.
        labels: of these, (N,).
        unseen: pictures to judge by.
        never_met: the label of the class that the trained network has not seen; None for many.
    """

    trained: Classifier
    fresh: Classifier
    known: Dataset
    labels: np.ndarray
    unseen: Dataset
    never_met: int | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/20_transfer")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--data", metavar="DATA", help="photographs with a class each")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    task = of_animals(rng) if options.data is None else of_photographs(options.data, rng)
    run(options.out, task, options.seed)


def run(
    out: Path,
    task: Task,
    seed: int,
    draws: int = 2,
    steps: Mapping[str, int] = MappingProxyType({UNFROZEN: 60, SCRATCH: 150}),
) -> None:
    """Learn from few, in three ways; print and draw."""
    out.mkdir(parents=True, exist_ok=True)
    counts = [count for count in COUNTS if count <= np.bincount(task.labels).min()]
    classes = task.trained.classes
    print(f"{len(classes)} classes ({', '.join(classes)}), {len(task.unseen)} unseen pictures")
    backbone, settings = task.trained.backbone, task.trained.settings
    features = features_of(backbone, task.known, settings, flip=True)
    unseen = features_of(backbone, task.unseen, settings)
    accuracies: dict[str, list[list[float]]] = {way: [] for way in WAYS}  # by count, by draw
    of_new: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    guesses: dict[str, np.ndarray] = {}
    for count in counts:
        for own in (*accuracies.values(), *of_new.values()):
            own.append([])
        for number in range(draws):
            rng = np.random.default_rng([seed, count, number])
            few = few_of_each(task.labels, count, rng)
            models = {FROZEN: learn_head(task.trained, features, few, rng)}
            models[UNFROZEN] = learn_all(models[FROZEN], task, few, steps[UNFROZEN], rng)
            models[SCRATCH] = learn_all(task.fresh, task, few, steps[SCRATCH], rng)
            for way, model in models.items():
                said = guesses_of(model, task.unseen)
                right = said == unseen.labels
                accuracies[way][-1].append(float(np.mean(right)))
                if task.never_met is not None:
                    of_new[way][-1].append(float(np.mean(right[unseen.labels == task.never_met])))
                if count == DRAWN_FROM:
                    guesses[way] = said
    print(table(accuracies, counts))
    if task.never_met is not None:
        print(f"of these the {classes[task.never_met]}s, which the trained network had never met:")
        print(table(of_new, counts))
    pictures = {"1_curve": draw_accuracies(accuracies, counts, len(classes))}
    pictures["2_features"] = draw_features(
        {
            "of a random network": features_of(task.fresh.backbone, task.unseen, settings),
            "of the trained network": unseen,
        },
        classes,
    )
    if guesses:
        pictures["3_guesses"] = draw_guesses(task, unseen.labels, guesses)
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def of_animals(
    rng: np.random.Generator, scenes: tuple[int, int, int] = (700, 400, 120), epochs: int = 6
) -> Task:
    """Five kinds of animals and people, for a network that learns four of them here and now."""
    settings = ClassifierSettings(size=SIZE, fit="stretch")
    before, known, unseen = (
        cut_out(classes, count, seed)
        for seed, (classes, count) in enumerate(zip((KNOWN, ALL, ALL), scenes, strict=True))
    )
    backbone = build_backbone("small", (STRIDES["small"],), frozen=False, rng=rng)
    network = Classifier(backbone, KNOWN, settings, rng=rng)
    fresh = with_classes(network, ALL, rng=rng)
    recipe = Recipe(epochs=epochs, batch_size=32, lr=0.05, weight_decay=5e-4)
    step, loader, sampling = recipe.begin(network, before, seed=0, transform=augmentation(SIZE))
    history = fit(step, loader, epochs=epochs, rng=sampling, progress=False)
    print(f"trained on {len(before)} pictures of {', '.join(KNOWN)}: ", end="")
    print(f"loss {history[0]['loss_classifier']:.2f}, then {history[-1]['loss_classifier']:.2f}")
    trained = with_classes(network, ALL, rng=rng)
    (new,) = (label for label, name in enumerate(ALL) if name not in KNOWN)
    return Task(trained, fresh, known, labels_of(known), unseen, new)


def cut_out(classes: Sequence[str], scenes: int, seed: int) -> Dataset:
    """The animals and people of drawn scenes, each cut out."""
    farm = Relabelled(Farmyard(scenes, seed=seed, objects=(1, 3), only=classes), classes)
    return Cached(ObjectCrops(Cached(farm, keep=("boxes", "labels"))))


def of_photographs(source: str, rng: np.random.Generator) -> Task:
    """The classes of a data set, for EfficientNet-Lite0 as published."""
    splits = open_data(source, ("label",))
    known, unseen = splits.train, splits.validation if splits.test is None else splits.test
    settings = ClassifierSettings(size=PHOTOGRAPHS, fit="stretch")
    networks = {}
    for name in STRIDES:
        backbone = build_backbone(name, (STRIDES[name],), frozen=name != "small", rng=rng)
        networks[name] = Classifier(backbone, known.classes, settings, rng=rng)
    trained = networks["efficientnet_lite0"]
    print(start_from(trained, "efficientnet_lite0", None))
    return Task(trained, networks["small"], Cached(known), labels_of(known), Cached(unseen))


def labels_of(dataset: Dataset) -> np.ndarray:
    """(N,) the class of each picture."""
    return np.array([dataset[index][1]["label"] for index in range(len(dataset))], np.int64)


def few_of_each(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The numbers of ``count`` pictures of each class.

    >>> few_of_each(np.array([0, 0, 0, 1]), 1, np.random.default_rng(0)).tolist()
    [2, 3]
    """
    of_each = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.concatenate([own[:count] for own in of_each])


def augmentation(size: int) -> Compose:
    """Pictures at the network's size, mirrored and moved: few look like more."""
    return Compose(
        [
            RandomSquare(size, "stretch", least_area=0.6),
            RandomHorizontalFlip(0.5),
            RandomShift(size // 12),
        ]
    )


def learn_head(
    trained: Classifier, features: Features, few: np.ndarray, rng: np.random.Generator
) -> Classifier:
    """A new last layer on the features of the few pictures; the rest stays."""
    model = with_classes(trained, trained.classes, rng=rng)
    fit_head(model.fc, Features(features.vectors[few], features.labels[few]), rng=rng)
    return model


def learn_all(
    start: Classifier, task: Task, few: np.ndarray, steps: int, rng: np.random.Generator
) -> Classifier:
    """All layers: at once from random weights, block by block from those of a trained network."""
    model = copy.deepcopy(start)
    own = Subset(task.known, few.tolist())
    recipe = Recipe(epochs=1, batch_size=BATCH, lr=0.05)
    size = task.trained.size
    _, loader, sampling = recipe.begin(
        model, own, seed=int(rng.integers(2**31)), transform=augmentation(size)
    )
    epochs = -(-steps // len(loader))
    from_scratch = start is task.fresh
    rate = 0.05 if from_scratch else 0.005  # what was learnt shall not be forgotten
    if not from_scratch:
        freeze(model.backbone)
    schedule = WarmupThen(CosineAnnealingLR(rate, epochs * len(loader)), steps // 10)
    step = GradientStep(model, SGD(model.parameters(), rate, momentum=0.9), schedule)
    if from_scratch:
        fit(step, loader, epochs=epochs, rng=sampling, progress=False)
    else:
        blocks = blocks_of(model.backbone)
        every = max(1, steps // (len(blocks) + 1))
        unfreezing = UnfreezingStep(step, blocks, every)
        fit(unfreezing, loader, epochs=epochs, rng=sampling, progress=False)
    return model.eval()


def guesses_of(model: Classifier, dataset: Dataset) -> np.ndarray:
    """(N,) the best class of each picture."""
    results = model.predict([dataset[index][0] for index in range(len(dataset))])
    return np.array([result["labels"][0] for result in results])


def table(accuracies: Mapping[str, Sequence[Sequence[float]]], counts: Sequence[int]) -> str:
    """A line for each way: the mean of the draws, and from the worst to the best.

    >>> print(table({"frozen": [[0.5, 0.75]]}, [1]))
    pictures of each class       1
    frozen                       0.625 (0.500-0.750)
    """
    lines = [f"{'pictures of each class':<29}" + "".join(f"{count:<22}" for count in counts)]
    for way, of_counts in accuracies.items():
        cells = [f"{np.mean(own):.3f} ({min(own):.3f}-{max(own):.3f})" for own in of_counts]
        lines.append(f"{way:<29}" + "".join(f"{cell:<22}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def draw_accuracies(
    accuracies: Mapping[str, Sequence[Sequence[float]]], counts: Sequence[int], classes: int
) -> Image.Image:
    """The learning curve of each way, on a logarithmic axis."""
    places = [float(np.log(count)) for count in counts]
    curves = {way: (places, [float(np.mean(own)) for own in accuracies[way]]) for way in accuracies}
    curves["guessing"] = (places, [1 / classes] * len(places))
    return draw_curves(
        {"Unseen pictures that are right": curves},
        "pictures of each class to learn from",
        x_names={place: str(count) for place, count in zip(places, counts, strict=True)},
    )


def in_a_plane(vectors: np.ndarray) -> np.ndarray:
    """(N, C) as (N, 2): the two directions in which they spread most (principal components).

    >>> line = np.array([[0.0, 0, 0], [1, 1, 0], [2, 2, 0]])
    >>> np.abs(in_a_plane(line)).round(3).tolist()
    [[1.414, 0.0], [0.0, 0.0], [1.414, 0.0]]
    """
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:2].T


def draw_features(tables: Mapping[str, Features], classes: Sequence[str]) -> Image.Image:
    """A dot for each unseen picture, in the colour of its class; a panel for each network."""
    side, margin = 420, 24
    panels = []
    colours = [LINE_COLOURS[label % len(LINE_COLOURS)] for label in range(len(classes))]
    for features in tables.values():
        points = in_a_plane(features.vectors[:, 0])
        low, high = points.min(axis=0), points.max(axis=0)
        places = margin + (points - low) / np.maximum(high - low, 1e-12) * (side - 2 * margin)
        canvas = Canvas(Image.new("RGB", (side, side), WHITE))
        canvas.frame((0, 0, side, side), PALE, 2)
        for place, label in zip(places.tolist(), features.labels.tolist(), strict=True):
            canvas.disc(place, 4.2, WHITE)
            canvas.disc(place, 3.4, colours[label])
        panels.append(canvas.finish())
    captions = [f"Features {of}\none dot for each unseen picture" for of in tables]
    entries = [LegendEntry(colour, name) for colour, name in zip(colours, classes, strict=True)]
    return with_legend(contact_sheet(panels, captions, columns=2), entries, margin=28)


def draw_guesses(
    task: Task, labels: np.ndarray, guesses: Mapping[str, np.ndarray], most: int = 16
) -> Image.Image:
    """Unseen pictures, and what two networks say that have seen the same few of each class."""
    classes, size = task.trained.classes, 130
    tiles, captions = [], []
    for number in (np.arange(most) * len(labels) // most).tolist():
        image = square(task.unseen[number][0], size, "stretch")
        said = {way: int(guesses[way][number]) for way in (FROZEN, SCRATCH)}
        canvas = Canvas(Image.new("RGB", (size, size + 50), WHITE))
        canvas.paste(to_picture(image), (0, 0))
        for line, (way, label) in enumerate(said.items()):
            right = label == labels[number]
            name = {FROZEN: "transfer", SCRATCH: "scratch"}[way]
            colour = LINE_COLOURS[2 if right else 1]
            canvas.text((0, size + 6 + 21 * line), f"{name}:", 14, GREY)
            canvas.text((66, size + 6 + 21 * line), classes[label], 14, colour)
        tiles.append(canvas.finish())
        captions.append("")
    title = f"Learnt from {DRAWN_FROM} pictures of each class: right is green, wrong is red"
    return contact_sheet(tiles, captions, columns=8, title=title, gap=14)


if __name__ == "__main__":
    main()
