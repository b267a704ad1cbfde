"""Faster R-CNN stage by stage: a picture of each intermediate result, and all on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import enlarged
from minicv.inspection.detections import draw_detections
from minicv.inspection.heatmap import feature_tiles
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stage_pictures import (
    MOST_AFTER_NMS,
    MOST_BEFORE_NMS,
    Stages,
    anchor_legend,
    anchor_picture,
    anchor_tiles,
    at_width,
    feature_map_overlay,
    objectness_overlay,
    objectness_tiles,
    proposal_picture,
    region_cards,
    region_mosaic,
    with_score_bar,
)

OVERVIEW_TILE = 400  # width of a stage on the overview, pixels
DRAWN_SCORE = 0.5  # of a detection; the unsure ones would hide the sure
PANEL_WIDTH = 600  # of each half of a picture of one stage


def draw_faster_rcnn_stages(stages: Stages, class_names: Sequence[str]) -> dict[str, Image.Image]:
    """Draw what `FasterRCNN.stages` kept.

    Args:
        stages: arrays by name; coordinates in pixels of the network's input unless said. A anchors
            for each cell of the feature map, R proposals, K classes.

            | name | shape | what |
            |---|---|---|
            | image | (3, H0, W0) | the original image, floats in 0..1 |
            | input | (3, H, W) | the same, resized for the network, before normalisation |
            | feature_map | (C, h, w) | what the backbone gives |
            | anchors | (h w A, 4) | rows, then columns, then the anchors of a cell |
            | anchors_per_location | int | A |
            | objectness | (A, h, w) | logits |
            | proposals_before_nms | (P, 4) | moved and clipped anchors |
            | proposal_scores_before_nms | (P,) | their objectness as a probability |
            | proposals, proposal_scores | (R, 4), (R,) | those that NMS kept |
            | region_features | (R, C, 7, 7) | pooled features |
            | class_scores | (R, K + 1) | probabilities, background first |
            | detections | | boxes, labels, scores in pixels of the original image |

        class_names: K names.

    Returns:
        Pictures by the name of the stage, in order: ``input``, ``feature_map``, ``anchors``,
        ``objectness``, ``proposals_before_nms``, ``proposals``, ``region_features``,
        ``detections``, and ``overview``, a sheet with all of them. No proposals and no detections
        are fine: the pictures then say so.

    Raises:
        ValueError: an entry is missing, or two do not go together.

    Source of the stages: Ren et al., "Faster R-CNN" (2015), sections 3 and 3.1.
    """
    _check(stages, class_names)
    channels, height, width = stages["feature_map"].shape
    per_cell = stages["anchors_per_location"]
    before, after = stages["proposals_before_nms"], stages["proposals"]
    sure = stages["detections"]["scores"] >= DRAWN_SCORE
    found = {name: values[sure] for name, values in stages["detections"].items()}

    small = {
        "input": enlarged(stages["input"])[0],
        "feature_map": feature_map_overlay(stages),
        "anchors": anchor_picture(stages),
        "objectness": objectness_overlay(stages),
        "proposals_before_nms": proposal_picture(
            stages, before, stages["proposal_scores_before_nms"], MOST_BEFORE_NMS
        ),
        "proposals": proposal_picture(stages, after, stages["proposal_scores"], MOST_AFTER_NMS),
        "region_features": region_mosaic(stages),
        "detections": draw_detections(
            stages["image"], found["boxes"], found["labels"], found["scores"], class_names
        ),
    }
    input_height, input_width = stages["input"].shape[1:]
    captions = {
        "input": f"Input\n{input_width} × {input_height} pixels",
        "feature_map": f"Feature map\n{channels} channels of {width} × {height}; "
        "their mean strength",
        "anchors": f"Anchors\n{per_cell} at each of {width * height} dots, "
        f"{len(stages['anchors']):,} boxes in all",
        "objectness": "Objectness\nthe surest anchor of each cell, 0 to 1",
        "proposals_before_nms": f"Proposals before NMS\n{_drawn(len(before), MOST_BEFORE_NMS)}",
        "proposals": f"Proposals after NMS\n{_drawn(len(after), MOST_AFTER_NMS)}",
        "region_features": "Pooled regions\n" + _pooled(stages),
        "detections": "Detections\n"
        + _counted(len(found["boxes"]), "box", "boxes")
        + f" with a score of at least {DRAWN_SCORE}, of {len(sure)}",
    }
    pictures = {name: _single(name, small, captions, stages, class_names) for name in small}
    pictures["overview"] = contact_sheet(
        [at_width(picture, OVERVIEW_TILE) for picture in small.values()],
        [f"{number} · {captions[name]}" for number, name in enumerate(small, start=1)],
        columns=4,
        title="Faster R-CNN, stage by stage",
        tile_width=OVERVIEW_TILE,
    )
    return pictures


def _single(
    name: str,
    small: dict[str, Image.Image],
    captions: dict[str, str],
    stages: Stages,
    class_names: Sequence[str],
) -> Image.Image:
    """The picture of one stage on its own, with more detail than fits on the overview."""
    picture, caption = small[name], captions[name]
    if name == "feature_map":
        strongest = min(16, channels := len(stages["feature_map"]))
        tiles = feature_tiles(stages["feature_map"], 16, tile_size=147)
        detail = (
            f"The {strongest} strongest of its {channels} channels\n"
            "each on a scale of its own, from dark to bright"
        )
        return _halves(picture, tiles, caption, detail)
    if name == "anchors":
        detail = "Size by size\nthe side of a square of the same area, in pixels of the input"
        picture = at_width(picture, PANEL_WIDTH)
        legend = anchor_legend(stages, PANEL_WIDTH)
        caption += "; those of the middle dot are drawn"
        return _halves(
            _stacked(picture, legend), anchor_tiles(stages, PANEL_WIDTH), caption, detail
        )
    if name == "objectness":
        detail = "Anchor by anchor\nwidth × height in pixels of the input"
        picture = with_score_bar(at_width(picture, PANEL_WIDTH))
        return _halves(picture, objectness_tiles(stages, PANEL_WIDTH), caption, detail)
    if name in ("proposals_before_nms", "proposals"):
        return contact_sheet([with_score_bar(picture)], [caption])
    if name == "region_features":
        cards, verdicts = region_cards(stages, class_names)
        if not cards:
            return contact_sheet([], title="No proposals", tile_width=PANEL_WIDTH)
        return contact_sheet(
            cards, verdicts, columns=2, title="Pooled regions: crop, mean feature, 8 channels"
        )
    return contact_sheet([picture], [caption])


def _halves(left: Image.Image, right: Image.Image, *captions: str) -> Image.Image:
    return contact_sheet([at_width(left, PANEL_WIDTH), right], captions, columns=2)


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (upper.width, upper.height + lower.height), "white")
    sheet.paste(upper, (0, 0))
    sheet.paste(lower, (0, upper.height))
    return sheet


def _pooled(stages: Stages) -> str:
    if not len(stages["proposals"]):
        return "no proposals, so nothing to pool"
    rows, columns = stages["region_features"].shape[2:]
    return f"every proposal, whatever its shape, becomes {columns} × {rows} features"


def _drawn(count: int, most: int) -> str:
    text = _counted(count, "box", "boxes")
    if count > most:
        text += f", the surest {most} drawn"
    return text + "; bright is sure" if count else text


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _check(stages: Stages, class_names: Sequence[str]) -> None:
    needed = (
        *("image", "input", "feature_map", "anchors", "anchors_per_location", "objectness"),
        *("proposals_before_nms", "proposal_scores_before_nms", "proposals", "proposal_scores"),
        *("region_features", "class_scores", "detections"),
    )
    missing = [name for name in needed if name not in stages]
    if missing:
        raise ValueError(f"draw_faster_rcnn_stages: stages lacks {', '.join(missing)}")
    _, height, width = stages["feature_map"].shape
    regions = len(stages["proposals"])
    expected = {
        "anchors": (height * width * stages["anchors_per_location"], 4),
        "objectness": (stages["anchors_per_location"], height, width),
        "proposal_scores_before_nms": (len(stages["proposals_before_nms"]),),
        "proposal_scores": (regions,),
        "class_scores": (regions, len(class_names) + 1),
    }
    for name, shape in expected.items():
        if np.shape(stages[name]) != shape:
            raise ValueError(
                f"draw_faster_rcnn_stages: {name} expects the shape {shape} but has "
                f"{np.shape(stages[name])}; feature_map={stages['feature_map'].shape}, "
                f"{stages['anchors_per_location']} anchors for each cell, {regions} proposals, "
                f"{len(class_names)} classes"
            )
