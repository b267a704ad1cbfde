"""Convolutions at full resolution, or down and up again: time, memory, and what is learned.

A stack of convolutions labels every pixel in one pass, but each 3x3 layer sees one pixel further
only, and works on every pixel: to see a whole thing the stack must be deep, and deep is dear. A
network that halves its maps sees twice as far with each layer from there on, and has a quarter of
the work; then its maps must be brought back. Both networks here have seven 3x3 convolutions.

    python examples/02_full_resolution_vs_down_and_up.py

It measures both, trains both for the same time, and prints for each how many pixels a side it sees,
multiplications for a pixel, seconds and memory of a training step, seconds to label an image, and
mean IoU on unseen scenes. The picture is labels.png.
"""

from __future__ import annotations

import argparse
import copy
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv import Tensor
from minicv.data import Cached, DataLoader, Farmyard, Subset
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import draw_label_maps
from minicv.metrics import SegmentationMetric
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.segmentation import (
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
    Segmenter,
)
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.training import GradientStep, evaluate, fit

CLASSES = Farmyard.segmentation_classes
BATCH = 8


@dataclass
class Measured:
    """What one network costs and can do; memory in MB of 10^6 bytes."""

    sees: int
    parameters: int
    multiplications: int
    step_seconds: float
    step_memory: float
    steps: int = 0
    training_seconds: float = 0.0
    predict_seconds: float = 0.0
    mean_iou: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/02_full_resolution_vs_down_and_up")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    parser.add_argument(
        "--seconds", type=float, default=55, help="of training for each network; default 55"
    )
    options = parser.parse_args(arguments)
    run(options.out, options.seed, options.seconds)


def run(
    out: Path, seed: int, seconds: float, scenes: tuple[int, int] = (400, 40), size: int = 96
) -> None:
    """Measure, train, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, size=(size, size), seed=own_seed), keep=("segmentation", "image_id"))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    batch = [known[i] for i in range(len(known))][:BATCH]  # all are drawn now, so none later
    models = {
        "full resolution": FullResolution(
            CLASSES, FullResolutionSettings(width=16, depth=7), rng=np.random.default_rng(seed)
        ),
        "down and up": EncoderDecoder(
            CLASSES,
            EncoderDecoderSettings(upsampling="transposed", widths=(16, 32, 64)),
            rng=np.random.default_rng(seed),
        ),
    }
    measured = {}
    for name, model in models.items():
        own = measured[name] = measure(model, batch)
        own.steps = max(1, round(seconds / own.step_seconds))
        started = time.perf_counter()
        train(model, known, own.steps, np.random.default_rng(seed))
        own.training_seconds = time.perf_counter() - started
        own.mean_iou, own.predict_seconds = label(model, unseen)
    print(table(measured))
    ious = [label(model, [scene])[0] for scene in unseen]  # of the last model
    middling = int(np.argsort(ious)[len(unseen) // 2])
    draw(*unseen[middling], models, measured).save(out / "labels.png")
    print(f"picture in {out.resolve()}: labels.png")


def measure(model: Segmenter, batch: list[tuple[np.ndarray, dict]]) -> Measured:
    """What the network costs, before it is trained; leaves its weights as they are."""
    images, targets = zip(*batch, strict=True)
    pixels = sum(image[0].size for image in images)

    def step() -> None:
        """Forward and backward, as in training."""
        loss = model.loss(images, targets)["loss_pixels"]
        loss.backward()
        model.zero_grad()

    model.train()
    with counting_multiplications(model) as count:
        step()
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    tracemalloc.start()  # NumPy tells it of every array
    step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Measured(
        sees=field_of_view(model, images[0].shape[1:]),
        parameters=sum(parameter.size for parameter in model.parameters()),
        multiplications=count.multiplications // pixels,
        step_seconds=float(np.median(seconds)),
        step_memory=peak / 1e6,
    )


def field_of_view(model: Segmenter, size: tuple[int, int]) -> int:
    """Rows on which the scores of the middle pixel depend: those that its gradient reaches."""
    # In float64 rounding errors, which fast convolutions spread further, are far below gradients.
    # In evaluation, since batch normalisation in training joins all pixels.
    model = copy.deepcopy(model).astype(np.float64).eval()
    x = Tensor(np.random.default_rng(0).normal(size=(1, 3, *size)), requires_grad=True)
    y = model(x)  # (1, 3, H, W) -> (1, K, H, W)
    one = np.zeros_like(y.data)
    one[:, :, size[0] // 2, size[1] // 2] = 1
    y.backward(one)
    reach = np.abs(x.grad).max(axis=(0, 1, 3))  # (1, 3, H, W) -> (H,)
    rows = np.flatnonzero(reach > 1e-10 * reach.max())
    return int(rows.max() - rows.min()) + 1


def train(model: Segmenter, scenes: Any, steps: int, rng: np.random.Generator) -> None:
    """So many steps of Adam, over the scenes again and again."""
    drawn = Subset(scenes, np.arange(steps * BATCH) % len(scenes))
    loader = DataLoader(drawn, BATCH, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5))
    schedule = WarmupThen(CosineAnnealingLR(3e-3, steps), warmup_steps=min(10, steps))
    step = GradientStep(model, Adam(model.parameters(), lr=3e-3), schedule)
    fit(step, loader, epochs=1, rng=rng)


def label(model: Segmenter, scenes: Any) -> tuple[float, float]:
    """Mean IoU of all scenes together, and the seconds of one."""
    values, seconds = evaluate(model, scenes, SegmentationMetric(CLASSES))
    return values["mIoU"], seconds


def table(measured: dict[str, Measured]) -> str:
    """A column for each network."""
    lines = [f"{'':<34}" + "".join(f"{name:>18}" for name in measured)]
    rows = {
        "sees, pixels a side": lambda m: f"{m.sees}",
        "parameters": lambda m: f"{m.parameters:,}",
        "multiplications for a pixel": lambda m: f"{m.multiplications:,}",
        f"training step of {BATCH}, seconds": lambda m: f"{m.step_seconds:.2f}",
        f"training step of {BATCH}, memory in MB": lambda m: f"{m.step_memory:.0f}",
        "training, seconds": lambda m: f"{m.training_seconds:.0f}",
        "training, steps": lambda m: f"{m.steps}",
        "one image labelled, seconds": lambda m: f"{m.predict_seconds:.3f}",
        "mean IoU on unseen scenes": lambda m: f"{m.mean_iou:.3f}",
    }
    for row, text in rows.items():
        lines.append(f"{row:<34}" + "".join(f"{text(own):>18}" for own in measured.values()))
    return "\n".join(lines)


def draw(
    image: np.ndarray, target: dict, models: dict[str, Segmenter], measured: dict[str, Measured]
) -> Image.Image:
    """The image, the truth, and what each network makes of it."""
    label_maps = {"Truth": target["segmentation"]}
    for name, model in models.items():
        own = measured[name]
        note = f"sees {own.sees} pixels a side; mean IoU {own.mean_iou:.2f} on all scenes"
        label_maps[f"{name.capitalize()}\n{note}"] = model.predict([image])[0]["segmentation"]
    seconds = " and ".join(f"{own.training_seconds:.0f}" for own in measured.values())
    title = f"Seven 3x3 convolutions each, trained for {seconds} seconds"
    colours = Farmyard.segmentation_colors
    return draw_label_maps(image, label_maps, CLASSES, colours, columns=2, title=title)


if __name__ == "__main__":
    main()
