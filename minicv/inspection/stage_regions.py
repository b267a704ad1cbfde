"""How stages about regions are drawn: boxes, crops, features, scores, refined boxes, detections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.boxes import draw_moved_boxes, draw_proposals, paint_boxes
from minicv.inspection.canvas import to_picture
from minicv.inspection.detections import draw_detections
from minicv.inspection.heatmap import colour_bar
from minicv.inspection.palette import WHITE, Colour, class_colour
from minicv.inspection.panels import LegendEntry, contact_sheet, draw_legend
from minicv.inspection.regions import (
    crop_of_box,
    draw_score_table,
    feature_picture,
    region_card,
    score_cards,
)
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import Drawn, Scene, halves, pale, stacked

MOST_BOXES = 40  # drawn; more would hide the image
MOST_BOXES_OF_A_CROWD = 300  # drawn of boxes that a later stage thins out: the crowd is the point
MOST_REGIONS = 8  # shown one by one
MOST_CROPS = 12
CROP_SIDE = 112  # pixels of a region's crop
DRAWN_SCORE = 0.5  # of a detection; the unsure ones would hide the sure
MOST_UNSURE = 3  # drawn where none is sure
TILE = 400  # width of a picture that is made for the overview alone


def draw_boxes(stage: Stage, scene: Scene) -> Drawn:
    """The best boxes in the colours of their scores."""
    boxes, scores = stage.arrays["boxes"], stage.arrays["scores"]
    thinned_out = any(later.kind == "boxes" for later in scene.stages[scene.index + 1 :])
    most = MOST_BOXES_OF_A_CROWD if thinned_out else MOST_BOXES
    if not len(boxes):
        return Drawn(pale(scene.picture()[0]), "no boxes, so there is nothing to draw")
    if scores.min() == scores.max():  # none is best: some from everywhere
        rows = np.unique(np.linspace(0, len(boxes) - 1, most).astype(int))
        picture = draw_proposals(scene.on_image(), boxes[rows], scores[rows], most)
        note = "all with the same score"
        return Drawn(picture, f"{len(rows)} are drawn, {note}" if len(rows) < len(boxes) else note)
    low, high = score_scale(scores)
    picture = draw_proposals(scene.on_image(), boxes, scores, most, low, high)
    note = f"the best {most} are drawn; bright is best" if len(boxes) > most else "bright is best"
    bar = colour_bar(picture.width, f"score {low:.3g}", f"{high:.3g}")
    return Drawn(picture, note, stacked(picture, bar))


def score_scale(scores: np.ndarray) -> tuple[float, float]:
    """The ends of a colour scale: 0 to 1 for probabilities, else what there is, and 0.

    Scores that are all below a half are on a scale of their own, or all would be dark.

    >>> score_scale(np.array([0.2, 0.9])), score_scale(np.array([0.02, 0.2]))
    ((0.0, 1.0), (0.0, 0.2))
    >>> score_scale(np.array([-3.0, 7.0]))
    (-3.0, 7.0)
    """
    low, high = min(0.0, float(scores.min())), float(scores.max())
    return (low, 1.0) if low == 0 and 0.5 < high <= 1 else (low, high)


def draw_regions(stage: Stage, scene: Scene) -> Drawn:
    """What the system cuts out, or else the pixels of the boxes; and where on the image that is."""
    shown = scene.shown_regions(MOST_CROPS)
    if not shown:
        return _no_regions(scene)
    crops = _crops(stage, scene, shown, CROP_SIDE)
    numbers = [f"\n{number}" for number in range(1, len(shown) + 1)]
    detail = halves(
        _numbered(stage, scene, shown),
        contact_sheet(crops, numbers, columns=4, margin=0),
        "where they are",
        "what the network sees of each",
    )
    side = TILE // 4 - 6
    small = _crops(stage, scene, shown, side)
    return Drawn(_mosaic(small, columns=4), _shown_of(shown, stage), detail)


def draw_region_features(stage: Stage, scene: Scene) -> Drawn:
    """Of each region shown the pixels, the mean feature, the strongest channels, and a verdict."""
    shown = scene.shown_regions(MOST_REGIONS)
    if not shown:
        return _no_regions(scene)
    features = stage.arrays["region_features"]
    crops = _crops(stage, scene, shown, CROP_SIDE)
    cards = [region_card(crop, features[r]) for crop, r in zip(crops, shown, strict=True)]
    parts = "the mean of its features, and the 8 strongest channels"
    if features.ndim == 2:
        parts = f"its {features.shape[1]:,} features, row by row"
    detail = halves(
        _numbered(stage, scene, shown),
        contact_sheet(cards, [f"\n{v}" for v in scene.verdicts(shown)], columns=2, margin=0),
        "where they are",
        f"each region, {parts}",
    )
    side = TILE // 4 - 6
    small = []
    for crop, region in zip(_crops(stage, scene, shown, side), shown, strict=True):
        small += [crop, feature_picture(features[region], (side, side))]
    return Drawn(_mosaic(small, columns=4), _shown_of(shown, stage), detail)


def draw_scores_of_regions(stage: Stage, scene: Scene) -> Drawn:
    """Regions against classes as a table of colours; on its own as bars."""
    shown = scene.shown_regions(MOST_REGIONS)
    if not shown:
        return _no_regions(scene)
    scores = stage.arrays["class_scores"][shown]
    names = scene.class_names
    crops = _crops(stage, scene, shown, CROP_SIDE)
    numbers = [f"\n{verdict}" for verdict in scene.verdicts(shown)]
    detail = halves(
        _numbered(stage, scene, shown),
        contact_sheet(score_cards(crops, scores, names), numbers, columns=2, margin=0),
        "where they are",
        "the scores of the classes",
    )
    return Drawn(draw_score_table(crops, scores, names, TILE), _shown_of(shown, stage), detail)


def draw_refined_boxes(stage: Stage, scene: Scene) -> Drawn:
    """Where the surest regions were, in white, and where their best class moves them."""
    shown = scene.shown_regions(MOST_REGIONS)
    if not shown:
        return _no_regions(scene)
    scores = stage.arrays["class_scores"][shown]  # (S, K)
    sure = scores.max(axis=1) >= 0.5 * scores.max()
    rows, labels = np.array(shown)[sure], scores.argmax(axis=1)[sure]
    before, after = stage.arrays["boxes"][rows], stage.arrays["refined_boxes"][rows, labels]
    picture = draw_moved_boxes(scene.on_image(), before, after, labels)
    present = np.unique(labels).tolist()
    patches = [Image.new("RGB", (1, 1), class_colour(label)) for label in present]
    names = [f"moved as {scene.class_names[label]}" for label in present]
    entries = [LegendEntry(*entry) for entry in zip(patches, names, strict=True)]
    note = f"the surest {len(rows)} of {len(stage.arrays['boxes']):,}; white is where they were"
    return Drawn(picture, note, stacked(picture, draw_legend(entries, picture.width)))


def draw_detected(stage: Stage, scene: Scene) -> Drawn:
    """The detections that are sure enough, or else the few that are surest."""
    arrays = stage.arrays
    scores = arrays["scores"]
    sure = np.flatnonzero(scores >= DRAWN_SCORE)
    note = f"the {len(sure)} with a score of at least {DRAWN_SCORE}"
    if not len(sure):
        note = f"none has a score of at least {DRAWN_SCORE}"
        sure = np.argsort(-scores, kind="stable")[:MOST_UNSURE]
        if len(sure):
            note += (
                f"; the surest {len(sure)} are drawn" if len(sure) > 1 else "; the surest is drawn"
            )
    picture = draw_detections(
        arrays["image"],
        arrays["boxes"][sure],
        arrays["labels"][sure],
        scores[sure],
        scene.class_names,
    )
    return Drawn(picture, note)


def _no_regions(scene: Scene) -> Drawn:
    return Drawn(pale(scene.picture()[0]), "no regions, so there is nothing to draw")


def _shown_of(shown: Sequence[int], stage: Stage) -> str:
    regions = len(stage.arrays["boxes"])
    return "" if len(shown) == regions else f"{len(shown)} of {regions:,} regions are shown"


def _crops(stage: Stage, scene: Scene, shown: Sequence[int], side: int) -> list[Image.Image]:
    """A square picture of each region shown."""
    crops = stage.arrays.get("crops")
    if crops is not None:
        return [to_picture(crops[r]).resize((side, side), Image.Resampling.BICUBIC) for r in shown]
    return [crop_of_box(scene.on_image(), stage.arrays["boxes"][r], side) for r in shown]


def _numbered(stage: Stage, scene: Scene, shown: Sequence[int]) -> Image.Image:
    """The regions shown on the pale image, with their numbers, in the colours of their classes."""
    scores = scene.class_scores()
    picture, factor = scene.picture()
    colours: list[Colour] = [
        class_colour(number if scores is None else int(scores[region].argmax()))
        for number, region in enumerate(shown)
    ]
    numbers = [str(number) for number in range(1, len(shown) + 1)]
    return paint_boxes(pale(picture), stage.arrays["boxes"][shown] * factor, colours, numbers)


def _mosaic(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Equally large pictures in rows, on white, with little between them."""
    gap = 8
    side_x, side_y = pictures[0].width + gap, pictures[0].height + gap
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * side_x - gap, rows * side_y - gap), WHITE)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        sheet.paste(picture, (column * side_x, row * side_y))
    return sheet
