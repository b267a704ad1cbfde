"""SPP-net: the convolutions run once an image, and each region is pooled from their map.

R-CNN sends every region through the network. SPP-net sends the picture, once, and cuts the regions
out of its feature map. Fully connected layers want a fixed number of inputs whatever the shape of a
region: so it is divided into 6 x 6, 3 x 3, 2 x 2 and 1 x 1 bins, a spatial pyramid, and of every
bin the maximum is taken. What follows is R-CNN's: fine-tuning of the fully connected layers,
SVMs, box regressors. The convolutions learn nothing on the way, so they have to
know something before: the paper's come from ImageNet, these from scenes with one object each.

    python examples/10_spp_net.py

It prints AP50 on unseen scenes, and for one image the seconds and the multiplications of the
convolutions beside what R-CNN would need, which runs them once a region. A picture shows each stage
of one scene; pyramid.png shows the bins of some regions, svm_margins.png what the SVMs say of them,
and truth.png the detections beside it.

Source: He et al., Spatial pyramid pooling in deep convolutional networks (ECCV 2014).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv import Tensor, no_grad
from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import (
    contact_sheet,
    crop_of_box,
    draw_ground_truth,
    draw_pyramid,
    draw_region_scores,
    draw_stages,
)
from minicv.inspection.stage_scene import regions_to_show
from minicv.metrics import DetectionMetric
from minicv.models.backbones import SmallBackbone
from minicv.models.counting_multiplications import counting_multiplications
from minicv.models.detection import SPPNet, SPPNetSettings
from minicv.models.detection.spp_net import region_on_map
from minicv.models.localization import SingleObjectDetector, SingleObjectSettings
from minicv.models.model import Model
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.proposals import CachedProposals, SelectiveSearch
from minicv.tasks.detection import sure
from minicv.training import GradientStep, evaluate, fit, fit_svms

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
# There are few scenes, hence a weaker pull towards small weights than the paper's, C = 0.001 and a
# penalty of 1000.
SETTINGS = SPPNetSettings(
    scales=(128,), max_size=128, max_proposals=150, head_samples=32, head_positive_fraction=0.5,
    head_units=256, dropout=0.0, svm_c=0.03, regression_penalty=10.0,
)  # fmt: skip
# Two of the eight hierarchies of "fast": enough for drawn scenes.
PROPOSER = SelectiveSearch(similarities=("CTSF",), ks=(50,), min_side=12)
SINGLE = 96  # pixels of a scene with one object; a third more would take twice as long
WARPED = 48  # pixels of a region in the example of R-CNN
DRAWN_SCORE = 0.5  # of a detection: the SVM's boundary


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/10_spp_net")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(
    out: Path,
    seed: int,
    scenes: tuple[int, int, int] = (500, 150, 40),
    epochs: tuple[int, int] = (10, 6),
) -> None:
    """Train, measure, print, draw.

    Args:
        out: for the pictures; boxes and features go into folders there.
        seed: of everything random.
        scenes: with one object, to train on, and unseen.
        epochs: on scenes with one object, and of fine-tuning.
    """
    out.mkdir(parents=True, exist_ok=True)
    single = Cached(Farmyard(scenes[0], (SINGLE, SINGLE), 3 * seed, objects=(1, 1)), keep=LABELS)
    known = Cached(Farmyard(scenes[1], seed=3 * seed + 1), keep=LABELS)
    unseen = Cached(Farmyard(scenes[2], seed=3 * seed + 2), keep=LABELS)
    rng = np.random.default_rng(seed)
    backbone = SmallBackbone(24, rng=rng)
    settings = SingleObjectSettings(size=SINGLE, pooled_size=6, units=128, dropout=0.0)
    names_things = SingleObjectDetector(backbone, CLASSES, settings, rng=rng)
    before = train(names_things, single, epochs[0], rng)
    proposer = CachedProposals(PROPOSER, out / "proposals")  # each scene is searched once
    model = SPPNet(backbone, CLASSES, proposer, SETTINGS, rng=rng)
    fine_tuning = train(model, known, epochs[1], rng)
    report = fit_svms(model, known, out / "features", rng)
    fitting = report.seconds["svm"] + report.seconds["regression"]
    print(
        f"seconds: convolutions before {before:.0f}, fine-tuning {fine_tuning:.0f}, features of "
        f"{report.regions:,} regions {report.seconds['features']:.0f} "
        f"({report.bytes_on_disk / 1e6:.0f} MB on disk), SVMs and regressors {fitting:.0f}"
    )
    print(measure(model, unseen))
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def train(model: Model, scenes: Any, epochs: int, rng: np.random.Generator) -> float:
    """Adam, a short warm-up, half a cosine wave; seconds."""
    # Scenes with proposals are not mirrored: each would have to be searched twice.
    transform = RandomHorizontalFlip(0.5) if isinstance(model, SingleObjectDetector) else None
    loader = DataLoader(scenes, batch_size=8, shuffle=True, rng=rng, transform=transform)
    schedule = WarmupThen(CosineAnnealingLR(1e-3, epochs * len(loader)), warmup_steps=20)
    optimizer = Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    history = fit(GradientStep(model, optimizer, schedule), loader, epochs=epochs, rng=rng)
    return sum(epoch["seconds"] for epoch in history)


def measure(model: SPPNet, unseen: Any) -> str:
    """AP50, and the convolutions' cost: once an image here, once a region in R-CNN."""
    images = [unseen[i][0] for i in range(len(unseen))]
    regions = np.mean([len(model.propose(image, np.random.default_rng(0))[0]) for image in images])
    values, seconds = evaluate(model, unseen, DetectionMetric(CLASSES))
    lines = [
        f"AP50 {values['AP50']:.3f}, {seconds:.3f} seconds an image without its proposals",
        f"{'one image':<10}{'passes':>8}{'multiplications':>17}{'seconds':>9}  (convolutions)",
    ]
    for name, passes, side in (("SPP-net", 1, 128), ("R-CNN", round(regions), WARPED)):
        pixels = Tensor(np.zeros((passes, 3, side, side), np.float32))
        with no_grad(), counting_multiplications(model.backbone) as count:
            started = time.perf_counter()
            model.backbone(pixels)
            seconds = time.perf_counter() - started
        lines.append(f"{name:<10}{passes:>8}{count.multiplications:>17,}{seconds:>9.3f}")
    return "\n".join(lines)


def draw(model: SPPNet, image: np.ndarray, truth: dict[str, Any]) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects; and what is SPP-net's own."""
    stages = model.stages(image)
    drawn = draw_stages(stages, CLASSES)
    pictures = {
        f"{number:02}_{name}": picture for number, (name, picture) in enumerate(drawn.items(), 1)
    }
    arrays = {stage.name: stage.arrays for stage in stages}
    boxes, scores = (arrays["class_scores"][name] for name in ("boxes", "class_scores"))
    shown = regions_to_show(boxes, scores.max(axis=1), 9)
    crops = [crop_of_box(image, boxes[region], 256) for region in shown]
    pictures["pyramid"] = draw_pyramids(
        model, arrays["feature_map"]["features"], boxes[shown], crops
    )
    pictures["svm_margins"] = draw_region_scores(
        crops,
        arrays["class_scores"]["svm_scores"][shown],
        CLASSES,
        title="Margins of the SVMs; above 0 speaks for the class",
    )
    found = sure(model.predict([image])[0], DRAWN_SCORE)
    pictures["truth"] = draw_ground_truth(image, truth, found, CLASSES)
    return pictures


def draw_pyramids(
    model: SPPNet, features: np.ndarray, boxes: np.ndarray, crops: Sequence[Image.Image]
) -> Image.Image:
    """Four regions, and the bins of each on the strength of the map (C, h, w)."""
    strength = np.abs(features).mean(axis=0)  # (C, h, w) -> (h, w)
    cells = region_on_map(boxes[:4], model.stride, strength.shape)
    levels = SETTINGS.pyramid
    pictures, captions = [], []
    for crop, (x1, y1, x2, y2), region in zip(crops, boxes, cells, strict=False):
        pictures += [crop, *draw_pyramid(strength, region, levels)]
        captions.append(f"\n{x1:.0f}, {y1:.0f} to {x2:.0f}, {y2:.0f}")
        captions += [f"\n{level} x {level} bins" for level in levels]
    title = f"Any region becomes {SETTINGS.bins} bins: the maximum of each, in every channel"
    return contact_sheet(pictures, captions, columns=1 + len(levels), title=title)


if __name__ == "__main__":
    main()
