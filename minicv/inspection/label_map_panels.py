"""Several label maps of one image beside each other, with one legend for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.canvas import enlarged
from minicv.inspection.label_maps import (
    checked_label_map,
    legend_entries,
    paint_label_map,
    with_legend,
)
from minicv.inspection.panels import HEADING_SIZE, MARGIN, contact_sheet


def draw_label_maps(
    image: np.ndarray,
    label_maps: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
    columns: int = 3,
    title: str | None = None,
) -> Image.Image:
    """The image, and what several systems (or the truth) make of it.

    To show borders, give a window of a few dozen pixels of image and label maps: it is enlarged to
    at least 512 pixels, each pixel of a label map being a square.

    Args:
        image: (3, H, W) floats in 0..1.
        label_maps: for each caption labels (H, W), 0..K-1 or `VOID`. The first line of a caption
            is its heading.
        class_names: K names; the legend has those that occur.
        colours: (K, 3) of 0..255; by default those of `class_palette`.
        columns: pictures in a row.
        title: a line above everything.

    Raises:
        ValueError: a label map is not of the image's size or holds a label without a name, or there
            are not K colours.

    >>> image, labels = np.ones((3, 40, 60), np.float32), np.zeros((40, 60), int)
    >>> draw_label_maps(image, {"Truth": labels, "FCN-8s": labels}, ["meadow"]).width
    1724
    """
    pictures, present = [enlarged(image)[0]], set()
    for caption, label_map in label_maps.items():
        heading = caption.partition("\n")[0]
        label_map, colours = checked_label_map(
            label_map, np.shape(image), class_names, colours, f"draw_label_maps: {heading}"
        )
        pictures.append(paint_label_map(image, label_map, colours))
        present |= set(np.unique(label_map).tolist())
    sheet = contact_sheet(pictures, ["Image", *label_maps], columns, title)
    entries = legend_entries(dict.fromkeys(sorted(present), ""), class_names, colours)
    return with_legend(sheet, entries, text_size=HEADING_SIZE, margin=MARGIN)
