"""Region proposals: Selective Search step by step, what four proposers look at, and recall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sheet import Sheet, cells, farm, photo, shifted

from minicv.data import Farmyard
from minicv.inspection import draw_curves, draw_segments, overlay_heatmap
from minicv.inspection.palette import GREY, class_colour
from minicv.metrics.proposal_recall import proposal_recall
from minicv.proposals import EdgeBoxes, SelectiveSearch, SlidingWindow
from minicv.proposals.bing import gradient_maps
from minicv.proposals.colour_spaces import COLOUR_SPACES
from minicv.proposals.edge_map import GradientEdges, thin_edges
from minicv.proposals.felzenszwalb import felzenszwalb, pixel_graph, segment
from minicv.proposals.hierarchical_grouping import (
    colour_bins,
    group,
    group_until,
    regions_of,
    texture_bins,
)
from minicv.proposals.proposer import as_picture, resized
from minicv.proposals.window_cues import spectral_residual
from minicv.vision import box_iou

COUNTS = (3, 10, 30, 100, 300, 1000)


def draw(out: Path) -> None:
    selective_search(out / "12_proposals.png")
    four_cues(out / "12_proposals_cues.png")
    recall(out / "12_proposals_recall.png")


def selective_search(path: Path) -> None:
    """One hierarchy: its lowest level, two levels above, and the boxes that fit best."""
    image, target = farm()
    picture = COLOUR_SPACES["HSV"](image)
    labels = segment(pixel_graph(picture, 0.8), 50, 50)
    regions = regions_of(labels, colour_bins(picture), texture_bins(picture))
    boxes = group(regions, "CTSF")
    count = len(regions.size)
    sheet = Sheet(1160)
    for number, left in enumerate((count, count // 3, 12)):
        x, y = number % 2 * 720, number // 2 * 580
        level = group_until(labels, regions, "CTSF", left)
        sheet.write(x, y + 4, f"{number + 1}.  {left} regions", 32)
        sheet.place(draw_segments(image, level).resize((680, 510)), x, y + 54)
    x, y, scale = 720, 580, 680 / 320
    sheet.write(x, y + 4, f"4.  of {len(boxes)} boxes the best for each object", 32)
    sheet.place(photo(image, 680), x, y + 54)
    overlaps = box_iou(target["boxes"], boxes.astype(np.float32))
    for truth, row, label in zip(target["boxes"], overlaps, target["labels"], strict=True):
        sheet.canvas.outline(shifted(truth, (x, y + 54), scale), class_colour(label), 3)
        where = shifted(boxes[row.argmax()], (x, y + 54), scale)
        sheet.dashed(where, class_colour(label), 4)
        sheet.tag(where[0], where[1] + 33, f"{row.max():.2f}", class_colour(label))
    sheet.save(path)


def four_cues(path: Path) -> None:
    """The same scene as each proposer looks at it."""
    image, target = farm()
    small = resized(as_picture(image), 64, 64)
    saliency = np.mean([spectral_residual(small[..., c]) for c in range(3)], axis=0)
    segments = draw_segments(image, felzenszwalb(image, k=100, sigma=0.8, min_size=50))
    magnitude, orientation = GradientEdges(sigma=1.5).detect(image)
    edges = np.ones(image.shape[1:])
    y, x = thin_edges(magnitude, orientation, 0.1)
    edges[y, x] = 1 - np.sqrt(magnitude[y, x])
    pictures = [
        overlay_heatmap(image, np.sqrt(saliency)),
        segments,
        bing_patches(image, target["boxes"]),
        Image.fromarray((255 * edges).astype(np.uint8)).convert("RGB"),
    ]
    captions = (
        ("Objectness", "what stands out, contrasts with its surroundings, has an outline"),
        ("Selective Search", "regions of one colour and texture, joined step by step"),
        ("BING", "gradients of 8 x 8: windows of objects (above), windows without (below)"),
        ("Edge Boxes", "contours, and which of them lie wholly inside a box"),
    )
    sheet = Sheet(440)
    for number, (picture, (name, note)) in enumerate(zip(pictures, captions, strict=True)):
        left = number * 354
        sheet.write(left, 4, name, 30)
        sheet.place(picture.resize((338, 254), Image.Resampling.LANCZOS), left, 50)
        sheet.write(left, 318, note, 25, GREY, width=336)
    sheet.save(path)


def bing_patches(image: np.ndarray, truth: np.ndarray) -> Image.Image:
    """8 x 8 gradients of the windows nearest to objects, and of windows that hold none."""
    maps = list(gradient_maps(image))
    boxes, patches = [], []
    for one in maps:
        rows, columns = (grid.ravel() for grid in np.indices(one.places))
        boxes.append(one.boxes(rows, columns))
        patches += [one.values[r : r + 8, c : c + 8] for r, c in zip(rows, columns, strict=True)]
    every = np.concatenate(boxes).astype(np.float32)
    overlaps = box_iou(truth, every)
    objects = [int(row.argmax()) for row in overlaps[:4]]
    empty = np.flatnonzero(overlaps.max(axis=0) < 0.05)
    other = np.random.default_rng(1).choice(empty, 4, replace=False)
    sheet = Image.new("RGB", (338, 254), "white")
    for row, chosen in enumerate((objects, other.tolist())):
        for column, index in enumerate(chosen[:4]):
            patch = cells(patches[index].astype(np.float32), 9, 0, 255)
            sheet.paste(patch, (10 + column * 82, 34 + row * 102))
    return sheet


def recall(path: Path) -> None:
    """Recall against the number of boxes, on scenes drawn for it."""
    farm_of_scenes = Farmyard(14, seed=11)
    scenes = [farm_of_scenes[i] for i in range(len(farm_of_scenes))]
    proposers = {
        "Selective Search": SelectiveSearch(min_side=8),
        "Edge Boxes": EdgeBoxes(GradientEdges(1.5), least_area=100),
        "windows of a fixed lattice": SlidingWindow((16.0, 32.0, 64.0), step=0.25),
    }
    curves = {}
    for name, proposer in proposers.items():
        found = [proposer.propose(image, np.random.default_rng(0)) for image, _ in scenes]
        result = proposal_recall(found, [target for _, target in scenes], COUNTS, (0.5,))
        curves[name] = (np.log10(COUNTS), result.recall[0])
    title = f"Share of {result.objects} objects that some box overlaps by 0.5 or more"
    names = {float(np.log10(n)): str(n) for n in COUNTS}
    draw_curves({title: curves}, "boxes an image, the best ones", (700, 400), names).save(path)
