"""R-CNN: a ConvNet looks at every proposed region, SVMs say what it is.

Selective Search proposes regions of a picture; each is stretched to a square and goes through the
network as a picture of its own. First the network learns to name regions (softmax). Then a support
vector machine (SVM) for each class is fitted to its features, and a regressor for each class, which
moves a box towards the object. The paper starts from a network that knows ImageNet; here it
starts from random weights, which is why half of the regions it learns from hold an object, not a
quarter.

    python examples/09_rcnn.py

It prints AP50 on unseen scenes, scored by the SVMs or by the softmax, with and without box
regression, all from one training, and what an image costs. A picture shows each stage of one scene;
svm_margins.png shows what the SVMs say of some regions, and truth.png the detections beside it.

Source: Girshick et al., Rich feature hierarchies for accurate object detection (CVPR 2014).
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard
from minicv.inspection import (
    draw_ground_truth,
    draw_region_scores,
    draw_stages,
)
from minicv.inspection.canvas import to_picture
from minicv.inspection.stage_scene import regions_to_show
from minicv.metrics import DetectionMetric
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import RCNN, RCNNSettings
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.proposals import CachedProposals, SelectiveSearch
from minicv.tasks.detection import sure
from minicv.training import GradientStep, evaluate, fit, fit_svms

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
# Scenes have 128 pixels: a region becomes 48, 4 of them context on each side (the paper: 227, 16).
# There are few of them, hence a weaker pull towards small weights than the paper's, C = 0.001 and
# a penalty of 1000.
SETTINGS = RCNNSettings(
    warp_size=48, context=4, pooled_size=3, max_proposals=150, head_samples=24,
    head_positive_fraction=0.5, head_units=256, dropout=0.0, svm_c=0.03, regression_penalty=10.0,
)  # fmt: skip
# Two of the eight hierarchies of "fast": enough for drawn scenes.
PROPOSER = SelectiveSearch(similarities=("CTSF",), ks=(50,), min_side=12)
DRAWN_SCORE = 0.5  # of a detection: the SVM's boundary


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/09_rcnn")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (180, 40), epochs: int = 6) -> None:
    """Train on scenes, measure on others, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, seed=own_seed), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    rng = np.random.default_rng(seed)
    proposer = CachedProposals(PROPOSER, out / "proposals")  # each scene is searched once
    model = RCNN(SmallBackbone(24, rng=rng), CLASSES, proposer, SETTINGS, rng=rng)
    loader = DataLoader(known, batch_size=4, shuffle=True, rng=rng)
    schedule = WarmupThen(CosineAnnealingLR(2e-3, epochs * len(loader)), warmup_steps=10)
    step = GradientStep(model, Adam(model.parameters(), lr=2e-3), schedule)
    history = fit(step, loader, epochs=epochs, rng=rng)
    report = fit_svms(model, known, out / "features", rng)
    fitting = report.seconds["svm"] + report.seconds["regression"]
    print(
        f"seconds: network {sum(epoch['seconds'] for epoch in history):.0f}, features of "
        f"{report.regions:,} regions {report.seconds['features']:.0f} "
        f"({report.bytes_on_disk / 1e6:.0f} MB on disk), SVMs and regressors {fitting:.0f}"
    )
    print(measure(model, unseen))
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def measure(model: RCNN, unseen: Any) -> str:
    """A table of AP50: one training, and each way to use what it gave."""
    images = [unseen[i][0] for i in range(len(unseen))]
    regions = np.mean([len(model.propose(image, np.random.default_rng(0))[0]) for image in images])
    lines = [f"{'AP50':<22}{'boxes as proposed':>18}{'regressed':>11}{'seconds an image':>18}"]
    for scoring, name in (("softmax", "softmax"), ("svm", "SVMs")):
        row = []
        for regressed in (False, True):
            model.settings = dataclasses.replace(
                SETTINGS, scoring=scoring, box_regression=regressed
            )
            values, seconds = evaluate(model, unseen, DetectionMetric(CLASSES))
            row.append(values["AP50"])
        lines.append(f"{name:<22}{row[0]:>18.3f}{row[1]:>11.3f}{seconds:>18.2f}")
    lines.append(f"passes through the network for an image: {regions:.0f}, one a region")
    return "\n".join(lines)


def draw(model: RCNN, image: np.ndarray, truth: dict[str, Any]) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects; margins; and the truth."""
    stages = model.stages(image)
    drawn = draw_stages(stages, CLASSES)
    pictures = {
        f"{number:02}_{name}": picture for number, (name, picture) in enumerate(drawn.items(), 1)
    }
    arrays = {stage.name: stage.arrays for stage in stages}
    boxes, scores = (arrays["class_scores"][name] for name in ("boxes", "class_scores"))
    shown = regions_to_show(boxes, scores.max(axis=1), 12)
    pictures["svm_margins"] = draw_region_scores(
        [to_picture(arrays["warped_regions"]["crops"][region]) for region in shown],
        arrays["class_scores"]["svm_scores"][shown],
        CLASSES,
        title="Margins of the SVMs; above 0 speaks for the class",
    )
    found = sure(model.predict([image])[0], DRAWN_SCORE)
    pictures["truth"] = draw_ground_truth(image, truth, found, CLASSES)
    return pictures


if __name__ == "__main__":
    main()
