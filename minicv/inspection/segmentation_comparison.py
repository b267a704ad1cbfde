"""A label map beside the truth: photograph, truth, prediction, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import enlarged
from minicv.inspection.label_maps import (
    checked_label_map,
    legend_entries,
    lightened_grey,
    paint_label_map,
    paint_void,
    percent,
    with_legend,
)
from minicv.inspection.palette import VERMILLION
from minicv.inspection.panels import HEADING_SIZE, MARGIN, contact_sheet
from minicv.metrics.segmentation import SegmentationFigures, confusion_matrix, figures_of_confusion
from minicv.vision.label_maps import VOID

SHEET_WIDTH = 1600  # pixels that the pictures in a row share; more are too many to look at
WRONG_OPACITY = 0.85
RIGHT_CONTRAST = 0.35  # of the photograph where the prediction is right


def draw_segmentation_comparison(
    image: np.ndarray,
    truth: np.ndarray,
    predicted: np.ndarray,
    class_names: Sequence[str] | None = None,
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
    columns: int = 2,
    title: str | None = None,
) -> Image.Image:
    """Photograph, truth, prediction and errors on one sheet, with a legend for all.

    The legend has each class that occurs in truth or prediction, with its IoU in this image. In
    the fourth picture wrong pixels are orange, right ones pale; what has no class (`VOID`) in the
    truth is hatched and counts as neither.

    Args:
        image: (3, H, W) floats in 0..1.
        truth: (H, W) labels 0..K-1 or `VOID`.
        predicted: (H, W) labels 0..K-1.
        class_names: K names; without them the legend has the labels' numbers.
        colours: (K, 3) of 0..255; by default those of `class_palette`.
        columns: pictures in a row, 1..4.
        title: a line above everything.

    Raises:
        ValueError: a label map is not of the image's size or holds a label without a name, there
            are not K colours, or `columns` is less than 1.

    >>> labels = np.zeros((40, 60), int)
    >>> image = np.ones((3, 40, 60), dtype=np.float32)
    >>> sheet = draw_segmentation_comparison(image, labels, labels, ["meadow"], columns=4)
    >>> sheet.width
    1728
    """
    operation = "draw_segmentation_comparison"
    if class_names is None and colours is None:  # K must be one for both maps
        both = np.concatenate([np.ravel(truth), np.ravel(predicted)])
        class_names = [f"class {k}" for k in range(int(both[both != VOID].max(initial=0)) + 1)]
    shape = np.shape(image)
    truth, colours = checked_label_map(truth, shape, class_names, colours, f"{operation}: truth")
    predicted, _ = checked_label_map(
        predicted, shape, class_names, colours, f"{operation}: prediction"
    )
    confusion = confusion_matrix(predicted, truth, len(colours), operation)
    figures = figures_of_confusion(confusion)
    wrong = (predicted != truth) & (truth != VOID)
    pictures = [
        enlarged(image)[0],
        paint_label_map(image, truth, colours),
        paint_label_map(image, predicted, colours),
        paint_errors(image, truth, wrong),
    ]
    tile_width = min(pictures[0].width, SHEET_WIDTH // max(1, columns))
    sheet = contact_sheet(pictures, _captions(figures), columns, title, tile_width)
    notes = {
        label: f"IoU {iou:.2f}"
        for label, iou in enumerate(figures.class_iou.tolist())
        if not np.isnan(iou)
    }
    if (truth == VOID).any():
        notes[VOID] = percent((truth == VOID).mean())
    entries = legend_entries(notes, class_names, colours)
    return with_legend(sheet, entries, text_size=HEADING_SIZE, margin=MARGIN)


def paint_errors(image: np.ndarray, truth: np.ndarray, wrong: np.ndarray) -> Image.Image:
    """Wrong pixels (H, W) orange on a pale photograph; `VOID` in the truth hatched.

    >>> nothing = np.zeros((8, 12), bool)
    >>> paint_errors(np.ones((3, 8, 12), np.float32), np.zeros((8, 12), int), nothing).size
    (516, 344)
    """
    picture, factor = enlarged(image)
    wrong, void = (
        mask.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)
        for mask in (wrong, truth == VOID)
    )
    grey = lightened_grey(picture)
    pale = grey.point(lambda value: int(255 - RIGHT_CONTRAST * (255 - value)))
    orange = Image.blend(grey, Image.new("RGB", grey.size, VERMILLION), WRONG_OPACITY)
    painted = Image.composite(orange, pale, Image.fromarray(wrong * 255))
    return paint_void(painted, grey, void == 1)


def _captions(figures: SegmentationFigures) -> list[str]:
    if np.isnan(figures.pixel_accuracy):
        return ["Image", "Truth\nno pixel has a class", "Prediction", "Errors\nnone can be seen"]
    return [
        "Image",
        "Truth",
        f"Prediction\nmean IoU of this picture {figures.mean_iou:.2f}",
        f"Errors\n{percent(1 - figures.pixel_accuracy)} of the pixels that have a class",
    ]
