"""A patch net at every pixel, and the same net as convolutions: the same answer, much sooner.

The first way to label every pixel: cut the patch around it out of the image, and let a ConvNet say
which class its centre has. Neighbours share nearly all of their patches, and yet everything is
computed anew. Turned into convolutions, fully connected layers included, the net runs over the
whole image once. Its poolings make it skip pixels: it answers for every fourth pixel only. Shift
and stitch runs it on sixteen shifted images and interleaves the answers; à trous ("with holes")
lets the poolings step by one and spreads the later kernels instead, so that nothing is done twice.

    python examples/01_sliding_window_vs_fully_convolutional.py

It trains a small patch net on drawn scenes, labels an unseen one in the four ways, and prints for
each the multiplications (derived by formula, and counted while it runs), the time, and how far its
scores are from the sliding window's. The picture is labels.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from minicv import Tensor, no_grad
from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import draw_label_maps
from minicv.metrics import SegmentationMetric
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.model import Model
from minicv.models.photographs import normalised_batch
from minicv.models.segmentation import (
    DensePatchClassifier,
    PatchClassifier,
    PatchClassifierSettings,
    a_trous,
    convolutionalize,
    count_of_every_window,
    shift_and_stitch,
)
from minicv.models.segmentation.convolutionalize import total_stride
from minicv.models.segmentation.patches import mirror_border
from minicv.nn import Module
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.training import GradientStep, evaluate, fit

CLASSES = Farmyard.segmentation_classes
PATCH = 32  # pixels a side
TOLERANCE = 1e-4  # of the largest score: only the order of the sums may differ


class Way(NamedTuple):
    """One way to label every pixel of an image.

    Attributes:
        scores: (K, H, W), or with a stride s (K, ceil(H / s), ceil(W / s)).
        stride: pixels of the image from one answer to the next.
        seconds: for one image.
        derived, counted: multiplications, by formula and while it ran.
        difference: largest to the sliding window's score for the same pixel and class.
    """

    scores: np.ndarray
    stride: int
    seconds: float
    derived: int
    counted: int
    difference: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/01_sliding_window_vs_fully_convolutional")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path,
    seed: int,
    scenes: tuple[int, int] = (400, 20),
    epochs: int = 4,
    size: int = 128,
    repeats: int = 5,
) -> None:
    """Train, compare, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, size=(size, size), seed=own_seed), keep=("segmentation", "image_id"))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    model = train_patch_classifier(known, epochs, np.random.default_rng(seed))
    fast = DensePatchClassifier(model)
    ious = [mean_iou(fast, [scene]) for scene in unseen]
    image, target = unseen[int(np.argsort(ious)[len(unseen) // 2])]  # a middling one
    ways = compare(model, image, repeats)
    print(table(ways))
    print(f"mean IoU on {len(unseen)} unseen scenes: {mean_iou(fast, unseen):.3f}")
    draw(image, target["segmentation"], ways).save(out / "labels.png")
    print(f"picture in {out.resolve()}: labels.png")


def train_patch_classifier(scenes: Any, epochs: int, rng: np.random.Generator) -> PatchClassifier:
    """32 -> 28 -> 14 -> 10 -> 5 pixels, then fully connected: two convolutions, two poolings."""
    settings = PatchClassifierSettings(
        patch_size=PATCH, channels=(16, 32), kernel_size=5, units=128
    )
    model = PatchClassifier(CLASSES, settings, rng=rng)
    loader = DataLoader(
        scenes, batch_size=8, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
    )
    schedule = WarmupThen(CosineAnnealingLR(2e-3, epochs * len(loader)), warmup_steps=10)
    step = GradientStep(model, Adam(model.parameters(), lr=2e-3), schedule)
    fit(step, loader, epochs=epochs, rng=rng)
    return model


def mean_iou(model: Model, scenes: Any) -> float:
    """Of all scenes together."""
    return evaluate(model, scenes, SegmentationMetric(CLASSES)).values["mIoU"]


def compare(model: PatchClassifier, image: np.ndarray, repeats: int) -> dict[str, Way]:
    """Label one image in four ways, which must agree; each is timed ``repeats`` times.

    Raises:
        AssertionError: two ways do not give the same scores.
    """
    model.eval()
    net = model.patch_net  # (R, 3, P, P) -> (R, K)
    dense = convolutionalize(net, (3, PATCH, PATCH))  # (1, 3, H, W) -> (1, K, OH, OW)
    holes = a_trous(dense)
    pixels = normalised_batch([image], model.mean, model.std)  # (1, 3, H, W)
    bordered = Tensor(mirror_border(pixels, PATCH))  # (1, 3, H + P - 1, W + P - 1)
    derived = count_of_every_window(net, PATCH, image.shape[1:])
    stride = total_stride(dense)

    def stitched() -> Tensor:
        return shift_and_stitch(dense, bordered, PATCH)

    runs: dict[str, tuple[Module, int, int, Callable[[], Tensor]]] = {
        "sliding window": (model, 1, derived.sliding_window, lambda: model(Tensor(pixels))),
        "shift and stitch": (dense, 1, derived.shift_and_stitch, stitched),
        "à trous": (holes, 1, derived.a_trous, lambda: holes(bordered)),
        f"every {stride}th pixel": (dense, stride, derived.every_stride, lambda: dense(bordered)),
    }
    ways: dict[str, Way] = {}
    for name, (layers, step, formula, label) in runs.items():
        with no_grad(), counting_multiplications(layers) as count:
            scores = label().data[0]  # (K, H, W)
        with no_grad():
            seconds = seconds_of(label, repeats)
        first = ways["sliding window"].scores if ways else scores
        difference = float(np.abs(scores - first[:, ::step, ::step]).max())
        assert difference <= TOLERANCE * np.abs(first).max(), f"{name} gives other scores"
        assert count.multiplications == formula, f"{name}: the formula is wrong"
        ways[name] = Way(scores, step, seconds, formula, count.multiplications, difference)
    return ways


def seconds_of(label: Callable[[], Tensor], repeats: int) -> float:
    """The median of so many runs."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        label()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def table(ways: dict[str, Way]) -> str:
    """A line for each way; "x" is how many times as much as à trous."""
    best = ways["à trous"]
    lines = [
        f"{'one image':<17}{'multiplications':>16}{'counted':>16}{'x':>7}{'seconds':>10}{'x':>7}"
        f"{'largest difference':>20}"
    ]
    for name, way in ways.items():
        lines.append(
            f"{name:<17}{way.derived:>16,}{way.counted:>16,}{way.derived / best.derived:>7.1f}"
            f"{way.seconds:>10.3f}{way.seconds / best.seconds:>7.1f}{way.difference:>20.1e}"
        )
    return "\n".join(lines)


def draw(image: np.ndarray, truth: np.ndarray, ways: dict[str, Way]) -> Image.Image:
    """The labels of each way beside the image and the truth."""
    label_maps = {}
    for name, way in ways.items():
        labels = way.scores.argmax(axis=0)  # (K, h, w) -> (h, w)
        labels = labels.repeat(way.stride, axis=0).repeat(way.stride, axis=1)
        labels = labels[: truth.shape[0], : truth.shape[1]]
        cost = f"{way.derived / 1e9:.2g} billion multiplications, {way.seconds:.2g} s"
        label_maps[f"{name.capitalize()}\n{cost}"] = labels
    label_maps["Truth"] = truth
    title = "The same patch net: at every pixel, and as convolutions of the whole image"
    return draw_label_maps(
        image, label_maps, CLASSES, Farmyard.segmentation_colors, columns=3, title=title
    )


if __name__ == "__main__":
    main()
