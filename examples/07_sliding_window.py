"""Sliding window: a classifier with a class for "nothing", at every place, in every size and shape.

It needs no idea of where an object may be, and pays for that: thousands of windows for a picture of
128 x 128 pixels, each a pass through the network, although neighbours share nearly all of their
pixels. Around an object many windows say its name; of those that overlap, non-maximum suppression
(NMS) keeps the best. And no box is better than the nearest window of the grid.

    python examples/07_sliding_window.py

It trains the classifier on windows of drawn scenes and prints, for three grids, the number of
windows and multiplications, the seconds an image, and AP50 on unseen scenes. The pictures are
1_windows.png, 2_scores.png and 3_detections.png.

Source: the classical scheme, e.g. Sermanet et al., OverFeat (ICLR 2014), section 3.3.
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
from minicv.inspection import contact_sheet, draw_ground_truth, draw_proposals
from minicv.metrics import DetectionMetric
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import SlidingWindowDetector, SlidingWindowSettings
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.proposals import SlidingWindow
from minicv.tasks.detection import sure
from minicv.training import GradientStep, evaluate, fit

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
SETTINGS = SlidingWindowSettings(
    warp_size=32, pooled_size=4, units=256, dropout=0.0, samples=32, positive_fraction=0.5,
    score_threshold=0.1,
)  # fmt: skip
SIZES = (24.0, 36.0, 54.0, 80.0)  # square roots of the areas, pixels
SHAPES = (0.6, 1.0, 1.8)  # height / width
GRIDS = {
    "coarse": SlidingWindow(SIZES, SHAPES, step=0.5),
    "middling": SlidingWindow(SIZES, SHAPES, step=0.3),
    "fine": SlidingWindow(SIZES, SHAPES, step=0.2),
}
SHOWN = "fine"  # the grid in the pictures
DRAWN_SCORE = 0.75  # of a detection: below it there are many false alarms


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/07_sliding_window")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (200, 30), epochs: int = 8) -> None:
    """Train on the fine grid's windows, measure with each grid, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, seed=own_seed), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    rng = np.random.default_rng(seed)
    model = SlidingWindowDetector(SmallBackbone(16, rng=rng), CLASSES, GRIDS["fine"], SETTINGS,
                                  rng=rng)  # fmt: skip
    loader = DataLoader(
        known, batch_size=4, shuffle=True, rng=rng, transform=RandomHorizontalFlip(0.5)
    )
    schedule = WarmupThen(CosineAnnealingLR(2e-3, epochs * len(loader)), warmup_steps=10)
    step = GradientStep(model, Adam(model.parameters(), lr=2e-3), schedule)
    fit(step, loader, epochs=epochs, rng=rng)
    print(measure(model, unseen))
    model.windows = GRIDS[SHOWN]
    counts = [len(unseen[i][1]["boxes"]) for i in range(len(unseen))]
    for name, picture in draw(model, *unseen[counts.index(3) if 3 in counts else 0]).items():
        picture.save(out / name)
    print(f"pictures in {out.resolve()}")


def measure(model: SlidingWindowDetector, unseen: Any) -> str:
    """For each grid its cost, counted, and what it finds."""
    height, width = unseen[0][0].shape[1:]
    lines = [
        f"{'grid':<10}{'step':>6}{'windows':>9}{'multiplications':>18}{'seconds':>9}{'AP50':>7}"
    ]
    for name, windows in GRIDS.items():
        model.windows = windows
        cost = model.cost(height, width)
        values, seconds = evaluate(model, unseen, DetectionMetric(CLASSES))
        lines.append(
            f"{name:<10}{windows.step:>6}{cost.windows:>9,}{cost.multiplications:>18,}"
            f"{seconds:>9.2f}{values['AP50']:>7.3f}"
        )
    lines.append(f"all for one image of {width} x {height} pixels")
    return "\n".join(lines)


def draw(
    model: SlidingWindowDetector, image: np.ndarray, truth: dict[str, Any]
) -> dict[str, Image.Image]:
    """The grid; its scores before and after suppression; detections beside the truth."""
    stages = {stage.name: stage.arrays for stage in model.stages(image)}
    windows = stages["proposals"]["boxes"]
    best = stages["class_scores"]["class_scores"].max(axis=1)  # (R, K) -> (R,)
    (found,) = model.predict([image])
    left = sure(found, DRAWN_SCORE)
    height, width = image.shape[1:]
    grids = []
    for size in SIZES:
        own = SlidingWindow((size,), (1.0,), model.windows.step)
        grid, _ = own.propose(image, np.random.default_rng(0))
        nearest = np.abs(grid - (grid[:, :2].min(axis=0)).repeat(2)).sum(axis=1).argmin()
        marked = np.zeros(len(grid))
        marked[nearest] = 1.0  # one of them bright, so that its size can be seen
        grids.append(
            (draw_proposals(image, grid, marked, len(grid)),
             f"{size:.0f} x {size:.0f} pixels\n{own.count(height, width)} windows of this shape")
        )  # fmt: skip
    over = best >= DRAWN_SCORE
    scale = len(windows), DRAWN_SCORE, float(best.max(initial=1e-9))  # all boxes; dark, bright
    return {
        "1_windows.png": contact_sheet(
            *zip(*grids, strict=True), columns=2,
            title=f"Some of {len(windows):,} windows: four of the {len(SIZES) * len(SHAPES)} grids",
        ),
        "2_scores.png": contact_sheet(
            [
                draw_proposals(image, windows[over], best[over], *scale),
                draw_proposals(image, left["boxes"], left["scores"], *scale),
            ],
            [
                f"Before NMS\n{over.sum()} of {len(windows):,} windows say the name of a class "
                f"with {DRAWN_SCORE} or more",
                f"After NMS\n{len(left['boxes'])} are left",
            ],
            columns=2,
        ),
        "3_detections.png": draw_ground_truth(image, truth, left, CLASSES),
    }  # fmt: skip


if __name__ == "__main__":
    main()
