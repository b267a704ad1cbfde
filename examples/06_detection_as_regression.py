"""Detection as regression: one box an image works; with several objects it lies between them.

A network that names the object of an image needs only four numbers more to say where it is: it
learns them by L2, beside the softmax for the class. But the number of outputs does not depend on
the image. Where there are two objects, the same four numbers have to fit two boxes, and the least
L2 loss is at the mean of the two boxes, which fits neither.

    python examples/06_detection_as_regression.py

It trains one network on drawn scenes with one object each, and another of the same kind on scenes
with two or three. It prints the mean IoU of the box with the nearest object, on unseen scenes of
both kinds, and with the mean of all boxes on those with several. The pictures are one_object.png
and several_objects.png.

Source: Szegedy et al., Deep neural networks for object detection (NIPS 2013); Sermanet et al.,
OverFeat (ICLR 2014), section 4.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard, Subset
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import contact_sheet, draw_detections
from minicv.inspection.localization import draw_localization
from minicv.models.backbones import SmallBackbone
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.training import GradientStep, fit
from minicv.vision import box_iou

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
KINDS = {"one object": (1, 1), "two or three objects": (2, 3)}
SHOWN = 6  # scenes on each picture


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/06_detection_as_regression")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path, seed: int, scenes: tuple[int, int] = (600, 60), epochs: int = 12, size: int = 64
) -> None:
    """Train a network on each kind of scenes, test each on both, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    unseen = {kind: scenes_of(kind, scenes[1], 2 * seed + 1, size) for kind in KINDS}
    print(f"{'mean IoU of the box':<31}{'one object':>12}{'two or three':>14}{'their mean':>12}")
    for kind in KINDS:
        model = train(scenes_of(kind, scenes[0], 2 * seed, size), epochs, seed, size)
        one, several = (mean_iou(model, unseen[tested])[0] for tested in KINDS)
        between = mean_iou(model, unseen["two or three objects"])[1]
        print(f"trained on {kind:<20}{one:>12.3f}{several:>14.3f}{between:>12.3f}")
        name = "one_object.png" if kind == "one object" else "several_objects.png"
        draw(model, unseen[kind], kind).save(out / name)
    print(f"pictures in {out.resolve()}: one_object.png, several_objects.png")


def scenes_of(kind: str, count: int, seed: int, size: int) -> Any:
    """Scenes that really have so many objects; one that is hidden by others is not drawn."""
    least, most = KINDS[kind]
    drawn = Cached(Farmyard(count, (size, size), seed, objects=(least, most)), keep=LABELS)
    right = [i for i in range(count) if least <= len(drawn[i][1]["boxes"]) <= most]
    return Subset(drawn, right)


def train(scenes: Any, epochs: int, seed: int, size: int) -> SingleObjectDetector:
    """Adam, a short warm-up, half a cosine wave; scenes are mirrored at random."""
    rng = np.random.default_rng(seed)
    # No dropout for so small a network; and all cells of the feature map, since a pooled one
    # would not know well where things are.
    settings = SingleObjectSettings(
        size=size, pooled_size=size // 8, units=128, dropout=0.0, box_weight=20.0
    )
    model = SingleObjectDetector(SmallBackbone(16, rng=rng), CLASSES, settings, rng=rng)
    loader = DataLoader(
        scenes, batch_size=8, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
    )
    schedule = WarmupThen(CosineAnnealingLR(1e-3, epochs * len(loader)), warmup_steps=30)
    step = GradientStep(model, Adam(model.parameters(), lr=1e-3), schedule)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return model


def mean_iou(model: SingleObjectDetector, scenes: Any) -> tuple[float, float]:
    """Of the box of each scene with the nearest object, and with the mean of all its objects."""
    best, between = [], []
    images, targets = zip(*(scenes[i] for i in range(len(scenes))), strict=True)
    for found, truth in zip(model.predict(images), targets, strict=True):
        box = found["boxes"][:1]  # the same for all classes
        best.append(box_iou(box, truth["boxes"]).max(initial=0.0))
        mean_box = truth["boxes"].mean(axis=0, keepdims=True)  # (N, 4) -> (1, 4)
        between.append(box_iou(box, mean_box).max(initial=0.0))
    return float(np.mean(best)), float(np.mean(between))


def draw(model: SingleObjectDetector, scenes: Any, kind: str) -> Image.Image:
    """The first scenes: the truth above, the one box of the network below."""
    count = min(SHOWN // 2, len(scenes))
    images, targets = zip(*(scenes[i] for i in range(count)), strict=True)
    found = model.predict(images)
    truths = [
        draw_detections(image, truth["boxes"], truth["labels"], None, CLASSES)
        for image, truth in zip(images, targets, strict=True)
    ]
    answers = [
        draw_localization(image, own, CLASSES) for image, own in zip(images, found, strict=True)
    ]
    captions = ["Truth"] * count
    for own, truth in zip(found, targets, strict=True):
        best = box_iou(own["boxes"][:1], truth["boxes"]).max(initial=0.0)
        captions.append(f"Regression\nIoU with the nearest object {best:.2f}")
    title = f"Four numbers for the box: scenes with {kind}"
    return contact_sheet([*truths, *answers], captions, columns=count, title=title)


if __name__ == "__main__":
    main()
