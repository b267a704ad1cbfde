"""Max unpooling keeps edges where nearest-neighbour upsampling does not.

Two small encoder-decoders, alike in everything but the step up: "nearest" fills each 2x2 block with
one value, "max_unpool" puts it where the strongest response of the block had been in the encoder.
They start from the very same weights, see the same scenes in the same order, and are compared on
unseen scenes by mean IoU, which looks at whole regions, and by boundary IoU, which looks only at
pixels within one or two of a border. One run decides nothing: the pair is trained from several
seeds.

A border counts as found only between the right classes. After so short a training neither network
tells a cow from a dog well, and max unpooling does worse at that: three quarters of its maps are
zeros, which a single convolution has to fill in. (Bed of nails, whose maps have as many zeros, lags
as well.) So all is measured twice: with all eight classes, and with the four animals and people as
one class, which shows where the borders are apart from what they are borders of.

    python examples/05_max_unpooling_keeps_edges.py

It prints the metrics of every run, and the mean differences with their standard errors. The
pictures are scene.png and, enlarged, borders.png.

Source: Noh, Hong & Han, Learning deconvolution network for semantic segmentation (ICCV 2015),
section 3.2; Badrinarayanan, Kendall & Cipolla, SegNet (TPAMI 2017), section 3.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import border_window, draw_label_maps
from minicv.metrics import boundary_iou, segmentation_values
from minicv.models.segmentation import EncoderDecoder, EncoderDecoderSettings, Segmenter
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.training import GradientStep, fit

CLASSES = Farmyard.segmentation_classes
WAYS = ("nearest", "max_unpool")
THINGS = len(Farmyard.classes)  # cow, cat, dog, duck, person; then sky, tree, grass
MERGED = np.array([0] * THINGS + [1, 2, 3])  # thing, sky, tree, grass
NEAR = (1, 2)  # pixels from a border that boundary IoU looks at
WIDTHS = (16, 32, 64)  # channels before each of the three poolings


class Measured(NamedTuple):
    """Of one network on unseen scenes.

    Attributes:
        numbers: mean IoU and boundary IoU for each of `NEAR`, of all classes and with things as
            one.
        label_maps: (H, W), what it predicted.
    """

    numbers: np.ndarray
    label_maps: list[np.ndarray]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/05_max_unpooling_keeps_edges")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="the first of the seeds; default 0")
    parser.add_argument("--pairs", type=int, default=2, help="so many seeds; default 2")
    options = parser.parse_args(arguments)
    run(options.out, options.seed, options.pairs)


def run(
    out: Path,
    seed: int,
    pairs: int,
    scenes: tuple[int, int] = (300, 60),
    epochs: int = 7,
    size: int = 64,
) -> None:
    """Train the pairs, print, draw the last one."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, size=(size, size), seed=own_seed), keep=("segmentation", "image_id"))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    columns = ["mean IoU", *(f"within {near}" for near in NEAR)]
    print(f"{'':<22}{'all classes':>24}{'animals and people as one':>33}")
    print(f"{'':<22}" + "".join(f"{column:>10}" for column in columns + columns))
    differences = []
    for own_seed in range(seed, seed + pairs):
        measured = {way: train_and_measure(way, known, unseen, epochs, own_seed) for way in WAYS}
        for way, own in measured.items():
            print(row(f"seed {own_seed}, {way}", own.numbers))
        differences.append(measured["max_unpool"].numbers - measured["nearest"].numbers)
    print(row("max_unpool - nearest", np.mean(differences, axis=0), sign="+"))
    if pairs > 1:
        print(row("standard error", np.std(differences, axis=0, ddof=1) / np.sqrt(pairs)))
    for name, picture in draw(unseen, measured).items():
        picture.save(out / name)
    print(f"pictures in {out.resolve()}: scene.png, borders.png")


def row(name: str, numbers: np.ndarray, sign: str = "") -> str:
    """A line of the table.

    >>> row("seed 0, nearest", np.array([0.5, 0.25]))
    'seed 0, nearest            0.500     0.250'
    """
    return f"{name:<22}" + "".join(f"{number:>{sign}10.3f}" for number in numbers)


def train_and_measure(upsampling: str, known: Any, unseen: Any, epochs: int, seed: int) -> Measured:
    """An encoder-decoder with this upsampling; equal seeds give equal weights at the start."""
    rng = np.random.default_rng(seed)
    settings = EncoderDecoderSettings(upsampling=upsampling, widths=WIDTHS)
    model = EncoderDecoder(CLASSES, settings, rng=rng)
    loader = DataLoader(
        known, batch_size=8, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
    )
    schedule = WarmupThen(CosineAnnealingLR(3e-3, epochs * len(loader)), warmup_steps=10)
    step = GradientStep(model, Adam(model.parameters(), lr=3e-3), schedule)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return measure(model, unseen)


def measure(model: Segmenter, scenes: Any) -> Measured:
    """Label all scenes and compare with the truth, twice."""
    images, targets = zip(*(scenes[i] for i in range(len(scenes))), strict=True)
    label_maps = [result["segmentation"] for result in model.predict(images)]
    truths = [target["segmentation"] for target in targets]
    all_classes = compare(label_maps, truths, len(CLASSES))
    merged = compare([MERGED[m] for m in label_maps], [MERGED[m] for m in truths], 4)
    return Measured(np.array([*all_classes, *merged]), label_maps)


def compare(label_maps: Sequence[np.ndarray], truths: Sequence[np.ndarray], count: int) -> list:
    """Mean IoU, and mean boundary IoU for each of `NEAR`."""
    said, true = ([{"segmentation": m} for m in maps] for maps in (label_maps, truths))
    boundaries = [boundary_iou(said, true, count, near).mean_iou for near in NEAR]
    return [segmentation_values(said, true, count).mean_iou, *boundaries]


def draw(scenes: Any, measured: dict[str, Measured]) -> dict[str, Image.Image]:
    """The scene with the median mean IoU, and enlarged the square with the longest borders."""
    truths = [scenes[i][1]["segmentation"] for i in range(len(scenes))]
    label_maps = measured["max_unpool"].label_maps
    ious = [compare([m], [t], len(CLASSES))[0] for m, t in zip(label_maps, truths, strict=True)]
    number = int(np.argsort(ious)[len(ious) // 2])
    image, truth = scenes[number][0], truths[number]
    shown = {"Truth": truth}
    for way, own in measured.items():
        near = own.numbers[len(NEAR) + 2]
        note = f"animals and people as one: boundary IoU within {NEAR[0]} pixel {near:.2f}"
        shown[f"{way}\n{note}"] = own.label_maps[number]
    rows, columns = border_window(truth, side=truth.shape[0] // 2)
    enlarged = {name: label_map[rows, columns] for name, label_map in shown.items()}
    colours = Farmyard.segmentation_colors
    title = "The same encoder-decoder with two ways up"
    return {
        "scene.png": draw_label_maps(image, shown, CLASSES, colours, 2, title),
        "borders.png": draw_label_maps(
            image[:, rows, columns], enlarged, CLASSES, colours, 2, f"{title}, enlarged"
        ),
    }


if __name__ == "__main__":
    main()
