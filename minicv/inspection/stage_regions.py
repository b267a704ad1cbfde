"""How stages about regions are drawn: boxes, crops, features, scores, refined boxes, detections.

`minicv.inspection.draw_stages` calls these functions, except `draw_detected`, only for stages that
have a region.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.boxes import clip_line, draw_proposals, paint_boxes
from minicv.inspection.canvas import Canvas, line_width_for, to_picture
from minicv.inspection.detections import draw_detections
from minicv.inspection.heatmap import colour_bar
from minicv.inspection.palette import GREY, WHITE, class_colour
from minicv.inspection.panels import LegendEntry, contact_sheet, mosaic, with_legend
from minicv.inspection.regions import crop_of_box, feature_picture, region_card, score_cards
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import HIT, Drawn, Objects, Scene, halves, pale
from minicv.inspection.stage_sizes import image_at, size_within

MOST_BOXES = 40  # drawn; more would hide the image
MOST_BOXES_OF_A_CROWD = 300  # drawn of boxes before suppression, to show how many they are
MOST_REGIONS = 8  # shown one by one
MOST_CROPS = 12
CROP_SIDE = 112  # pixels of a region's crop
SMALL_SIDE = 94  # of one of four beside each other on the overview
MOST_CARDS = 3  # of scores on the overview
DRAWN_SCORE = 0.5  # detections with a lower score are not drawn: they would hide the others
MOST_SIDE_OF_TILE = 600  # so that names can be read on the overview, too
MOST_UNSURE = 3  # drawn where none is sure


def draw_boxes(stage: Stage, scene: Scene) -> Drawn:
    """The best boxes in the colours of their scores."""
    boxes, scores = stage.arrays["boxes"], stage.arrays["scores"]
    thinned_out = any(later.kind == "boxes" for later in scene.stages[scene.index + 1 :])
    most = MOST_BOXES_OF_A_CROWD if thinned_out else MOST_BOXES
    if scene.truth is not None:
        return _draw_hits(boxes, scores, scene, scene.truth, most)
    if scores.min() == scores.max():  # no best ones: some, evenly spread
        rows = np.unique(np.linspace(0, len(boxes) - 1, most).astype(int))
        picture = draw_proposals(scene.on_image(), boxes[rows], scores[rows], most)
        note = "all with the same score"
        return Drawn(picture, f"{len(rows)} are drawn, {note}" if len(rows) < len(boxes) else note)
    low, high = score_scale(scores)
    picture = draw_proposals(scene.on_image(), boxes, scores, most, low, high)
    note = f"the best {most} are drawn; bright is best" if len(boxes) > most else "bright is best"
    bar = colour_bar(picture.width, f"score {low:.3g}", f"{high:.3g}")
    return Drawn(picture, note, mosaic([picture, bar], columns=1))


def _draw_hits(
    boxes: np.ndarray, scores: np.ndarray, scene: Scene, truth: Objects, most: int
) -> Drawn:
    """The best boxes; those that hit an object in the colours of the classes, the others grey."""
    best = np.argsort(-scores, kind="stable")[:most]
    hits = truth.hit_by(boxes[best])
    picture, factor = scene.picture()
    canvas = Canvas(pale(picture))
    width = line_width_for(picture)
    for row in np.argsort(hits >= 0, kind="stable"):  # the hits on top
        box = clip_line(boxes[best[row]] * factor, picture.size, width)
        if hits[row] < 0:
            canvas.frame(box, (*GREY, 110), 0.5 * width)
        else:
            canvas.outline(box, class_colour(int(hits[row])), 0.8 * width)
    tile = canvas.finish()
    drawn = f"the best {len(best)} are drawn; " if len(best) < len(boxes) else ""
    note = f"{drawn}{int((hits >= 0).sum())} hit an object (IoU of {HIT} or more), in its colour"
    entries = [
        LegendEntry(class_colour(label), scene.class_names[label], f"{int((hits == label).sum())}")
        for label in np.unique(truth.labels).tolist()
    ]
    entries.append(LegendEntry(GREY, "no object", f"{int((hits < 0).sum())}"))
    return Drawn(tile, note, with_legend(tile, entries))


def score_scale(scores: np.ndarray) -> tuple[float, float]:
    """The ends of a colour scale: 0, 1 for probabilities, else the least score or 0, and the best.

    Probabilities that are all below a half have a scale of their own, or all would be dark.

    >>> score_scale(np.array([0.2, 0.9])), score_scale(np.array([0.02, 0.2]))
    ((0.0, 1.0), (0.0, 0.2))
    >>> score_scale(np.array([-3.0, 7.0]))
    (-3.0, 7.0)
    """
    low, high = min(0.0, float(scores.min())), float(scores.max())
    return (low, 1.0) if low == 0 and 0.5 < high <= 1 else (low, high)


def draw_regions(stage: Stage, scene: Scene) -> Drawn:
    """The crops of the system, or else the pixels of the boxes; the detail shows where they are."""
    shown = scene.shown_regions(MOST_CROPS)
    crops = _crops(stage, scene, shown, CROP_SIDE)
    numbers = [str(number) for number in range(1, len(shown) + 1)]
    detail = _one_by_one(stage, scene, shown, crops, numbers, 4, "what the network sees of each")
    tile = mosaic(_crops(stage, scene, shown, SMALL_SIDE), columns=4)
    return Drawn(tile, _shown_of(shown, stage), detail)


def draw_region_features(stage: Stage, scene: Scene) -> Drawn:
    """Of each region shown the pixels, the mean feature, the strongest channels, and a verdict."""
    shown = scene.shown_regions(MOST_REGIONS)
    features = _as_maps(stage)
    crops = _crops(stage, scene, shown, CROP_SIDE)
    cards = [region_card(crop, features[r]) for crop, r in zip(crops, shown, strict=True)]
    note = "each region, the mean of its features, and the 8 strongest channels"
    if features.ndim == 2:
        note = f"each region, its {features.shape[1]:,} features, row by row"
    elif features[0].size < stage.arrays["region_features"][0].size:
        rows, columns = features.shape[2:]
        note = (
            f"each region, of the bins of {rows} × {columns} the mean, and the 8 strongest channels"
        )
    detail = _one_by_one(stage, scene, shown, cards, scene.verdicts(shown), 2, note)
    small = []
    for crop, region in zip(_crops(stage, scene, shown, SMALL_SIDE), shown, strict=True):
        small += [crop, feature_picture(features[region], (SMALL_SIDE, SMALL_SIDE))]
    return Drawn(mosaic(small, columns=4), _shown_of(shown, stage), detail)


def _as_maps(stage: Stage) -> np.ndarray:
    """The features of the regions, as maps where the stage says that they are."""
    features = stage.arrays["region_features"]
    if "maps" not in stage.arrays:
        return features
    shape = tuple(int(size) for size in stage.arrays["maps"])
    return features[:, : math.prod(shape)].reshape(-1, *shape)  # (R, P) -> (R, C, h, w)


def draw_scores_of_regions(stage: Stage, scene: Scene) -> Drawn:
    """Of each region shown the pixels, and a bar for each class."""
    shown = scene.shown_regions(MOST_REGIONS)
    crops = _crops(stage, scene, shown, CROP_SIDE)
    cards = score_cards(crops, stage.arrays["class_scores"][shown], scene.class_names)
    note = "the scores of the classes"
    detail = _one_by_one(stage, scene, shown, cards, scene.verdicts(shown), 2, note)
    few = cards[:MOST_CARDS]
    return Drawn(
        mosaic(few, columns=1),
        _shown_of(shown[:MOST_CARDS], stage),
        detail,
        detail_note=_shown_of(shown, stage),
    )


def draw_refined_boxes(stage: Stage, scene: Scene) -> Drawn:
    """The surest regions in white, the boxes of their best classes in the colours of the classes,
    and a line from each corner of a region to that of its box. The surest lie on top."""
    shown = scene.shown_regions(MOST_REGIONS)
    best = stage.arrays["class_scores"][shown].max(axis=1)
    rows = np.array(shown)[best >= 0.5 * best.max()]
    labels = stage.arrays["class_scores"][rows].argmax(axis=1)
    picture, factor = scene.picture()
    canvas = Canvas(picture.convert("L"))
    width = line_width_for(picture)
    before, after = stage.arrays["boxes"][rows], stage.arrays["refined_boxes"][rows, labels]
    for row in reversed(range(len(rows))):
        colour = class_colour(int(labels[row]))
        old, new = (clip_line(b[row] * factor, picture.size, width) for b in (before, after))
        canvas.outline(old, (*WHITE, 215), 0.8 * width)
        canvas.outline(new, colour, 1.3 * width)
        for x, y in ((0, 1), (2, 1), (0, 3), (2, 3)):
            canvas.line(((old[x], old[y]), (new[x], new[y])), colour, 0.7 * width)
            canvas.disc((old[x], old[y]), 0.9 * width, WHITE)
    tile = canvas.finish()
    entries = [
        LegendEntry(class_colour(label), f"moved as {scene.class_names[label]}")
        for label in np.unique(labels).tolist()
    ]
    note = f"the surest {len(rows)} of {len(stage.arrays['boxes']):,}; white is where they were"
    return Drawn(tile, note, with_legend(tile, entries))


def draw_detected(stage: Stage, scene: Scene) -> Drawn:
    """The detections that are sure enough, or else the few that are surest."""
    arrays, scores = stage.arrays, stage.arrays["scores"]
    rows = np.flatnonzero(scores >= DRAWN_SCORE)
    note = f"the {len(rows)} with a score of at least {DRAWN_SCORE}"
    if not len(rows):
        rows = np.argsort(-scores, kind="stable")[:MOST_UNSURE]
        note = f"none has a score of at least {DRAWN_SCORE}"
        note += f"; shown: the surest {len(rows)}" if len(rows) else ""
    height, width = arrays["image"].shape[1:]
    pictures = []
    for most in sorted({min(MOST_SIDE_OF_TILE, max(height, width)), max(height, width)}):
        size = size_within(height, width, most)
        image = arrays["image"] if size == (height, width) else image_at(arrays["image"], size)
        down, across = size[0] / height, size[1] / width
        boxes = arrays["boxes"][rows] * np.array([across, down, across, down])
        labels = arrays["labels"][rows]
        pictures.append(draw_detections(image, boxes, labels, scores[rows], scene.class_names))
    return Drawn(pictures[0], note, pictures[-1] if len(pictures) > 1 else None)


def _one_by_one(
    stage: Stage,
    scene: Scene,
    shown: Sequence[int],
    pictures: Sequence[Image.Image],
    captions: Sequence[str],
    columns: int,
    note: str,
) -> Image.Image:
    """The regions shown on the pale image, with their numbers, in the colours of their classes; and
    beside it a picture of each."""
    scores = scene.class_scores()
    image, factor = scene.picture()
    colours = [
        class_colour(number if scores is None else int(scores[region].argmax()))
        for number, region in enumerate(shown)
    ]
    numbers = [str(number) for number in range(1, len(shown) + 1)]
    where = paint_boxes(pale(image), stage.arrays["boxes"][shown] * factor, colours, numbers)
    sheet = contact_sheet(pictures, [f"\n{caption}" for caption in captions], columns, margin=0)
    return halves(where, sheet, "where they are", note)


def _shown_of(shown: Sequence[int], stage: Stage) -> str:
    regions = len(stage.arrays["boxes"])
    return "" if len(shown) == regions else f"{len(shown)} of {regions:,} regions are shown"


def _crops(stage: Stage, scene: Scene, shown: Sequence[int], side: int) -> list[Image.Image]:
    """A square picture of each region shown."""
    crops = stage.arrays.get("crops")
    if crops is not None:
        return [to_picture(crops[r]).resize((side, side), Image.Resampling.BICUBIC) for r in shown]
    return [crop_of_box(scene.on_image(), stage.arrays["boxes"][r], side) for r in shown]
