"""Stages drawn: a picture of each, and all on one sheet, by their kinds alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image

from minicv.inspection import stage_maps as maps
from minicv.inspection import stage_regions as regions
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import Drawn, Scene, at_width, pale

OVERVIEW = "overview"
OVERVIEW_TILE = 400  # width of a stage on the overview, pixels
MOST_COLUMNS = 5

# How each kind of `minicv.inspection.stage.KINDS` is drawn.
DRAWERS: dict[str, Callable[[Stage, Scene], Drawn]] = {
    "image": maps.draw_image,
    "features": maps.draw_features,
    "anchors": maps.draw_anchors,
    "objectness": maps.draw_objectness,
    "boxes": regions.draw_boxes,
    "regions": regions.draw_regions,
    "region features": regions.draw_region_features,
    "region scores": regions.draw_scores_of_regions,
    "refined boxes": regions.draw_refined_boxes,
    "detections": regions.draw_detected,
    "class scores": maps.draw_class_scores,
    "class maps": maps.draw_class_maps,
    "label map": maps.draw_label_map,
}


def draw_stages(stages: Sequence[Stage], class_names: Sequence[str]) -> dict[str, Image.Image]:
    """Draw what a model's `stages` gives: each stage by its kind, and all of them on one sheet.

    A stage of many regions shows a few: the surest of those that overlap little. A region has the
    same number in all stages of the same regions. The picture of a stage without boxes says so.

    Args:
        stages: in order; see `minicv.inspection.stage.KINDS` for what each holds.
        class_names: K names.

    Returns:
        Pictures by the names of the stages, in order, then ``overview``: all on one sheet, with
        numbers, captions and the time that each step took.

    Raises:
        ValueError: two stages have one name, one is named "overview", one has another number of
            classes than there are names, or lies on an image but no stage before it has one.

    >>> import numpy as np
    >>> image = np.ones((3, 60, 80), np.float32)
    >>> stages = [Stage("input", "Input", "image", {"image": image}, 0.0)]
    >>> list(draw_stages(stages, ["cow"]))
    ['input', 'overview']
    """
    _check(stages, class_names)
    pictures, tiles, captions = {}, [], []
    image = None
    for index, stage in enumerate(stages):
        image = stage.arrays.get("image", image)
        drawn = draw_stage(Scene(stages, index, image, class_names))
        note = drawn.note if drawn.detail_note is None else drawn.detail_note
        caption = _caption(index + 1, stage, note)
        picture = drawn.detail or drawn.tile
        width = max(picture.width, OVERVIEW_TILE)  # room for the caption of a narrow picture
        pictures[stage.name] = contact_sheet([picture], [caption], tile_width=width)
        tiles.append(at_width(drawn.tile, OVERVIEW_TILE))
        captions.append(_caption(index + 1, stage, drawn.note))
    rows = math.ceil(len(stages) / MOST_COLUMNS)
    total = duration(sum(stage.seconds for stage in stages))
    pictures[OVERVIEW] = contact_sheet(
        tiles,
        captions,
        columns=math.ceil(len(stages) / max(1, rows)),
        title=f"Stage by stage, {total} in all" if stages else "No stages",
        tile_width=OVERVIEW_TILE,
    )
    return pictures


def draw_stage(scene: Scene) -> Drawn:
    """One stage by its kind: the pale image alone where there are no boxes to draw."""
    stage = scene.stages[scene.index]
    if stage.kind != "detections" and len(stage.arrays.get("boxes", [0])) == 0:
        return Drawn(pale(scene.picture()[0]), "no boxes, so there is nothing to draw")
    return DRAWERS[stage.kind](stage, scene)


def duration(seconds: float) -> str:
    """Seconds with about two digits, and milliseconds below a second.

    >>> [duration(s) for s in (0.00042, 0.0123, 0.5, 1.26, 75.0)]
    ['0.42 ms', '12 ms', '500 ms', '1.3 s', '75 s']
    """
    if seconds >= 1:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
    milliseconds = 1000 * seconds
    return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def _caption(number: int, stage: Stage, note: str) -> str:
    lines = [f"{number} · {stage.caption}", note, duration(stage.seconds)]
    return "\n".join(line for line in lines if line)


def _check(stages: Sequence[Stage], class_names: Sequence[str]) -> None:
    names = [stage.name for stage in stages]
    for stage, name in zip(stages, names, strict=True):
        if names.count(name) > 1 or name == OVERVIEW:
            raise ValueError(
                f"draw_stages: {names.count(name)} stages are named {name!r}; each needs a name of "
                f"its own, and {OVERVIEW!r} is the sheet with all of them"
            )
        classes = stage.sizes().get("K", len(class_names))
        if classes != len(class_names):
            raise ValueError(
                f"draw_stages: stage {name!r} has {classes} classes but there are "
                f"{len(class_names)} class names"
            )
