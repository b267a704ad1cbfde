"""RoI pooling against RoIAlign: what rounding a box to cells costs.

A region is cut out of a coarse map, whose cells are 16 pixels wide. RoI pooling rounds the box to
whole cells, and cuts the rounded box into bins of whole cells. So what comes out belongs to another
box than was asked for. A classifier hardly notices, for a cow moved by half a cell is a cow. A
mask notices: each of its pixels is at the wrong place. RoIAlign rounds nothing and interpolates.

Nothing is trained here. The map is the best that a network could have: each cell holds how much of
it the object covers. What is lost from there is lost by the pooling. It is measured three times:

1. Where does it look? A map whose cells hold their own place is pooled at random boxes, so that the
   result tells the place it was read from.
2. Does it follow? A box is moved over two cells, a sixteenth of a cell at a time.
3. What does a mask lose? Grids of 14 x 14 are pooled from the map, pasted into the true boxes, and
   compared with the true masks. The value from which a cell counts as the object is the best for
   each way, on other scenes.

Two further ways stand between the two. RoI pooling as published reads the cells of both rounded
corners, which is half a cell too far to the lower right, always. A network can learn to undo that.
"pooling, half a cell back" moves the box before, so that only what depends on the box is left.
"rounded, interpolated" rounds each edge to the nearest cell and goes on like RoIAlign: what is lost
there is lost by rounding alone.

    python examples/13_roi_pool_vs_roi_align.py

Source: He et al., Mask R-CNN (ICCV 2017), sections 3 and 4.2 (tables 2c and 2d); Girshick, Fast
R-CNN (ICCV 2015), section 2.1.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from minicv import functional as F
from minicv.data import Farmyard
from minicv.inspection import contact_sheet, draw_bars, draw_curves, draw_legend, draw_roi_grids
from minicv.inspection.canvas import Canvas, to_picture
from minicv.inspection.heatmap import heat_picture
from minicv.inspection.palette import BLUE, ORANGE, VERMILLION, WHITE
from minicv.inspection.panels import LegendEntry, mosaic
from minicv.inspection.roi_grids import rounded_box
from minicv.vision.mask_pasting import paste_masks
from minicv.vision.mask_targets import mask_targets

SIDE = 256  # pixels of a scene
STRIDE = 16  # pixels of a cell, where only one stride is shown
STRIDES = (4, 8, 16, 32)
GRID = 14  # cells of a pooled mask
WAYS = ("RoI pooling", "pooling, half a cell back", "rounded, interpolated", "RoIAlign")
POOLING, BACK, ROUNDED, ALIGN = WAYS
GROUND = [Farmyard.segmentation_classes.index(name) for name in ("sky", "grass")]
THRESHOLDS = np.arange(0.1, 0.91, 0.05)
STEPS = 16  # of the sliding box, in a cell


class Thing(NamedTuple):
    """An object.

    Attributes:
        image, mask, box: (3, H, W), (H, W) and (4,).
        clear: whether its box holds nothing else but sky and grass.
    """

    image: np.ndarray
    mask: np.ndarray
    box: np.ndarray
    clear: bool


class Loss(NamedTuple):
    """Of pasted masks: mean IoU with the true ones, and pixels between the centres of both."""

    iou: float
    pixels: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    out = Path("runs/examples/13_roi_pool_vs_roi_align")
    parser.add_argument("--out", type=Path, default=out, metavar="DIR", help=f"default: {out}")
    parser.add_argument("--seed", type=int, default=0, help="of scenes and boxes; default 0")
    options = parser.parse_args(arguments)
    run(options.out, options.seed)


def run(out: Path, seed: int, scenes: tuple[int, int] = (40, 40), boxes: int = 1000) -> None:
    """Measure, print, draw.

    Args:
        out: for the pictures.
        seed: of scenes and boxes.
        scenes: from which the thresholds are taken, and on which masks are measured.
        boxes: random ones, for the first question.
    """
    out.mkdir(parents=True, exist_ok=True)
    known, unseen = (
        things_of(Farmyard(count, (SIDE, SIDE), seed=own_seed))
        for count, own_seed in zip(scenes, (2 * seed, 2 * seed + 1), strict=True)
    )
    misread = {s: misreadings(s, boxes, np.random.default_rng(seed)) for s in STRIDES}
    print("Where does it look? Pixels from the middle of a bin to where it was read, 7 x 7 bins")
    print(table({way: [misread[s][way] for s in STRIDES] for way in WAYS}, "{:.2f}"))
    shown = example_of(unseen)
    print(f"\nDoes it follow? A box moves by two cells of {STRIDE} pixels in {2 * STEPS} steps")
    for way, changes in slide(shown).items():
        print(
            f"{way:<28}{(changes == 0).mean():>5.0%} of the steps change nothing, "
            f"the greatest is {changes.max() / changes.sum():.0%} of all change"
        )
    losses = {s: {way: mask_loss(way, s, known, unseen) for way in WAYS} for s in STRIDES}
    print(f"\nWhat does a mask lose? {len(unseen)} masks by {GRID} x {GRID} cells: mean IoU")
    print(table({way: [losses[s][way].iou for s in STRIDES] for way in WAYS}, "{:.3f}"))
    best = measured(paste([grid_of_mask(t) for t in unseen], unseen), unseen)
    print(f"{'from the mask itself':<28}{best.iou:>9.3f}")
    print("and pixels between the centres of the mask and of the true one")
    print(table({way: [losses[s][way].pixels for s in STRIDES] for way in WAYS}, "{:.2f}"))
    print(f"{'from the mask itself':<28}{best.pixels:>9.2f}")
    pictures = {
        "1_misalignment": draw_misalignment(shown),
        "2_sliding_box": draw_sliding(shown),
        "3_masks": draw_losses(known, unseen),
        "4_strides": draw_strides(misread, losses),
    }
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    print(f"pictures in {out.resolve()}")


def things_of(scenes: Farmyard) -> list[Thing]:
    """All objects of the scenes that do not touch the border, where a map ends."""
    found = []
    for image, target in (scenes[i] for i in range(len(scenes))):
        ground = np.isin(target["segmentation"], GROUND)
        for mask, box in zip(target["masks"], target["boxes"], strict=True):
            if box.min() >= 1 and box.max() <= SIDE - 1:
                x1, y1, x2, y2 = box.astype(int)
                clear = bool((ground | mask)[y1:y2, x1:x2].all())
                found.append(Thing(image, mask, box, clear))
    return found


def shown_of(things: Sequence[Thing]) -> list[Thing]:
    """Those that are good to draw: in clear view, and three to seven cells large."""
    sides = [max(thing.box[2:] - thing.box[:2]) / STRIDE for thing in things]
    found = [t for t, side in zip(things, sides, strict=True) if t.clear and 3 <= side <= 7]
    return found or list(things[:1])


def example_of(things: Sequence[Thing]) -> Thing:
    """The one that rounding moves most, of those that are good to draw."""

    def moved(thing: Thing) -> float:
        cells = thing.box / STRIDE
        return float(np.abs(np.array(rounded_box(cells.tolist())) - cells).sum())

    return max(shown_of(things), key=moved)


def coverage(mask: np.ndarray, stride: int) -> np.ndarray:
    """(h, w) float32: how much of each cell the mask (H, W) covers.

    >>> coverage(np.array([[True, False], [True, False]]), 2).tolist()
    [[0.5]]
    """
    h, w = (side // stride for side in mask.shape)
    return mask.reshape(h, stride, w, stride).mean(axis=(1, 3)).astype(np.float32)


def pool(way: str, maps: np.ndarray, box: np.ndarray, stride: int, size: int) -> np.ndarray:
    """Maps (C, h, w) within a box (4,), in pixels of the image, as (C, size, size)."""
    boxes, one = np.asarray(box, np.float32)[None], np.zeros(1, np.int64)
    if way in (POOLING, BACK):
        back = stride / 2 if way == BACK else 0
        return F.roi_pool(maps[None], boxes - back, one, size, 1 / stride).data[0]
    if way == ROUNDED:
        boxes = np.floor(boxes / stride + 0.5) * stride
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + stride)  # a cell at least
    return F.roi_align(maps[None], boxes, one, size, 1 / stride, 2).data[0]


def misreadings(stride: int, count: int, rng: np.random.Generator) -> dict[str, float]:
    """Mean distance in pixels, along an axis, from the middles of bins to where they were read."""
    cells = (np.arange(512 // stride, dtype=np.float32) + 0.5) * stride
    places = np.stack(np.broadcast_arrays(cells, cells[:, None]))  # (2, h, w): x and y
    # The greatest place in a bin and the least one, which is the greatest with the other sign.
    maps = np.concatenate([places, -places])
    sides = rng.uniform(32, 160, (count, 2))
    corners = rng.uniform(2 * stride, 512 - 2 * stride - sides)
    totals = dict.fromkeys(WAYS, 0.0)
    for box in np.concatenate([corners, corners + sides], axis=1):
        true = middles(box, 7)
        for way in WAYS:
            last, first = np.split(pool(way, maps, box, stride, 7), 2)  # (2, 7, 7) each
            totals[way] += float(np.abs((last - first) / 2 - true).mean())
    return {way: total / count for way, total in totals.items()}


def middles(box: np.ndarray, bins: int) -> np.ndarray:
    """x and y of the middles of a box's bins, (2, bins, bins).

    >>> middles(np.array([0.0, 0, 4, 8]), 2)[:, 0].tolist()  # the upper row
    [[1.0, 3.0], [2.0, 2.0]]
    """
    share = (np.arange(bins) + 0.5) / bins
    x, y = (box[i] + share * (box[i + 2] - box[i]) for i in (0, 1))
    return np.stack(np.broadcast_arrays(x, y[:, None]))


def slide(thing: Thing) -> dict[str, np.ndarray]:
    """How much the 7 x 7 features change at each step of a box that moves to the right."""
    maps = coverage(thing.mask, STRIDE)[None]
    changes = {}
    for way in (POOLING, ALIGN):
        seen = [pool(way, maps, moved(thing.box, step), STRIDE, 7) for step in range(2 * STEPS + 1)]
        changes[way] = np.abs(np.diff(seen, axis=0)).sum(axis=(1, 2, 3))
    return changes


def moved(box: np.ndarray, step: int) -> np.ndarray:
    """The box, so many steps to the right of one cell before its place."""
    return box + np.array([1, 0, 1, 0]) * STRIDE * (step / STEPS - 1)


def grids(way: str, stride: int, things: Sequence[Thing]) -> list[np.ndarray]:
    """Of each object the pooled share of its mask, (GRID, GRID)."""
    return [pool(way, coverage(t.mask, stride)[None], t.box, stride, GRID)[0] for t in things]


def grid_of_mask(thing: Thing) -> np.ndarray:
    """The grid that a mask head should predict: pooled from the mask itself."""
    return mask_targets(thing.mask[None], np.zeros(1, np.int64), thing.box[None], GRID)[0]


def paste(
    grids: Sequence[np.ndarray], things: Sequence[Thing], threshold: float = 0.5
) -> list[np.ndarray]:
    """Each grid in its object's box, as a mask (H, W): where it is at least the threshold."""
    return [
        paste_masks(grid[None] - threshold + 0.5, thing.box[None], SIDE, SIDE)[0]
        for grid, thing in zip(grids, things, strict=True)
    ]


def measured(masks: Sequence[np.ndarray], things: Sequence[Thing]) -> Loss:
    """Compare pasted masks with the true ones; a centre is that of the mask's pixels."""
    ious, distances = [], []
    for mask, thing in zip(masks, things, strict=True):
        ious.append((mask & thing.mask).sum() / (mask | thing.mask).sum())
        if mask.any():
            centres = [np.argwhere(m).mean(axis=0) for m in (mask, thing.mask)]
            distances.append(np.linalg.norm(centres[0] - centres[1]))
    return Loss(float(np.mean(ious)), float(np.mean(distances)))


def best_threshold(way: str, stride: int, things: Sequence[Thing]) -> float:
    """From which value on a cell counts as the object, so that masks fit best."""
    pooled = grids(way, stride, things)
    ious = [measured(paste(pooled, things, t), things).iou for t in THRESHOLDS]
    return float(THRESHOLDS[np.argmax(ious)])


def mask_loss(way: str, stride: int, known: Sequence[Thing], unseen: Sequence[Thing]) -> Loss:
    """What the masks of unseen objects lose, with the threshold that suits known ones."""
    threshold = best_threshold(way, stride, known)
    return measured(paste(grids(way, stride, unseen), unseen, threshold), unseen)


def table(rows: dict[str, list[float]], form: str) -> str:
    """A line for each way, a column for each stride."""
    head = f"{'':<28}" + "".join(f"{f'stride {s}':>11}" for s in STRIDES)
    lines = [
        f"{way:<28}" + "".join(f"{form.format(v):>11}" for v in values)
        for way, values in rows.items()
    ]
    return "\n".join([head, *lines])


def window_of(thing: Thing, around: int = STRIDE) -> tuple[slice, slice]:
    """Rows and columns of whole cells around the object."""
    x1, y1, x2, y2 = thing.box
    top, left = (max(0, int((v - around) // STRIDE * STRIDE)) for v in (y1, x1))
    bottom, right = (min(SIDE, int(-(-(v + around) // STRIDE) * STRIDE)) for v in (y2, x2))
    return slice(top, bottom), slice(left, right)


def draw_misalignment(thing: Thing) -> Image.Image:
    """The scene under the cells of the map; what the two operations read, and what they give."""
    rows, columns = window_of(thing, 2 * STRIDE)
    picture, factor = enlarged_part(thing.image, rows, columns, 560)
    canvas = Canvas(picture)
    paint_cells(canvas, STRIDE * factor)
    corner = np.array([columns.start, rows.start] * 2)
    rounded = np.array(rounded_box((thing.box / STRIDE).tolist())) * STRIDE
    canvas.outline((rounded - corner) * factor, VERMILLION, 4)
    canvas.outline((thing.box - corner) * factor, WHITE, 3)
    heat = heat_picture(
        coverage(thing.mask, STRIDE)[
            rows.start // STRIDE : rows.stop // STRIDE,
            columns.start // STRIDE : columns.stop // STRIDE,
        ],
        picture.size,
        0,
        1,
    )
    both = contact_sheet(
        [canvas.finish(), heat],
        [
            f"\nThe box, white, on cells of {STRIDE} pixels\nRoI pooling reads the outer one",
            "\nThe map: how much of each cell the object covers\ndark is none, bright is all",
        ],
        columns=2,
        tile_width=560,
    )
    below = draw_roi_grids(coverage(thing.mask, STRIDE), thing.box, 1 / STRIDE, 3)
    return mosaic([both, below], columns=1, gap=0)


def enlarged_part(
    image: np.ndarray, rows: slice, columns: slice, side: int
) -> tuple[Image.Image, float]:
    """A part of the image, its longer side so many pixels, and how many times as large it is."""
    picture = to_picture(image[:, rows, columns])
    factor = side / max(picture.size)
    size = (round(picture.width * factor), round(picture.height * factor))
    return picture.resize(size, Image.Resampling.BICUBIC), factor


def paint_cells(canvas: Canvas, cell: float) -> None:
    """Thin lines between the cells of the map, which are so many pixels of the canvas."""
    for x in np.arange(cell, canvas.width - 1, cell):
        canvas.line(((x, 0), (x, canvas.height)), (*WHITE, 110), 1.2)
    for y in np.arange(cell, canvas.height - 1, cell):
        canvas.line(((0, y), (canvas.width, y)), (*WHITE, 110), 1.2)


def draw_sliding(thing: Thing) -> Image.Image:
    """The moving box and what each operation makes of it; below, how much each step changes."""
    steps = [STEPS // 2 + STEPS // 4 * i for i in range(5)]
    maps = coverage(thing.mask, STRIDE)[None]
    rows, columns = window_of(thing, 2 * STRIDE)
    tiles, captions = [], []
    for step in steps:
        picture, factor = enlarged_part(thing.image, rows, columns, 200)
        canvas = Canvas(picture)
        corner = np.array([columns.start, rows.start] * 2)
        paint_cells(canvas, STRIDE * factor)
        canvas.outline((moved(thing.box, step) - corner) * factor, ORANGE, 2.5)
        tiles.append(canvas.finish())
        captions.append(f"\n{step / STEPS - 1:+.2f} cells")
    for way in (POOLING, ALIGN):
        for step in steps:
            values = pool(way, maps, moved(thing.box, step), STRIDE, 7)[0]
            tiles.append(heat_picture(values, (196, 196), 0, 1))
            captions.append(f"\n{way}")
    film = contact_sheet(
        tiles, captions, columns=5, tile_width=200, title="A box moves by fractions of a cell"
    )
    at = np.arange(1, 2 * STEPS + 1) / STEPS - 1
    panels = {
        "Change of the 7 × 7 features at each sixteenth of a cell": {
            way: (at, changes) for way, changes in slide(thing).items()
        }
    }
    curves = draw_curves(panels, x_label="place of the box, cells", size=(film.width, 380))
    return mosaic([film, curves], columns=1, gap=0)


def draw_losses(known: Sequence[Thing], unseen: Sequence[Thing], rows: int = 3) -> Image.Image:
    """Of some objects the pasted masks: what they have, what they lack, what is too much."""
    tiles, captions = [], []
    thresholds = {way: best_threshold(way, STRIDE, known) for way in WAYS}
    for thing in shown_of(unseen)[:rows]:
        window = window_of(thing)
        picture, _ = enlarged_part(thing.image, *window, 250)
        tiles.append(picture)
        captions.append("\nThe object")
        for way in WAYS:
            (mask,) = paste(grids(way, STRIDE, [thing]), [thing], thresholds[way])
            iou, pixels = measured([mask], [thing])
            tiles.append(compare_masks(mask, thing, window, picture))
            captions.append(f"\n{way}\nIoU {iou:.2f}, centre {pixels:.1f} pixels off")
    title = f"Masks pooled from a map of stride {STRIDE} that knows the truth"
    sheet = contact_sheet(tiles, captions, columns=1 + len(WAYS), title=title, tile_width=250)
    entries = [
        LegendEntry(BLUE, "the object, found"),
        LegendEntry(VERMILLION, "missing"),
        LegendEntry(ORANGE, "too much"),
    ]
    legend = Image.new("RGB", (sheet.width, 56), WHITE)
    legend.paste(draw_legend(entries, sheet.width - 56), (28, 0))
    return mosaic([sheet, legend], columns=1, gap=0)


def compare_masks(
    mask: np.ndarray, thing: Thing, window: tuple[slice, slice], under: Image.Image
) -> Image.Image:
    """The picture in grey, and over it in colours where a mask and the true one agree and not."""
    picture = Image.blend(under.convert("L").convert("RGB"), Image.new("RGB", under.size), 0.1)
    parts = {
        BLUE: mask & thing.mask,
        VERMILLION: ~mask & thing.mask,
        ORANGE: mask & ~thing.mask,
    }
    for colour, part in parts.items():
        cut = Image.fromarray(part[window]).resize(under.size, Image.Resampling.NEAREST)
        tint = Image.blend(picture, Image.new("RGB", under.size, colour), 0.75)
        picture = Image.composite(tint, picture, cut)
    return picture


def draw_strides(
    misread: dict[int, dict[str, float]], losses: dict[int, dict[str, Loss]]
) -> Image.Image:
    """The three numbers against the stride, as bars."""
    numbers = {
        "Where does it look? Pixels off": {s: misread[s] for s in STRIDES},
        "What does a mask lose? IoU with the true mask": {
            s: {way: loss.iou for way, loss in losses[s].items()} for s in STRIDES
        },
        "By how much is the mask moved? Pixels": {
            s: {way: loss.pixels for way, loss in losses[s].items()} for s in STRIDES
        },
    }
    bars = []
    for title, rows in numbers.items():
        named = {
            f"stride {s}": {way: round(value, 2) for way, value in row.items()}
            for s, row in rows.items()
        }
        bars.append(draw_bars(title, named, width=560))
    return mosaic(bars, columns=3, gap=0)


if __name__ == "__main__":
    main()
