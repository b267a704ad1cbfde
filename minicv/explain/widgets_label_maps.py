"""Interactive part of a label map: a pixel's class scores, and what of the image they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minicv.explain.encoding import packed
from minicv.explain.saliency import in_blocks, segmenter_fields, side_of_half
from minicv.inspection.palette import class_palette
from minicv.inspection.stage import Stage
from minicv.models.model import Model
from minicv.models.receptive_field import ReceptiveField, receptive_field
from minicv.models.segmentation.patch_classifier import DensePatchClassifier, PatchClassifier
from minicv.models.segmentation.segmenter import Segmenter
from minicv.nn import evaluating

MOST_NUMBERS = 500_000  # class scores in the page, a byte each
MOST_CELLS = 120  # of the longer side of an effective field
MOST_SPOTS = 3
MOST_PIXELS = 300_000  # of an image whose gradients are computed for all spots; above, for one


def pixel_scores(stages: Sequence[Stage], index: int, model: Model) -> dict[str, Any] | None:
    """The class scores of each pixel, its receptive field, and the effective field of a few.

    A photograph that runs in tiles has none: its class maps are those of one tile.
    """
    maps = next((stage for stage in stages[:index] if stage.kind == "class maps"), None)
    tiled = any(stage.name == "tile" for stage in stages)
    if maps is None or tiled or not isinstance(model, Segmenter):
        return None
    class_maps = np.asarray(maps.arrays["class_maps"], np.float32)  # (K, h, w)
    working = next(stage for stage in stages if stage.name == "input").arrays["image"]
    field = field_of(model, working.shape[1:])
    step = max(1, int(np.ceil(np.sqrt(class_maps.size / MOST_NUMBERS))))
    shown = class_maps[:, ::step, ::step]
    segmentation = np.asarray(stages[index].arrays["segmentation"])
    height, width = segmentation.shape
    palette = model.colours or class_palette(len(model.classes))
    return {
        "name": "pixel_scores",
        "title": "One pixel: its class scores, and what they depend on",
        "data": {
            "classes": list(model.classes),
            "colours": [list(colour) for colour in palette],
            "scores": packed(np.floor(shown * 255 + 0.5), "uint8"),
            "step": step,  # each step-th row and column of the class maps is here
            "maps": list(class_maps.shape[1:]),
            "size": [width, height],
            "working": [working.shape[2], working.shape[1]],
            "rows": packed(field.rows, "int32"),
            "columns": packed(field.columns, "int32"),
            "patch": patch_of(model),
            "spots": _spots(class_maps, working, segmentation, model),
        },
    }


def field_of(model: Segmenter, size: tuple[int, int]) -> ReceptiveField:
    """Of each pixel of an image (H, W), the pixels on which its scores depend.

    For a patch classifier that is the patch; beyond the edge it sees the image mirrored.

    >>> from minicv.models.segmentation import FullResolution
    >>> model = FullResolution(("sky", "grass"), rng=np.random.default_rng(0))
    >>> field_of(model, (40, 30)).box(20, 15)
    (9, 14, 22, 27)
    """
    patch = patch_of(model)
    if patch is None:
        with evaluating(model):
            return receptive_field(model.forward, size)
    sides = []
    for length in size:
        first = np.arange(length) - patch // 2
        sides.append(np.stack([np.maximum(first, 0), np.minimum(first + patch, length)], axis=1))
    return ReceptiveField(*sides)


def patch_of(model: Segmenter) -> int | None:
    """Side of the patch of a patch classifier in pixels, of the coarsest level; else None."""
    if not isinstance(model, (PatchClassifier, DensePatchClassifier)):
        return None
    return int(model.settings.patch_size * 2 ** (model.settings.scales - 1))


def _spots(
    class_maps: np.ndarray, working: np.ndarray, segmentation: np.ndarray, model: Segmenter
) -> list[dict[str, Any]]:
    """Pixels whose effective field is in the page: the surest of each of the largest classes."""
    if patch_of(model) is not None:
        return []
    height, width = working.shape[1:]
    if class_maps.shape[1:] != (height, width):
        return []
    labels, counts = np.unique(segmentation, return_counts=True)
    most = MOST_SPOTS if height * width <= MOST_PIXELS else 1
    chosen = []
    for label in labels[np.argsort(-counts, kind="stable")][:most].tolist():
        inside = _away_from_edge(class_maps[label])
        at = int(inside.argmax())
        chosen.append((at // width, at % width, int(label)))
    fields = segmenter_fields(model, working, chosen)
    block = max(1, -(-max(height, width) // MOST_CELLS))
    spots = []
    for (row, column, label), heat in zip(chosen, fields, strict=True):
        coarse = in_blocks(heat, block)
        most_heat = float(coarse.max())
        share = np.sqrt(coarse / most_heat) if most_heat > 0 else coarse
        spots.append(
            {
                "row": row,
                "column": column,
                "label": label,
                "block": block,
                "heat": packed(np.floor(share * 255 + 0.5), "uint8"),
                "half": side_of_half(heat, row, column),
            }
        )
    return spots


def _away_from_edge(scores: np.ndarray) -> np.ndarray:
    """Scores, less by as much as a place is near the edge: its field would be cut off."""
    height, width = scores.shape
    rows = np.minimum(np.arange(height), np.arange(height)[::-1]) / max(1, height / 2)
    columns = np.minimum(np.arange(width), np.arange(width)[::-1]) / max(1, width / 2)
    middle: np.ndarray = np.minimum(rows[:, None], columns)
    return scores * np.minimum(1, 0.5 + middle)


WIDGETS: Mapping[str, Callable[[Sequence[Stage], int, Model], dict[str, Any] | None]] = {
    "label map": pixel_scores
}
