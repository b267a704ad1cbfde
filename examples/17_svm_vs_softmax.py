"""Softmax or SVM: two losses for the same scores, and which points they look at.

Both losses want the true class to lead. With the lead as the score of the true class less that of
another class, of two classes the losses are

    SVM       max(0, 1 - lead)        content from a lead of 1 on: no loss, no gradient
    softmax   log(1 + exp(-lead))     never quite content

So an SVM is decided by the points near its boundary alone, its support vectors. A softmax is pulled
by all points, though hardly by far ones.

    python examples/17_svm_vs_softmax.py

First, points in the plane: three classes, a linear classifier by each loss. Then 200 points more of
one class, all of them beyond its margin: the boundary by softmax gives way to the crowd, that of
the SVM stays where it was. It prints which share of the plane changes its class.

Second, pictures: a ConvNet learns the animals and people of drawn scenes, and both losses train a
last layer on its features, the same ones. It prints accuracies, and how many pictures of the
training set still have a gradient.

The pictures: the two losses, the boundaries in the plane, and unseen pictures that are near to a
boundary.

Source: Weston & Watkins 1999 for the SVM of many classes; CS231n, Linear classification.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.data import Cached, Farmyard, Transformed
from minicv.data.object_crops import ObjectCrops
from minicv.data.transforms.square import square
from minicv.inspection import contact_sheet, draw_curves
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.classification import draw_class_bars
from minicv.inspection.palette import INK, WHITE, class_colour, mix
from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.photographs import normalised_batch
from minicv.nn import Linear
from minicv.optim import Adam
from minicv.tasks.classification import ClassificationRecipe
from minicv.training import fit

SOFTMAX, SVM = LOSSES = ("softmax", "SVM")
POINTS = 40  # of each class in the plane
MORE = 200  # points of one class, beyond its margin
PULL = 0.03  # towards small weights, without which a softmax would grow for ever
STEPS = 1600  # of a last layer
HALF = 3.2  # the plane that is drawn: -3.2 to 3.2
SIDE = 400  # of a picture of it, pixels
CROP = 48  # side of a picture of one object, pixels
SHOWN = 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/17_svm_vs_softmax")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (300, 80), epochs: int = 10) -> None:
    """Both experiments; print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        scenes: whose objects are learnt, and unseen ones.
        epochs: of the ConvNet.
    """
    out.mkdir(parents=True, exist_ok=True)
    draw_losses().save(out / "1_losses.png")
    plane(seed).save(out / "2_boundaries.png")
    pictures(seed, scenes, epochs).save(out / "3_pictures.png")
    print(f"pictures in {out.resolve()}: 1_losses.png, 2_boundaries.png, 3_pictures.png")


class Points(NamedTuple):
    """Features (N, D) float32 and labels (N,)."""

    features: np.ndarray
    labels: np.ndarray


def loss_of(name: str, scores: Tensor, labels: np.ndarray) -> Tensor:
    """The loss summed over all points: one that is content adds nothing, and takes no weight."""
    if name == SVM:
        return F.multiclass_hinge(scores, labels, reduction="sum")
    return F.softmax_cross_entropy(scores, labels, reduction="sum")


def last_layer(name: str, points: Points, classes: int, steps: int | None = None) -> Linear:
    """A linear classifier of these features by that loss, from weights of 0.

    The sum of the losses, and half of ``PULL`` times N0 times the squared weights, where N0 is the
    number of points before more were added: so more points change nothing but their own loss.
    """
    steps = STEPS if steps is None else steps
    layer = Linear(points.features.shape[1], classes, rng=np.random.default_rng(0))
    layer.load_state_dict({k: np.zeros_like(v) for k, v in layer.state_dict().items()})
    optimizer = Adam(layer.parameters(), lr=0.05)
    x = Tensor(points.features)
    for step in range(steps):
        optimizer.set_lr(0.05 * (1 - step / steps))
        optimizer.zero_grad()
        price = (layer.weight * layer.weight).sum() * (PULL * POINTS * classes / 2)
        (loss_of(name, layer(x), points.labels) + price).backward()
        optimizer.step()
    return layer


def scores_of(layer: Linear, features: np.ndarray) -> np.ndarray:
    """(N, K)."""
    with no_grad():
        scores: np.ndarray = layer(Tensor(features.astype(np.float32))).data
    return scores


def leads(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,): the score of the true class less that of the best other one.

    >>> leads(np.array([[3.0, 1.0, 2.5], [0.0, 4.0, 1.0]]), np.array([0, 2])).tolist()
    [0.5, -3.0]
    """
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    return scores[rows, labels] - others.max(axis=1)


# 1. The plane.


def plane(seed: int) -> Image.Image:
    """Two sets of points, two losses: the boundaries, and how far they move."""
    few = three_classes(seed)
    svm = last_layer(SVM, few, 3)
    many = with_crowd(few, svm, seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-HALF, HALF, 120)] * 2), -1).reshape(-1, 2)
    tiles, captions = [], []
    moved = {}
    for name in LOSSES:
        first, second = layers = [last_layer(name, points, 3) for points in (few, many)]
        before, after = (scores_of(layer, grid).argmax(axis=1) for layer in layers)
        moved[name] = float((before != after).mean())
        tiles += [draw_plane(few, first), draw_plane(many, second, earlier=first)]
        captions += [
            f"{name}\nringed: the points that lead by less than 1; dashed: a lead of 1",
            f"{name}, with the crowd\n{moved[name]:.1%} of the plane has another class; black: the "
            "boundary as it was",
        ]
    print(f"{MORE} points more of one class, beyond its margin; of the plane changes its class")
    for name, share in moved.items():
        print(f"  {name:<8} {share:6.1%}")
    order = [0, 2, 1, 3]  # one loss beside the other
    return contact_sheet(
        [tiles[i] for i in order],
        [captions[i] for i in order],
        columns=2,
        title="A crowd beyond the margin moves a softmax, not an SVM",
    )


def three_classes(seed: int) -> Points:
    """Three clouds of points that overlap a little."""
    rng = np.random.default_rng(seed)
    centres = np.array([[-1.3, -0.8], [1.3, -0.8], [0.0, 1.4]])
    features = np.concatenate([rng.normal(centre, 0.6, (POINTS, 2)) for centre in centres])
    return Points(features.astype(np.float32), np.repeat([0, 1, 2], POINTS))


def with_crowd(points: Points, svm: Linear, seed: int) -> Points:
    """The points, and `MORE` of class 0 to which this SVM gives a lead of 1.1 to 2.5."""
    candidates = np.random.default_rng(seed + 1).uniform(-HALF, HALF, (20_000, 2))
    lead = leads(scores_of(svm, candidates), np.zeros(len(candidates), np.int64))
    crowd = candidates[(lead > 1.1) & (lead < 2.5)][:MORE].astype(np.float32)
    return Points(
        np.concatenate([points.features, crowd]),
        np.concatenate([points.labels, np.zeros(len(crowd), np.int64)]),
    )


def draw_plane(points: Points, layer: Linear, earlier: Linear | None = None) -> Image.Image:
    """The class of each place in pale colours, the lead of 1 dashed, and the points; in black the
    boundary of an earlier layer."""
    places = (np.arange(SIDE) + 0.5) / SIDE * 2 * HALF - HALF
    x, y = np.meshgrid(places, -places)
    at = np.stack([x, y], -1).reshape(-1, 2)
    scores = scores_of(layer, at)
    best = scores.argmax(axis=1)
    pale = np.array([mix(class_colour(k), WHITE, 0.65) for k in range(3)], np.uint8)
    pixels = pale[best].reshape(SIDE, SIDE, 3)
    dashes = np.add.outer(np.arange(SIDE), np.arange(SIDE)) // 6 % 2 == 0
    pixels[edges(leads(scores, best).reshape(SIDE, SIDE) > 1) & dashes] = INK
    if earlier is not None:
        pixels[edges(scores_of(earlier, at).argmax(axis=1).reshape(SIDE, SIDE), 2)] = INK
    canvas = Canvas(Image.fromarray(pixels))
    near = leads(scores_of(layer, points.features), points.labels) < 1
    for (px, py), label, is_near in zip(points.features, points.labels, near, strict=True):
        centre = ((px + HALF) / (2 * HALF) * SIDE, (HALF - py) / (2 * HALF) * SIDE)
        canvas.disc(centre, 5.2 if is_near else 4, INK if is_near else WHITE)
        canvas.disc(centre, 3.6 if is_near else 3, class_colour(int(label)))
    return canvas.finish()


def edges(labels: np.ndarray, width: int = 1) -> np.ndarray:
    """(H, W) bool: where a label differs from that above it or to its left.

    >>> edges(np.array([[0, 0, 1]])).tolist()
    [[False, False, True]]
    """
    edge = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        edge[step:] |= labels[step:] != labels[:-step]
        edge[:, step:] |= labels[:, step:] != labels[:, :-step]
    return edge


def draw_losses() -> Image.Image:
    """Both losses over the lead of the true class, of two classes."""
    lead = np.linspace(-2, 4, 121)
    curves = {
        SOFTMAX: (lead, np.log1p(np.exp(-lead))),
        SVM: (lead, np.maximum(0, 1 - lead)),
    }
    return draw_curves(
        {"Loss of one point, of two classes": curves}, x_label="lead", size=(900, 460)
    )


# 2. Pictures.


def pictures(seed: int, scenes: tuple[int, int], epochs: int) -> Image.Image:
    """A ConvNet's features, both losses upon them: accuracies, and where they differ most."""
    known, unseen = (crops(count, 2 * seed + part) for part, count in enumerate(scenes))
    model = convnet(known, seed, epochs)
    train, test = (features_of(model, part) for part in (known, unseen))
    classes = known.classes
    print(f"{len(train.labels)} pictures to learn from, {len(test.labels)} unseen; on the same")
    print(f"{'features, by':<14}{'learnt':>8}{'unseen':>8}{'with a gradient':>18}")
    layers = {}
    for name in LOSSES:
        layers[name] = layer = last_layer(name, train, len(classes))
        right = [
            float((scores_of(layer, part.features).argmax(axis=1) == part.labels).mean())
            for part in (train, test)
        ]
        lead = leads(scores_of(layer, train.features), train.labels)
        pulling = int((lead < 1).sum()) if name == SVM else len(lead)
        print(f"{name:<14}{right[0]:>8.3f}{right[1]:>8.3f}{f'{pulling} of {len(lead)}':>18}")
    return draw_differences(layers, test, unseen)


def crops(scenes: int, seed: int) -> Cached:
    """The objects of drawn scenes, each a square picture."""
    cut = ObjectCrops(Cached(Farmyard(scenes, (96, 96), seed), keep=("boxes", "labels")))
    return Cached(
        Transformed(cut, lambda image, target, rng: (square(image, CROP, "stretch"), target)),
        most=len(cut),
    )


def convnet(known: Cached, seed: int, epochs: int) -> Classifier:
    """Trained by softmax, as usual."""
    rng = np.random.default_rng(seed)
    settings = ClassifierSettings(size=CROP, fit="stretch")
    model = Classifier(SmallBackbone(16, (8,), rng=rng), known.classes, settings, rng=rng)
    recipe = ClassificationRecipe(epochs, batch_size=16, lr=0.05, jitter=0.0, least_area=1.0)
    augmentation = recipe.augmentation(settings)
    step, loader, sampling = recipe.begin(model, known, seed=seed, transform=augmentation)
    fit(step, loader, epochs=epochs, rng=sampling, progress=False)
    return model.eval()


def features_of(model: Classifier, crops: Cached) -> Points:
    """What the last layer of the ConvNet sees: the means of its feature maps."""
    features = []
    with no_grad():
        for start in range(0, len(crops), 64):
            part = [crops[i][0] for i in range(start, min(start + 64, len(crops)))]
            pixels = Tensor(normalised_batch(part, model.mean, model.std))
            features.append(F.mean(model.backbone(pixels)[-1], dim=(2, 3)).data)
    labels = np.array([crops[i][1]["label"] for i in range(len(crops))])
    return Points(np.concatenate(features), labels)


def draw_differences(layers: dict[str, Linear], test: Points, unseen: Cached) -> Image.Image:
    """Unseen pictures with the scores of both: first those of which one alone is right, then the
    nearest to the SVM's boundary."""
    scores = {name: scores_of(layer, test.features) for name, layer in layers.items()}
    lead = {name: leads(own, test.labels) for name, own in scores.items()}
    agree = (lead[SOFTMAX] > 0) == (lead[SVM] > 0)
    order = np.lexsort((np.abs(lead[SVM]), agree))[:SHOWN]
    tiles, captions = [], []
    for index in order.tolist():
        picture = to_picture(unseen[index][0]).resize((200, 200), Image.Resampling.BICUBIC)
        sides = [picture]
        for name in LOSSES:
            own = scores[name][index]
            best = np.argsort(-own, kind="stable")[:3].tolist()
            rows = [(unseen.classes[k], float(own[k])) for k in best]
            sides.append(draw_class_bars(rows, longest=None, width=190))
        name = unseen.classes[int(test.labels[index])]
        captions.append(f"{name}\nscores by softmax, and by the SVM")
        tiles.append(contact_sheet(sides, columns=3, tile_width=200, margin=0, gap=14))
    return contact_sheet(tiles, captions, columns=2, title="Unseen pictures, the same features")


if __name__ == "__main__":
    main()
