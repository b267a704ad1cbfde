"""FCN-32s, 16s, 8s: what is there from the deep map, where it is from the shallow ones.

The deepest map of a network that halves the image five times has a cell for 32 x 32 pixels. Enlarge
its scores at once, and things come out as blobs: FCN-32s. FCN-16s adds the scores of the map above,
of stride 16, before it enlarges, and FCN-8s also those of stride 8. As in the paper they are
trained one after another, each from the weights of the one before. The new score layers start at
zero, so that a network begins where the one before it ended.

    python examples/04_fcn_32s_16s_8s.py

It prints mean IoU and boundary IoU, which looks only at pixels near a border, on unseen scenes. An
FCN-32s that is trained on for as long as the two others together shows what comes from the skips,
and what from longer training alone. The pictures are scene.png and, enlarged, borders.png.

Source: Long, Shelhamer & Darrell, Fully convolutional networks for semantic segmentation (CVPR
2015), sections 4.2 and 4.3.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import border_window, draw_label_maps
from minicv.metrics import boundary_iou, segmentation_values
from minicv.models.backbones import SmallBackbone
from minicv.models.segmentation import FCN8s, FCN16s, FCN32s, Segmenter
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.training import GradientStep, fit

CLASSES = Farmyard.segmentation_classes
NEAR = 2  # pixels from a border that boundary IoU looks at, 1 % of the diagonal
WIDTH = 24  # channels of the backbone's first layer


class Measured(NamedTuple):
    """Of one network on unseen scenes; `label_maps` (H, W) are what it predicted."""

    epochs: int
    seconds: float
    mean_iou: float
    boundary_iou: float
    label_maps: list[np.ndarray]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/04_fcn_32s_16s_8s")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path, seed: int, scenes: tuple[int, int] = (480, 40), epochs: int = 5, size: int = 128
) -> None:
    """Train, measure, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, size=(size, size), seed=own_seed), keep=("segmentation", "image_id"))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    measured = train_one_after_another(known, unseen, epochs, seed)
    print(f"{'':<24}{'epochs':>7}{'seconds':>9}{'mean IoU':>10}{'boundary IoU':>14}")
    for name, own in measured.items():
        row = f"{name:<24}{own.epochs:>7}{own.seconds:>9.0f}"
        print(f"{row}{own.mean_iou:>10.3f}{own.boundary_iou:>14.3f}")
    for name, picture in draw(unseen, measured).items():
        picture.save(out / name)
    print(f"pictures in {out.resolve()}: scene.png, borders.png")


def train_one_after_another(known: Any, unseen: Any, epochs: int, seed: int) -> dict[str, Measured]:
    """FCN-32s for some epochs; FCN-16s from its weights for half as many; FCN-8s likewise."""
    further = max(1, epochs // 2)
    measured: dict[str, Measured] = {}

    def stage(name: str, model: Segmenter, epochs: int, lr: float) -> None:
        started = time.perf_counter()
        train(model, known, epochs, lr, seed)
        measured[name] = measure(model, unseen, epochs, time.perf_counter() - started)

    fcn32s = new(FCN32s, seed)
    stage("FCN-32s", fcn32s, epochs, lr=2e-3)
    fcn16s = new(FCN16s, seed)
    fcn16s.load_state_dict(fcn32s.state_dict(), strict=False)  # it has layers that FCN-32s lacks
    stage("FCN-16s, from FCN-32s", fcn16s, further, lr=1e-3)
    fcn8s = new(FCN8s, seed)
    fcn8s.load_state_dict(fcn16s.state_dict(), strict=False)
    stage("FCN-8s, from FCN-16s", fcn8s, further, lr=1e-3)
    stage("FCN-32s, trained on", fcn32s, 2 * further, lr=1e-3)
    return measured


def new(kind: type[Segmenter], seed: int) -> Segmenter:
    """With random weights, on a backbone of nine 3x3 convolutions."""
    rng = np.random.default_rng(seed)
    return kind(SmallBackbone(WIDTH, (8, 16, 32), rng=rng), CLASSES, rng=rng)


def train(model: Segmenter, scenes: Any, epochs: int, lr: float, seed: int) -> None:
    """Adam, a short warm-up, half a cosine wave; scenes are mirrored at random."""
    rng = np.random.default_rng(seed)
    loader = DataLoader(
        scenes, batch_size=8, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
    )
    schedule = WarmupThen(CosineAnnealingLR(lr, epochs * len(loader)), warmup_steps=10)
    parameters = [p for p in model.parameters() if p.requires_grad]  # the last layer is fixed
    step = GradientStep(model, Adam(parameters, lr=lr), schedule)
    fit(step, loader, epochs=epochs, rng=rng)


def measure(model: Segmenter, scenes: Any, epochs: int, seconds: float) -> Measured:
    """Label all scenes and compare with the truth."""
    images, targets = zip(*(scenes[i] for i in range(len(scenes))), strict=True)
    predictions = model.predict(images)
    return Measured(
        epochs,
        seconds,
        segmentation_values(predictions, targets, len(CLASSES)).mean_iou,
        boundary_iou(predictions, targets, len(CLASSES), NEAR).mean_iou,
        [prediction["segmentation"] for prediction in predictions],
    )


def draw(scenes: Any, measured: dict[str, Measured]) -> dict[str, Image.Image]:
    """The scene with FCN-8s' median mean IoU, and enlarged the square with the longest borders."""
    truths = [scenes[i][1] for i in range(len(scenes))]
    ious = [
        segmentation_values([{"segmentation": labels}], [truth], len(CLASSES)).mean_iou
        for labels, truth in zip(measured["FCN-8s, from FCN-16s"].label_maps, truths, strict=True)
    ]
    number = int(np.argsort(ious)[len(ious) // 2])
    image, truth = scenes[number][0], truths[number]["segmentation"]
    label_maps = {
        f"{name}\non all scenes mean IoU {own.mean_iou:.2f}, boundary IoU {own.boundary_iou:.2f}":
            own.label_maps[number]
        for name, own in measured.items()
    }  # fmt: skip
    label_maps["Truth"] = truth
    rows, columns = border_window(truth, side=truth.shape[0] // 2)
    enlarged = {name: label_map[rows, columns] for name, label_map in label_maps.items()}
    colours = Farmyard.segmentation_colors
    title = "The finer the map that is added, the finer the borders"
    return {
        "scene.png": draw_label_maps(image, label_maps, CLASSES, colours, title=title),
        "borders.png": draw_label_maps(
            image[:, rows, columns], enlarged, CLASSES, colours, title=f"{title}; enlarged"
        ),
    }


if __name__ == "__main__":
    main()
