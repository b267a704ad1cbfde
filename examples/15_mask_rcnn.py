"""Mask R-CNN: Faster R-CNN on a pyramid, and a small network that draws each object's mask.

After the boxes have been found, each is cut out of the feature map once more, by RoIAlign as
14 x 14 features. A few convolutions make of them a grid of 28 x 28 probabilities: is this cell of
the box the object? There is one grid for each class and each is a yes or no of its own, so that
classes do not compete; which grid counts is what the box's class says. The grid is stretched to the
box, and where it is at least a half there is the mask.

    python examples/15_mask_rcnn.py

It trains from random weights on drawn scenes, all five losses at once, and prints AP50 of boxes and
of masks on unseen scenes, and for one of these scenes every stage with its arrays and its time.
(The maps of the pyramid come together, and the first of them has the time of all.) A picture shows
each stage, and truth.png what was found beside the truth.

Source: He et al., Mask R-CNN (ICCV 2017).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import draw_instances_beside_truth, draw_stages
from minicv.inspection.stage import Stage
from minicv.metrics.instances import InstanceMetric
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.detection import MaskRCNN
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.detection import sure
from minicv.tasks.instances import MASK_RCNN
from minicv.training import GradientStep, evaluate, fit
from minicv.vision.boxes import box_iou

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "masks", "image_id")
STRIDES = (4, 8, 16)  # of the maps under the pyramid
RATE = 1e-3  # of Adam, at the peak
DRAWN_SCORE = 0.5  # of a detection


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/15_mask_rcnn")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (600, 60), epochs: int = 7) -> None:
    """Train on scenes, measure on others, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, seed=own_seed), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    model = train(known, epochs, seed)
    values = evaluate(model, unseen, InstanceMetric(CLASSES)).values
    print(f"on {len(unseen)} unseen scenes: AP50 of boxes {values['AP50']:.3f}, ", end="")
    print(f"of masks {values['mask AP50']:.3f}; AP75 {values['AP75']:.3f}, ", end="")
    print(f"{values['mask AP75']:.3f}")
    image, truth = unseen[scene_to_draw(unseen)]
    stages = model.stages(image)
    print(table(stages))
    for name, picture in draw(model, stages, image, truth).items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def train(known: Any, epochs: int, seed: int) -> MaskRCNN:
    """Boxes, classes and masks at once."""
    rng = np.random.default_rng(seed)
    backbone = FPN(SmallBackbone(16, STRIDES, rng=rng), 64, rng=rng)
    model = MaskRCNN(backbone, CLASSES, MASK_RCNN["small_fpn"], rng=rng)
    flip = RandomHorizontalFlip(0.5)
    loader = DataLoader(known, batch_size=2, shuffle=True, rng=rng, transform=flip)
    schedule = WarmupThen(CosineAnnealingLR(RATE, epochs * len(loader)), warmup_steps=20)
    step = GradientStep(model, Adam(model.parameters(), lr=RATE), schedule)
    fit(step, loader, epochs=epochs, rng=rng)
    return model


def scene_to_draw(scenes: Any) -> int:
    """Of the scenes with the most classes, up to three, the one whose boxes overlap least."""
    keys = []
    for i in range(len(scenes)):
        boxes, labels = (scenes[i][1][name] for name in ("boxes", "labels"))
        overlap = np.triu(box_iou(boxes, boxes), 1).max(initial=0)
        keys.append((min(3, len(np.unique(labels))), -float(overlap)))
    return keys.index(max(keys))


def table(stages: Sequence[Stage]) -> str:
    """A line for each stage: its number, its time, and its arrays with their shapes.

    >>> image = np.zeros((3, 8, 8), np.float32)
    >>> print(table([Stage("input", "", "image", {"image": image}, 0.002)]))
        stage                        ms   arrays
      1 input                       2.0   image 3 x 8 x 8
        all                         2.0
    """
    lines = [f"{'':4}{'stage':<24}{'ms':>7}   arrays"]
    for number, stage in enumerate(stages, start=1):
        arrays = ", ".join(
            f"{name} {' x '.join(map(str, np.shape(values)))}".rstrip()
            for name, values in stage.arrays.items()
            if np.ndim(values)
        )
        lines.append(f"{number:>3} {stage.name:<24}{1000 * stage.seconds:>7.1f}   {arrays}")
    total = sum(stage.seconds for stage in stages)
    return "\n".join([*lines, f"{'':4}{'all':<24}{1000 * total:>7.1f}"])


def draw(
    model: MaskRCNN, stages: Sequence[Stage], image: np.ndarray, truth: dict[str, Any]
) -> dict[str, Image.Image]:
    """A picture for each stage, from the same code that detects; and the truth."""
    drawn = draw_stages(stages, CLASSES, truth=truth)
    pictures = {
        f"{number:02}_{name}": picture for number, (name, picture) in enumerate(drawn.items(), 1)
    }
    found = sure(model.predict([image])[0], DRAWN_SCORE)
    shown = {name: truth[name] for name in ("boxes", "labels", "masks")}
    pictures["truth"] = draw_instances_beside_truth(image, shown, found, CLASSES)
    return pictures


if __name__ == "__main__":
    main()
