"""FPN: which object goes to which level, and what a pyramid finds that one map misses.

One map has one size of cell. On a fine map a large object is far larger than what a cell sees, and
on a coarse one a small object disappears between the cells. A feature pyramid has maps of several
strides, and each looks after objects of its own size. A backbone has such maps anyway, but its fine
ones know only edges and colours. So the pyramid brings down to them what the coarse ones know.

    python examples/14_fpn_levels.py

Three questions, each with a table:

1. Which object goes where? By equation 1 of the paper: one twice as large goes one level up.
2. How well can anchors fit? Nothing is trained. A single map has all four sizes at each cell, the
   pyramid one size for each level. The best IoU of an anchor bounds what a network starts from.
3. What do trained proposals cover? Three proposal networks are trained alike, on one map of stride
   16, on a pyramid, and on a pyramid that brings nothing down. On these drawn scenes the last is no
   worse: the fine maps are what finds small objects, and edges and colours are enough to propose a
   box. On the paper's photographs it finds hardly more than a single map does (table 1d).

The pictures show the pyramid's levels for a scene, its anchors and proposals among them, and what
the 50 best proposals of each network cover.

Source: Lin et al., Feature Pyramid Networks for Object Detection (CVPR 2017), sections 3, 4.1 and
5.1 (table 1, for recall without the way down and on one map).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.data import Cached, DataLoader, Farmyard
from minicv.data.transforms import RandomHorizontalFlip
from minicv.inspection import contact_sheet, draw_curves, draw_legend, draw_stages
from minicv.inspection.canvas import Canvas, enlarged
from minicv.inspection.palette import ORANGE, SKY_BLUE, WHITE
from minicv.inspection.panels import LegendEntry, mosaic
from minicv.inspection.roi_grids import WHITE_ON_DARK
from minicv.inspection.stage import Stage
from minicv.models.backbones import FPN, SmallBackbone
from minicv.models.backbones.backbone import Backbone
from minicv.models.detection import FasterRCNN
from minicv.optim import Adam, CosineAnnealingLR, WarmupThen
from minicv.tasks.detection import FASTER_RCNN
from minicv.training import GradientStep, fit
from minicv.vision.anchors import AnchorGrid
from minicv.vision.boxes import box_iou
from minicv.vision.levels import assign_levels

CLASSES = Farmyard.classes
LABELS = ("boxes", "labels", "image_id")
SIDE = 192  # pixels of a scene
OBJECTS = (3, 7)  # in a scene
BODY = (4, 8, 16)  # strides of the maps under the pyramid
STRIDES = (*BODY, 32)  # of the pyramid
SETTINGS = dataclasses.replace(
    FASTER_RCNN["small_fpn"],
    min_size=SIDE,
    max_size=SIDE,
    anchor_sizes=(16.0, 32.0, 64.0, 128.0),
    canonical_size=96.0,
)
EDGES = (0, 36, 48, 64, 96, SIDE)  # of the groups of objects: roots of the areas of their boxes
RATE = 1e-3  # of Adam, at the peak
PROPOSALS = 50  # for each scene
COVERED = 0.5  # IoU


class NothingDown(FPN):
    """A pyramid that brings nothing down: each map of the body for itself."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        steps = zip(self.fpn.inner_blocks, self.fpn.layer_blocks, self.body(x), strict=True)
        maps = [output(lateral(own)) for lateral, output, own in steps]
        return (*maps, F.max_pool2d(maps[-1], 1, stride=2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/14_fpn_levels")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of everything random; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (200, 100), epochs: int = 10) -> None:
    """Count, train, measure, print, draw."""
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        Cached(Farmyard(count, (SIDE, SIDE), own_seed, OBJECTS), keep=LABELS)
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    boxes = np.concatenate([unseen[i][1]["boxes"] for i in range(len(unseen))])
    print(f"Which object goes where? {len(boxes)} objects of {len(unseen)} scenes")
    print(where_they_go(boxes))

    print("\nHow well can anchors fit? Mean of the best IoU, by size in pixels")
    print(header())
    by_anchors = {}
    for name, anchors in anchor_sets().items():
        best = box_iou(boxes, anchors).max(axis=1)
        by_anchors[name] = by_size(best, boxes)
        print(row(f"{name}, {len(anchors):,} anchors", by_anchors[name], best.mean()))

    print(f"\nWhat do the {PROPOSALS} best proposals cover? Share of objects, by size in pixels")
    print(header())
    by_proposals, models = {}, {}
    for name in ("stride 16 alone", "nothing brought down", "pyramid"):
        models[name] = model = train(name, known, epochs, seed)
        covered = overlaps(model, unseen) >= COVERED
        by_proposals[name] = by_size(covered, boxes)
        print(row(name, by_proposals[name], covered.mean()))

    shown = scene_to_draw(unseen)
    for name, picture in draw_levels(models["pyramid"], *unseen[shown]).items():
        picture.save(out / f"{name}.png")
    draw_covered(models, *unseen[shown]).save(out / "covered.png")
    draw_sizes(by_anchors, by_proposals).save(out / "sizes.png")
    print(f"pictures in {out.resolve()}")


def sizes_of(boxes: np.ndarray) -> np.ndarray:
    """(G,) roots of the areas of (G, 4) boxes.

    >>> sizes_of(np.array([[0.0, 0, 4, 9]])).tolist()
    [6.0]
    """
    return np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def where_they_go(boxes: np.ndarray) -> str:
    """A line for each level: its cells, its anchors, and the objects that are pooled from it."""
    levels = assign_levels(boxes, BODY, canonical_size=SETTINGS.canonical_size)
    sizes = sizes_of(boxes)
    lines = [f"{'stride':>6}{'cells':>9}{'anchors of':>12}{'objects':>9}{'their sizes':>16}"]
    for level, stride in enumerate(STRIDES):
        side, own = SIDE // stride, sizes[levels == level]
        range_ = f"{own.min():.0f} to {own.max():.0f} px" if len(own) else "-"
        anchor = f"{SETTINGS.anchor_sizes[level]:.0f} px"
        cells = f"{side} x {side}"
        lines.append(f"{stride:>6}{cells:>9}{anchor:>12}{len(own):>9}{range_:>16}")
    return "\n".join(lines)


def anchor_sets() -> dict[str, np.ndarray]:
    """The anchors of single maps, which have all sizes, and of the pyramid."""
    sizes, ratios = SETTINGS.anchor_sizes, SETTINGS.aspect_ratios
    found = {
        f"stride {s} alone": AnchorGrid(s, sizes, ratios).generate(SIDE // s, SIDE // s)
        for s in STRIDES
    }
    levels = [
        AnchorGrid(s, (size,), ratios).generate(SIDE // s, SIDE // s)
        for s, size in zip(STRIDES, sizes, strict=True)
    ]
    return {**found, "pyramid": np.concatenate(levels)}


def by_size(values: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The mean over the objects of each size; NaN where there are none."""
    group = np.digitize(sizes_of(boxes), EDGES[1:-1])
    return np.array(
        [values[group == g].mean() if (group == g).any() else np.nan for g in range(len(EDGES) - 1)]
    )


def header() -> str:
    """Names of the groups of objects, in pixels."""
    names = [f"< {EDGES[1]}", *(f"{a}-{b}" for a, b in itertools.pairwise(EDGES[1:-1]))]
    names.append(f">= {EDGES[-2]}")
    return f"{'':<34}" + "".join(f"{name:>9}" for name in (*names, "all"))


def row(name: str, values: np.ndarray, mean: float) -> str:
    """A line of a table.

    >>> row("pyramid", np.array([0.5, np.nan]), 0.5).split()
    ['pyramid', '0.500', '-', '0.500']
    """
    cells = ["-" if np.isnan(v) else f"{v:.3f}" for v in (*values, mean)]
    return f"{name:<34}" + "".join(f"{cell:>9}" for cell in cells)


def train(name: str, known: Any, epochs: int, seed: int) -> FasterRCNN:
    """A backbone and its proposal network; the rest of the detector stays as it was drawn."""
    rng = np.random.default_rng(seed)
    backbone: Backbone
    if name == "pyramid":
        backbone = FPN(SmallBackbone(16, BODY, rng=rng), 64, rng=rng)
    elif name == "nothing brought down":
        backbone = NothingDown(SmallBackbone(16, BODY, rng=rng), 64, rng=rng)
    else:
        backbone = SmallBackbone(16, (16,), rng=rng)
    model = FasterRCNN(backbone, CLASSES, SETTINGS, rng=rng)
    flip = RandomHorizontalFlip(0.5)
    loader = DataLoader(known, batch_size=4, shuffle=True, rng=rng, transform=flip)
    optimizer = Adam([*model.backbone.parameters(), *model.rpn.parameters()], lr=RATE)
    schedule = WarmupThen(CosineAnnealingLR(RATE, epochs * len(loader)), warmup_steps=10)
    step = GradientStep(model, optimizer, schedule, model.rpn_loss)
    fit(step, loader, epochs=epochs, rng=rng, progress=False)
    return model


def proposals_of(model: FasterRCNN, image: np.ndarray) -> np.ndarray:
    """The best boxes (R, 4)."""
    return model.propose(image, np.random.default_rng(0))[0][:PROPOSALS]


def overlaps(model: FasterRCNN, scenes: Any) -> np.ndarray:
    """For each object of all scenes the greatest IoU with a proposal."""
    best = []
    for i in range(len(scenes)):
        image, target = scenes[i]
        best.append(box_iou(target["boxes"], proposals_of(model, image)).max(axis=1, initial=0))
    return np.concatenate(best)


def scene_to_draw(scenes: Any) -> int:
    """A scene with objects for every level, most of them for the finest, that overlap little."""
    keys = []
    for i in range(len(scenes)):
        boxes = scenes[i][1]["boxes"]
        levels = assign_levels(boxes, BODY, canonical_size=SETTINGS.canonical_size)
        overlap = float(np.triu(box_iou(boxes, boxes), 1).max(initial=0))
        keys.append((len(np.unique(levels)), int((levels == 0).sum()), -overlap))
    return keys.index(max(keys))


def draw_levels(
    model: FasterRCNN, image: np.ndarray, truth: Mapping[str, Any]
) -> dict[str, Image.Image]:
    """The stages up to the pooling, with the true objects on their levels as the first of them."""
    stages = model.stages(image)
    names = [stage.name for stage in stages]
    of_maps = names.index("anchors")
    levels = assign_levels(truth["boxes"], BODY, canonical_size=SETTINGS.canonical_size)
    objects = Stage(
        "objects",
        "The true objects",
        "levels",
        {"boxes": truth["boxes"], "levels": levels, "strides": np.array(BODY)},
        0.0,
    )
    shown = [*stages[:of_maps], objects, *stages[of_maps : names.index("region_levels") + 1]]
    title = "Which object goes where, and what the proposal network looks for on each level"
    drawn = draw_stages(shown, CLASSES, truth=truth, title=title)
    return {
        f"{number:02}_{name}": picture for number, (name, picture) in enumerate(drawn.items(), 1)
    }


def draw_covered(
    models: Mapping[str, FasterRCNN], image: np.ndarray, truth: Mapping[str, Any]
) -> Image.Image:
    """The objects that the proposals cover and miss, and of each covered one the best box."""
    pictures, captions = [], []
    for name, model in models.items():
        boxes = proposals_of(model, image)
        overlap = box_iou(truth["boxes"], boxes)  # (G, R)
        picture, factor = enlarged(image)
        canvas = Canvas(picture)
        found = overlap.max(axis=1, initial=0) >= COVERED
        for box, own, is_found in zip(truth["boxes"], overlap, found, strict=True):
            if is_found:
                canvas.outline(boxes[own.argmax()] * factor, SKY_BLUE, 3)
            canvas.outline(box * factor, WHITE if is_found else ORANGE, 2 if is_found else 5)
        pictures.append(canvas.finish())
        captions.append(f"{name}\n{found.sum()} of {len(found)} objects are covered")
    title = f"What the {PROPOSALS} best proposals cover by an IoU of {COVERED} at least"
    sheet = contact_sheet(pictures, captions, columns=3, title=title)
    entries = [
        LegendEntry(WHITE_ON_DARK, "an object, covered"),
        LegendEntry(SKY_BLUE, "its best proposal"),
        LegendEntry(ORANGE, "an object, missed"),
    ]
    legend = Image.new("RGB", (sheet.width, 56), WHITE)
    legend.paste(draw_legend(entries, sheet.width - 56), (28, 0))
    return mosaic([sheet, legend], columns=1, gap=0)


def draw_sizes(
    by_anchors: Mapping[str, np.ndarray], by_proposals: Mapping[str, np.ndarray]
) -> Image.Image:
    """Both tables as curves over the size of the object."""
    middles = [(a + b) / 2 for a, b in itertools.pairwise(EDGES[:-1])]
    middles.append(1.25 * EDGES[-2])
    panels = {
        "How well can anchors fit? Mean of the best IoU": by_anchors,
        f"What do {PROPOSALS} trained proposals cover? Share of objects": by_proposals,
    }
    return draw_curves(
        {
            title: {name: (middles, values) for name, values in rows.items()}
            for title, rows in panels.items()
        },
        x_label="size of the object, pixels",
    )


if __name__ == "__main__":
    main()
