"""How stages about masks and joints are drawn: grids of probabilities, heat maps, instances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from minicv.inspection.boxes import paint_boxes
from minicv.inspection.heatmap import colour_bar, colour_map, heat_picture
from minicv.inspection.instance_comparison import scaled_instances
from minicv.inspection.instances import draw_instances
from minicv.inspection.label_maps import percent
from minicv.inspection.palette import BLACK, Colour, class_colour
from minicv.inspection.panels import contact_sheet, mosaic
from minicv.inspection.regions import crop_of_box
from minicv.inspection.stage import Stage
from minicv.inspection.stage_regions import DRAWN_SCORE, MOST_SIDE_OF_TILE, MOST_UNSURE
from minicv.inspection.stage_scene import PANEL_WIDTH, Drawn, Scene, halves, pale
from minicv.inspection.stage_sizes import image_at, size_within

MOST_OBJECTS = 8  # shown one by one
SIDE = 112  # of a crop, pixels
SMALL_SIDE = 94  # of one of four beside each other on the overview
MOST_BODIES = 4  # whose heat maps are shown over the image
JOINT_COLUMNS = 5
EDGE = 0.5  # probability from which a cell belongs to the mask
INSTANCE_ARRAYS = ("boxes", "labels", "scores", "masks", "keypoints", "keypoint_scores")


def draw_mask_probabilities(stage: Stage, scene: Scene) -> Drawn:
    """Of each of the best detections the pixels of its box, the grid of probabilities, and both in
    one, with the line along which the probability is a half."""
    arrays = stage.arrays
    count = min(MOST_OBJECTS, len(arrays["boxes"]))
    colours = [class_colour(k) for k in arrays["labels"][:count].tolist()]
    cards, captions = [], []
    for d in range(count):
        cards.append(mosaic(_mask_pictures(arrays, d, scene, SIDE, colours[d]), columns=3))
        name = scene.class_names[int(arrays["labels"][d])]
        captions.append(f"\n{d + 1}.  {name} {arrays['scores'][d]:.2f}")
    note = "its pixels, the grid, and where the probability is above a half"
    sheet = contact_sheet(cards, captions, columns=2, margin=0)
    bar = colour_bar(sheet.width, "0", "1")
    where = _numbered(scene, arrays["boxes"][:count], colours)
    detail = halves(where, mosaic([sheet, bar], columns=1), "where they are", note)
    small = []
    for d in range(count):
        crop, grid, _ = _mask_pictures(arrays, d, scene, SMALL_SIDE, colours[d])
        small += [crop, grid]
    total = len(arrays["boxes"])
    shown = f"the first {count} of {total:,} are shown" if count < total else ""
    return Drawn(mosaic(small, columns=4), shown, detail)


def _mask_pictures(
    arrays: Any, d: int, scene: Scene, side: int, colour: Colour
) -> list[Image.Image]:
    """The crop of a detection, its probabilities, and the crop with the mask's edge."""
    crop = crop_of_box(scene.on_image(), arrays["boxes"][d], side)
    grid = np.asarray(arrays["mask_probabilities"][d], np.float32)  # (M, M)
    smooth = np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BILINEAR))
    inside = smooth >= EDGE
    tint = Image.blend(crop, Image.new("RGB", crop.size, colour), 0.4)
    both = Image.composite(tint, crop, Image.fromarray(inside))
    for colour_of_line, wide in ((BLACK, 3), (colour, 1)):
        both.paste(colour_of_line, mask=Image.fromarray(_edge(inside, wide)))
    return [crop, heat_picture(grid, (side, side), 0, 1), both]


def _edge(inside: np.ndarray, wide: int) -> np.ndarray:
    """(H, W) bool, pixels within ``wide`` steps of the other side of the mask's edge."""
    near = np.zeros_like(inside)
    for step in range(1, wide + 1):
        across = inside[:, step:] != inside[:, :-step]
        down = inside[step:] != inside[:-step]
        half = (step + 1) // 2
        near[:, half : half + across.shape[1]] |= across
        near[half : half + down.shape[0]] |= down
    return near


def _numbered(scene: Scene, boxes: np.ndarray, colours: Sequence[Colour]) -> Image.Image:
    """The boxes on the pale image, with their numbers."""
    picture, factor = scene.picture()
    numbers = [str(number) for number in range(1, len(boxes) + 1)]
    return paint_boxes(pale(picture), boxes * factor, colours, numbers)


def draw_heat_maps(stage: Stage, scene: Scene) -> Drawn:
    """The heat maps of the best bodies over the image, and joint by joint those of the best one.

    Joint by joint each map has a scale of its own, up to its peak: a joint of which the network is
    unsure has a wide hill, and its best cell a small share.
    """
    boxes, heatmaps = stage.arrays["boxes"], np.asarray(stage.arrays["heatmaps"], np.float32)
    count = min(MOST_BODIES, len(boxes))
    names = [str(name).replace("_", " ") for name in stage.arrays.get("joint_names", ())]
    names = names or [f"joint {j + 1}" for j in range(heatmaps.shape[1])]
    picture, factor = scene.picture()
    over = pale(picture)
    for d in reversed(range(count)):
        peaks = heatmaps[d].max(axis=(1, 2), initial=0)
        scale = np.maximum(peaks, np.median(peaks) / 2)  # a joint that nobody is sure of is faint
        heat = heatmaps[d] / np.maximum(scale, 1e-12)[:, None, None]
        _lay_heat(over, boxes[d] * factor, heat.max(axis=0))
    colours = [class_colour(d) for d in range(count)]
    numbers = [str(d + 1) for d in range(count)] if count > 1 else [""]
    over = paint_boxes(over, boxes[:count] * factor, colours, numbers)
    tiles, captions = [], []
    tile_width = (PANEL_WIDTH - (JOINT_COLUMNS - 1) * 24) // JOINT_COLUMNS
    crop = pale(crop_of_box(scene.on_image(), boxes[0], tile_width))
    for name, heat in zip(names, heatmaps[0], strict=True):
        tile = crop.copy()
        square = np.array([0, 0, tile_width, tile_width])
        _lay_heat(tile, square, heat / max(float(heat.max()), 1e-12))
        tiles.append(tile)
        captions.append(f"\n{name}\n{percent(float(heat.max()))}")
    sheet = contact_sheet(tiles, captions, JOINT_COLUMNS, tile_width=tile_width, margin=0)
    sheet = mosaic([sheet, colour_bar(sheet.width, "0", "the joint's peak")], columns=1)
    whose = "of the first, " if len(boxes) > 1 else ""
    detail = halves(
        over, sheet, "all joints together", f"{whose}joint by joint: the share of the best cell"
    )
    note = "bright is where a joint may be"
    if count < len(boxes):
        note += f"; the first {count} of {len(boxes):,} are shown"
    return Drawn(over, note, detail)


def _lay_heat(picture: Image.Image, box: np.ndarray, heat: np.ndarray) -> None:
    """Colour a box of the picture: nothing where the heat is 0, the full colour where it is 1."""
    x1, y1 = (int(v) for v in np.floor(box[:2]))
    size = tuple(int(v) for v in np.maximum(1, np.ceil(box[2:]) - (x1, y1)))
    left, top = max(0, -x1), max(0, -y1)
    right, bottom = min(size[0], picture.width - x1), min(size[1], picture.height - y1)
    if right <= left or bottom <= top:
        return
    share = (heat.shape[1] / size[0], heat.shape[0] / size[1])
    window = (left * share[0], top * share[1], right * share[0], bottom * share[1])
    part = Image.fromarray(heat).resize(
        (right - left, bottom - top), Image.Resampling.BILINEAR, box=window
    )
    values = np.clip(np.asarray(part), 0, 1)
    colours = Image.fromarray(colour_map(values, 0, 1))
    opacity = Image.fromarray((255 * np.minimum(1, 0.35 + values)).astype(np.uint8))
    picture.paste(colours, (x1 + left, y1 + top), opacity)


def draw_all_instances(stage: Stage, scene: Scene) -> Drawn:
    """The instances that are sure enough, or else the few that are surest."""
    arrays, scores = stage.arrays, np.asarray(stage.arrays["scores"])
    rows = np.flatnonzero(scores >= DRAWN_SCORE)
    note = f"the {len(rows)} with a score of at least {DRAWN_SCORE}"
    if not len(rows):
        rows = np.argsort(-scores, kind="stable")[:MOST_UNSURE]
        note = f"none has a score of at least {DRAWN_SCORE}"
        note += f"; shown: the surest {len(rows)}" if len(rows) else ""
    chosen = {name: np.asarray(arrays[name])[rows] for name in INSTANCE_ARRAYS if name in arrays}
    height, width = arrays["image"].shape[1:]
    names = _joint_names(stage, scene)
    pictures = []
    for most in sorted({min(MOST_SIDE_OF_TILE, max(height, width)), max(height, width)}):
        size = size_within(height, width, most)
        image = arrays["image"] if size == (height, width) else image_at(arrays["image"], size)
        found = scaled_instances(chosen, (height, width), size)
        pictures.append(
            draw_instances(image, class_names=scene.class_names, joint_names=names, **found)
        )
    return Drawn(pictures[0], note, pictures[-1] if len(pictures) > 1 else None)


def _joint_names(stage: Stage, scene: Scene) -> Sequence[str]:
    """The stage's own names of joints, or those of a stage before with as many joints."""
    if "keypoints" not in stage.arrays:
        return ()
    joints = np.shape(stage.arrays["keypoints"])[1]
    for other in (stage, *reversed(scene.stages[: scene.index])):
        names = other.arrays.get("joint_names", ())
        if len(names) == joints:
            return [str(name) for name in names]
    return ()
