"""Faster R-CNN: the network proposes by itself, from the very map that it classifies with.

Selective Search was what Fast R-CNN spent its time on. A small convolutional network on the feature
map replaces it: at every cell it scores a few boxes of fixed sizes and shapes, the anchors, and
moves them. Its best boxes go on as in Fast R-CNN. There are two ways to train it. By turns, as
first published: proposals, detector, proposals again and detector again, until both stand on one
backbone. Jointly: all four losses at once, in half of the time.

    python examples/12_faster_rcnn.py

It trains two networks, one each way, from the same random weights and with as many epochs in all.
By turns each of the four steps has but a quarter of them, and falls behind. Printed are the
training time, AP50 on unseen scenes and the share of objects that the proposals cover. The pictures
show the network trained jointly, stage by stage, and what both find.

Source: Ren et al., Faster R-CNN (NIPS 2015), section 3.2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import contact_sheet, draw_detections, draw_stages
from minicv.metrics import DetectionMetric, proposal_recall
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.detection import FASTER_RCNN, sure
from minicv.training import GradientStep, evaluate, fit, fit_alternating

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
RATE = 1e-3  # of Adam, at the peak
DRAWN_SCORE = 0.5  # of a detection


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/12_faster_rcnn")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (240, 60), epochs: int = 8) -> None:
    """Train both ways, measure, print, draw.

    Args:
        out: for the pictures.
        seed: of everything random.
        scenes: to train on, and unseen.
        epochs: in all: by turns each of the four steps makes a quarter of them.
    """
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, seed=own_seed), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    print(f"{'trained':<10}{'epochs':>8}{'seconds':>9}{'AP50':>7}{'recall of 50 proposals':>24}")
    models = {}
    for way, train in (("jointly", train_jointly), ("by turns", train_by_turns)):
        rng = np.random.default_rng(seed)
        model = FasterRCNN(SmallBackbone(rng=rng), CLASSES, FASTER_RCNN["small"], rng=rng)
        rng = np.random.default_rng(seed)
        loader = DataLoader(
            known, batch_size=4, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
        )
        started = time.perf_counter()
        train(model, loader, epochs, rng)
        seconds = time.perf_counter() - started
        models[way] = model
        ap50, recall = measure(model, unseen)
        print(f"{way:<10}{epochs:>8}{seconds:>9.0f}{ap50:>7.3f}{recall:>24.3f}")
    draw(models, unseen, out)
    print(f"pictures in {out.resolve()}")


def train_jointly(
    model: FasterRCNN, loader: DataLoader, epochs: int, rng: np.random.Generator
) -> None:
    """All four losses at once."""
    optimizer, schedule = adam(model.parameters(), epochs * len(loader))
    fit(GradientStep(model, optimizer, schedule), loader, epochs=epochs, rng=rng)


def train_by_turns(
    model: FasterRCNN, loader: DataLoader, epochs: int, rng: np.random.Generator
) -> None:
    """Proposals, detector, proposals, detector; the last two on the backbone of the second."""
    own = max(1, epochs // 4)
    fit_alternating(
        model,
        loader,
        lambda parameters: adam(parameters, own * len(loader)),
        epochs=(own, own, own, own),
        rng=rng,
    )


def adam(parameters: Iterable[Tensor], steps: int) -> tuple[Adam, WarmupThen]:
    """Adam, a short warm-up, half a cosine wave."""
    return Adam(parameters, lr=RATE), WarmupThen(CosineAnnealingLR(RATE, steps), warmup_steps=10)


def measure(model: FasterRCNN, scenes: Any) -> tuple[float, float]:
    """AP50, and the share of objects that one of the 50 best proposals covers by an IoU of 0.5."""
    values = evaluate(model, scenes, DetectionMetric(CLASSES)).values
    images, targets = zip(*scenes, strict=True)
    proposals = [model.propose(image, np.random.default_rng(0)) for image in images]
    recall = proposal_recall(proposals, targets, counts=(50,), thresholds=(0.5,))
    return values["AP50"], float(recall.recall[0, 0])


def draw(models: dict[str, FasterRCNN], scenes: Any, out: Path) -> None:
    """Every stage of one scene, and the detections of both networks beside the truth."""
    counts = [len(scenes[i][1]["boxes"]) for i in range(len(scenes))]
    image, truth = scenes[counts.index(3) if 3 in counts else 0]
    stages = draw_stages(models["jointly"].stages(image), CLASSES)
    for number, (name, picture) in enumerate(stages.items(), start=1):
        picture.save(out / f"{number:02}_{name}.png")
    pictures = [draw_detections(image, truth["boxes"], truth["labels"], None, CLASSES)]
    captions = ["Truth"]
    for way, model in models.items():
        found = sure(model.predict([image])[0], DRAWN_SCORE)
        pictures.append(
            draw_detections(image, found["boxes"], found["labels"], found["scores"], CLASSES)
        )
        captions.append(f"Trained {way}\ndetections with a score of at least {DRAWN_SCORE}")
    contact_sheet(pictures, captions, columns=3).save(out / "jointly_and_by_turns.png")


if __name__ == "__main__":
    main()
