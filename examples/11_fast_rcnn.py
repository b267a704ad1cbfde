"""Fast R-CNN: one feature map for all regions, and everything learnt at once.

The convolutions run over the whole picture, once. Of their map each proposed region is cut out by
RoI pooling, always 7 x 7 features whatever its shape; fully connected layers then say what it is,
and how its box should be corrected. Both are learnt together with the convolutions, by gradients
that flow back through the pooling. Nothing is fitted afterwards, no features are kept on disk.

    python examples/11_fast_rcnn.py

It trains from random weights and prints AP50 on unseen scenes with and without the corrected boxes,
and where the time of an image goes. A picture shows each stage of one scene, and truth.png the
detections beside the truth.

Source: Girshick, Fast R-CNN (ICCV 2015).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, Farmyard
from minicv.inspection import draw_ground_truth, draw_stages, regions_behind
from minicv.metrics import DetectionMetric
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FastRCNN, FastRCNNSettings
from minicv.models.model import Result
from minicv.proposals import CachedProposals, SelectiveSearch
from minicv.tasks.detection import DetectionRecipe, sure
from minicv.training import evaluate, fit

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
SETTINGS = FastRCNNSettings(
    min_size=128, max_size=128, max_proposals=150, head_samples=32, head_units=256, dropout=0.0
)
# Two of the eight hierarchies of "fast": enough for drawn scenes.
PROPOSER = SelectiveSearch(similarities=("CTSF",), ks=(50,), min_side=12)
DRAWN_SCORE = 0.5  # of a detection


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
    step, loader, sampling = recipe.begin(model, known, seed=seed)
    history = fit(step, loader, epochs=epochs, rng=sampling)
    print(f"trained for {sum(epoch['seconds'] for epoch in history):.0f} s, proposals included")
    print(measure(model, unseen))
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def measure(model: FastRCNN, unseen: Any) -> str:
    """AP50 of the detections, and of the same with each box where it had been proposed."""
    images = [unseen[i][0] for i in range(len(unseen))]
    started = time.perf_counter()
    for image in images:
        PROPOSER.propose(image, np.random.default_rng(0))
    proposing = (time.perf_counter() - started) / len(images)
    as_proposed, regions = DetectionMetric(CLASSES), 0

    def note(index: int, found: Result, target: Any) -> None:
        """Put each box back to its proposal."""
        nonlocal regions
        stages = {stage.name: stage.arrays for stage in model.stages(images[index])}
        moved, proposals = stages["refined_boxes"]["refined_boxes"], stages["proposals"]["boxes"]
        sources = regions_behind(moved, found["boxes"], found["labels"])
        as_proposed.add({**found, "boxes": proposals[sources]}, target)
        regions += len(proposals)

    refined, detecting = evaluate(model, unseen, DetectionMetric(CLASSES), on_result=note)
    return "\n".join(
        [
            f"AP50, boxes as proposed {as_proposed.values()['AP50']:.3f}",
            f"AP50, boxes refined     {refined['AP50']:.3f}",
            f"seconds an image: {proposing:.3f} for proposals, {detecting:.3f} for all else",
            f"passes through the network for an image: 1, for {regions / len(images):.0f} regions",
        ]
    )


def draw(model: FastRCNN, image: np.ndarray, truth: dict[str, Any]) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects; and the truth."""
    drawn = draw_stages(model.stages(image), CLASSES)
    pictures = {
        f"{number:02}_{name}": picture for number, (name, picture) in enumerate(drawn.items(), 1)
    }
    found = sure(model.predict([image])[0], DRAWN_SCORE)
    pictures["truth"] = draw_ground_truth(image, truth, found, CLASSES)
    return pictures


if __name__ == "__main__":
    main()
