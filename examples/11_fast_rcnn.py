"""Fast R-CNN: one feature map for all regions, and everything learnt at once.

The convolutions run over the whole picture, once. Of their map each proposed region is cut out by
RoI pooling, always 7 x 7 features whatever its shape; fully connected layers then say what it is,
and how its box should be corrected. Both are learnt together with the convolutions, by gradients
that flow back through the pooling. Nothing is fitted afterwards, no features are kept on disk.

    python examples/11_fast_rcnn.py

It trains from random weights and prints AP50 on unseen scenes with and without the corrected boxes,
and where the time of an image goes. The pictures are 1_proposals.png, 2_feature_map.png,
3_pooled_regions.png, 4_class_scores.png, 5_refined_boxes.png and 6_detections.png.

Source: Girshick, Fast R-CNN (ICCV 2015).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from minicv.cli.detection_recipe import DetectionRecipe
from minicv.cli.recipe import train_by
from PIL import Image

from minicv.data import Cached, Farmyard
from minicv.inspection import (
    contact_sheet,
    crop_of_box,
    draw_detections,
    draw_feature_map,
    draw_ground_truth,
    draw_moved_boxes,
    draw_proposals,
    draw_region_scores,
    region_card,
    regions_behind,
)
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FastRCNN, FastRCNNSettings
from minicv.proposals import CachedProposals, SelectiveSearch
from minicv.training import detection_figures, predict_all

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
SETTINGS = FastRCNNSettings(
    min_size=128, max_size=128, max_proposals=150, head_samples=32, head_units=256, dropout=0.0
)
# Two of the eight hierarchies of "fast": enough for drawn scenes.
PROPOSER = SelectiveSearch(similarities=("CTSF",), ks=(50,), min_side=12)
DRAWN_SCORE = 0.5  # of a detection
REGIONS = 8  # shown with features and scores


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/11_fast_rcnn")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (300, 60), epochs: int = 6) -> None:
    """Train on scenes, measure on others, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, seed=own_seed), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    rng = np.random.default_rng(seed)
    proposer = CachedProposals(PROPOSER, out / "proposals")  # each scene is searched once
    model = FastRCNN(SmallBackbone(rng=rng), CLASSES, proposer, SETTINGS, rng=rng)
    recipe = DetectionRecipe(epochs=epochs, batch_size=8, lr=0.04, warmup_steps=50)
    history = train_by(recipe, model, known, validate=None, best_by="", description={},
                       out=out / "training", seed=seed)  # fmt: skip
    model.eval()
    print(f"trained for {sum(epoch['seconds'] for epoch in history):.0f} s, proposals included")
    print(measure(model, unseen))
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / name)
    print(f"pictures in {out.resolve()}")


def measure(model: FastRCNN, unseen: Any) -> str:
    """AP50 of the detections, and of the same with each box where it had been proposed."""
    images = [unseen[i][0] for i in range(len(unseen))]
    started = time.perf_counter()
    for image in images:
        PROPOSER.propose(image, np.random.default_rng(0))
    proposing = (time.perf_counter() - started) / len(images)
    regions = sum(len(model.stages(image)["proposals"]) for image in images) / len(images)
    started = time.perf_counter()
    predictions, targets = predict_all(model, unseen, batch_size=1)
    detecting = (time.perf_counter() - started) / len(images)
    unmoved = []
    for image, found in zip(images, predictions, strict=True):
        stages = model.stages(image)
        sources = regions_behind(stages["refined_boxes"], found["boxes"], found["labels"])
        unmoved.append({**found, "boxes": stages["proposals"][sources]})
    as_proposed, refined = (
        detection_figures(boxes, targets, CLASSES)["AP50"] for boxes in (unmoved, predictions)
    )
    return "\n".join(
        [
            f"AP50, boxes as proposed {as_proposed:.3f}",
            f"AP50, boxes refined     {refined:.3f}",
            f"seconds an image: {proposing:.3f} for proposals, {detecting:.3f} for all else",
            f"passes through the network for an image: 1, for {regions:.0f} regions",
        ]
    )


def draw(model: FastRCNN, image: np.ndarray, truth: dict[str, Any]) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects."""
    stages = model.stages(image)
    proposals, found = stages["proposals"], stages["detections"]
    sure = {name: values[found["scores"] >= DRAWN_SCORE] for name, values in found.items()}
    sources = regions_behind(stages["refined_boxes"], sure["boxes"], sure["labels"])
    # Regions that became detections, then the first ones that did not.
    rest = np.setdiff1d(np.arange(len(proposals)), sources)
    shown = np.concatenate([sources, rest])[:REGIONS]
    crops = [crop_of_box(image, proposals[region], 144) for region in shown]
    places = [f"\n{x1:.0f}, {y1:.0f} to {x2:.0f}, {y2:.0f}" for x1, y1, x2, y2 in proposals[shown]]
    original = draw_detections(image, truth["boxes"], truth["labels"], None, CLASSES)
    rows, columns = stages["region_features"].shape[2:]
    return {
        "1_proposals.png": contact_sheet(
            [original, draw_proposals(image, proposals, stages["proposal_scores"], most=60)],
            ["Truth", f"Selective Search\n{len(proposals)} boxes, the first 60 drawn"],
            columns=2,
        ),
        "2_feature_map.png": draw_feature_map(image, stages["feature_map"], model.backbone.stride),
        "3_pooled_regions.png": contact_sheet(
            [
                region_card(crop, stages["region_features"][region])
                for crop, region in zip(crops, shown, strict=True)
            ],
            places,
            columns=2,
            title=f"RoI pooling: every region becomes {columns} x {rows} features",
        ),
        "4_class_scores.png": draw_region_scores(
            crops, stages["class_scores"][shown], CLASSES, places, columns=2,
            title="What the head says of each region",
        ),
        "5_refined_boxes.png": contact_sheet(
            [draw_moved_boxes(image, proposals[sources], sure["boxes"], sure["labels"])],
            ["Box regression\nwhite: as proposed; in colour: where the head put it"],
        ),
        "6_detections.png": draw_ground_truth(image, truth, sure, CLASSES),
    }  # fmt: skip


if __name__ == "__main__":
    main()
