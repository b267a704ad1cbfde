"""Stages drawn: a picture of each, and all on one sheet, by their kinds alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection import poses
from minicv.inspection import stage_instances as instances
from minicv.inspection import stage_levels as levels
from minicv.inspection import stage_maps as maps
from minicv.inspection import stage_regions as regions
from minicv.inspection.panels import contact_sheet
from minicv.inspection.stage import Stage
from minicv.inspection.stage_scene import Drawn, Objects, Scene, at_width, pale
from minicv.inspection.stage_sizes import smaller_stages

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
    "code": maps.draw_code_of_stage,
    "label map": maps.draw_label_map,
    "anchors of levels": levels.draw_anchors_of_levels,
    "objectness of levels": levels.draw_objectness_of_levels,
    "levels": levels.draw_levels,
    "mask probabilities": instances.draw_mask_probabilities,
    "heat maps": instances.draw_heat_maps,
    "instances": instances.draw_all_instances,
    "pose": poses.draw_pose_of_stage,
}


def draw_stages(
    stages: Sequence[Stage],
    class_names: Sequence[str],
    *,
    truth: Mapping[str, np.ndarray] | None = None,
    colours: Sequence[Sequence[int]] | None = None,
    title: str | None = None,
) -> dict[str, Image.Image]:
    """Draw what a model's `stages` gives: each stage by its kind, and all of them on one sheet.

    A stage of many regions shows a few: the surest of those that overlap little. A region has the
    same number in all stages of the same regions. The picture of a stage without boxes says so.
    Large photographs are drawn smaller, 1200 pixels on the longer side.

    Args:
        stages: in order; see `minicv.inspection.stage.KINDS` for what each holds.
        class_names: K names.
        truth: ``boxes`` (G, 4) and ``labels`` (G,) of the image, in the pixels of the last stage's
            image, where they are known. Proposals that hit an object then have the colour of its
            class, and the others are grey.
        colours: (K, 3) of 0..255, in which label maps are drawn.
        title: of the overview; by default it tells the time of all stages together.

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
    known = None if truth is None else _Truth(truth, stages)
    stages = smaller_stages(stages)
    for index, stage in enumerate(stages):
        image = stage.arrays.get("image", image)
        objects = None if known is None else known.on(image)
        drawn = draw_stage(Scene(stages, index, image, class_names, objects, colours))
        note = drawn.note if drawn.detail_note is None else drawn.detail_note
        caption = _caption(index + 1, stage, note)
        picture = drawn.detail or drawn.tile
        width = max(picture.width, OVERVIEW_TILE)  # room for the caption of a narrow picture
        pictures[stage.name] = contact_sheet([picture], [caption], tile_width=width)
        tiles.append(at_width(drawn.tile, OVERVIEW_TILE))
        captions.append(_caption(index + 1, stage, drawn.note))
    rows = math.ceil(len(stages) / MOST_COLUMNS)
    if title is None:
        total = duration(sum(stage.seconds for stage in stages))
        title = f"Stage by stage, {total} in all" if stages else "No stages"
    pictures[OVERVIEW] = contact_sheet(
        tiles,
        captions,
        columns=math.ceil(len(stages) / max(1, rows)),
        title=title,
        tile_width=OVERVIEW_TILE,
    )
    return pictures


def draw_stage(scene: Scene) -> Drawn:
    """One stage by its kind: the pale image alone where there are no boxes to draw."""
    stage = scene.stages[scene.index]
    if stage.kind not in ("detections", "instances") and len(stage.arrays.get("boxes", [0])) == 0:
        return Drawn(pale(scene.picture()[0]), "no boxes, so there is nothing to draw")
    return DRAWERS[stage.kind](stage, scene)


class _Truth:
    """The true objects of the image that a model was given, for its stages at any size."""

    def __init__(self, truth: Mapping[str, np.ndarray], stages: Sequence[Stage]) -> None:
        self.boxes, self.labels = np.asarray(truth["boxes"]), np.asarray(truth["labels"])
        images = [stage.arrays["image"] for stage in stages if "image" in stage.arrays]
        self.size = np.shape(images[-1])[1:] if images else (1, 1)

    def on(self, image: np.ndarray | None) -> Objects | None:
        """The objects in the pixels of that image."""
        if image is None:
            return None
        down, across = (new / old for new, old in zip(image.shape[1:], self.size, strict=True))
        return Objects(self.boxes * np.array([across, down, across, down]), self.labels)


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
