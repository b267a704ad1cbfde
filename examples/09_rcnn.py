"""R-CNN: a ConvNet looks at every proposed region, support vector machines say what it is.

Selective Search proposes regions of a picture; each is stretched to a square and goes through the
network as a picture of its own. First the network learns to name regions (softmax). Then one
support vector machine for each class is fitted to its features, and one regressor for each class,
which moves a box towards the object. The paper starts from a network that knows ImageNet; here it
starts from random weights, which is why half of the regions it learns from hold an object, not a
quarter.

    python examples/09_rcnn.py

It prints AP50 on unseen scenes, scored by the machines or by the softmax, with and without box
regression, all from one training, and what an image costs. The pictures are 1_proposals.png,
2_warped_regions.png, 3_scores.png, 4_regression.png and 5_detections.png.

Source: Girshick et al., Rich feature hierarchies for accurate object detection (CVPR 2014).
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard
from minicv.inspection import (
    contact_sheet,
    draw_detections,
    draw_ground_truth,
    draw_moved_boxes,
    draw_proposals,
    draw_region_scores,
    regions_behind,
)
from minicv.inspection.canvas import to_picture
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import RCNN, RCNNSettings
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.proposals import CachedProposals, SelectiveSearch
from minicv.training import detection_figures, fit, predict_all, train_post_hoc

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
DRAWN_SCORE = 0.5  # of a detection: the machine's boundary


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
    optimizer = Adam(model.parameters(), lr=2e-3)
    history = fit(model, loader, optimizer, schedule, epochs=epochs, rng=rng)
    report = train_post_hoc(model, known, out / "features", rng)
    fitting = report.seconds["svm"] + report.seconds["regression"]
    print(
        f"seconds: network {sum(epoch['seconds'] for epoch in history):.0f}, features of "
        f"{report.regions:,} regions {report.seconds['features']:.0f} "
        f"({report.bytes_on_disk / 1e6:.0f} MB on disk), machines and regressors {fitting:.0f}"
    )
    model.eval()
    print(measure(model, unseen))
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / name)
    print(f"pictures in {out.resolve()}")


def measure(model: RCNN, unseen: Any) -> str:
    """A table of AP50: one training, and each way to use what it gave."""
    images = [unseen[i][0] for i in range(len(unseen))]
    regions = np.mean([len(model.propose(image, np.random.default_rng(0))[0]) for image in images])
    lines = [f"{'AP50':<22}{'boxes as proposed':>18}{'regressed':>11}{'seconds an image':>18}"]
    for scoring, name in (("softmax", "softmax"), ("svm", "support vector machines")):
        row = []
        for regressed in (False, True):
            model.settings = dataclasses.replace(
                SETTINGS, scoring=scoring, box_regression=regressed
            )
            started = time.perf_counter()
            predictions, targets = predict_all(model, unseen)
            seconds = (time.perf_counter() - started) / len(unseen)
            row.append(detection_figures(predictions, targets, CLASSES)["AP50"])
        lines.append(f"{name:<24}{row[0]:>16.3f}{row[1]:>11.3f}{seconds:>18.2f}")
    lines.append(f"passes through the network for an image: {regions:.0f}, one a region")
    return "\n".join(lines)


def draw(model: RCNN, image: np.ndarray, truth: dict[str, Any]) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects."""
    stages = model.stages(image)
    proposals, found = stages["proposals"], stages["detections"]
    sure = {name: values[found["scores"] >= DRAWN_SCORE] for name, values in found.items()}
    sources = regions_behind(stages["refined_boxes"], sure["boxes"], sure["labels"])
    # Regions that became detections, then the first ones that did not.
    rest = np.setdiff1d(np.arange(len(proposals)), sources)
    shown = np.concatenate([sources, rest])[:24]
    mean, std = (
        np.array(values)[:, None, None] for values in (model.backbone.mean, model.backbone.std)
    )
    warped = [
        to_picture(region * std + mean).resize((144, 144), Image.Resampling.BICUBIC)
        for region in stages["warped_regions"][shown]
    ]
    places = [f"\n{x1:.0f}, {y1:.0f} to {x2:.0f}, {y2:.0f}" for x1, y1, x2, y2 in proposals[shown]]
    original = draw_detections(image, truth["boxes"], truth["labels"], None, CLASSES)
    return {
        "1_proposals.png": contact_sheet(
            [original, draw_proposals(image, proposals, stages["proposal_scores"], most=60)],
            ["Truth", f"Selective Search\n{len(proposals)} boxes, the first 60 drawn"],
            columns=2,
        ),
        "2_warped_regions.png": contact_sheet(
            warped, places, columns=8, title="What the network sees: stretched regions with context"
        ),
        "3_scores.png": draw_region_scores(
            warped[:12], stages["svm_scores"][shown[:12]], CLASSES, places[:12],
            title="Margins of the support vector machines; above 0 speaks for the class",
        ),
        "4_regression.png": contact_sheet(
            [draw_moved_boxes(image, proposals[sources], sure["boxes"], sure["labels"])],
            ["Box regression\nwhite: as proposed; in colour: where the regressor put it"],
        ),
        "5_detections.png": draw_ground_truth(image, truth, sure, CLASSES),
    }  # fmt: skip


if __name__ == "__main__":
    main()
