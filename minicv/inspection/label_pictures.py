"""Label maps as files: a palette picture, which holds numbers and shows colours."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image

from minicv.inspection.palette import class_palette
from minicv.vision.label_maps import VOID, check_label_map


def palette_picture(
    segmentation: np.ndarray,
    classes: int,
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
    clear: Collection[int] = (),
) -> Image.Image:
    """A label map as Pascal VOC writes it: a number for each pixel, and a colour for each number.

    Viewers show the colours; `minicv.data.image_files.read_label_map` reads the numbers. Saved as
    PNG the picture keeps both.

    Args:
        segmentation: (H, W) labels 0..K-1 or `minicv.vision.label_maps.VOID`.
        classes: K.
        colours: (K, 3) of 0..255; by default those of `class_palette`.
        clear: labels that are transparent, such as that of the background; void pixels are too.

    Raises:
        ValueError: a label without a class, or not a colour for each class.

    >>> picture = palette_picture(np.array([[0, 1]]), 2, [(0, 0, 0), (9, 8, 7)], clear=[0])
    >>> picture.mode, np.asarray(picture).tolist(), picture.convert("RGBA").getpixel((1, 0))
    ('P', [[0, 1]], (9, 8, 7, 255))
    >>> picture.convert("RGBA").getpixel((0, 0))[3]
    0
    """
    check_label_map(segmentation, classes, "palette_picture")
    table = np.array(class_palette(classes) if colours is None else colours)
    if table.shape != (classes, 3) or table.min() < 0 or table.max() > 255:
        raise ValueError(
            f"palette_picture: colours expect the shape ({classes}, 3), red, green and blue of "
            f"0..255 for each class, but have {table.shape}"
        )
    picture = Image.fromarray(np.ascontiguousarray(segmentation, dtype=np.uint8))
    whole = np.zeros((256, 3), np.uint8)  # of all numbers that 8 bits have; void is black
    whole[:classes] = table
    picture.putpalette(whole.tobytes())
    void = (VOID,) if (segmentation == VOID).any() else ()
    transparent = sorted({*clear, *void})
    if len(transparent) == 1:
        picture.info["transparency"] = transparent[0]
    elif transparent:
        opaque = np.full(256, 255, np.uint8)
        opaque[transparent] = 0
        picture.info["transparency"] = opaque.tobytes()
    return picture


# Names that data sets give to pixels of no object.
BACKGROUND = ("background", "bg", "void", "unlabeled", "unlabelled", "none")


def background_labels(class_names: Sequence[str]) -> tuple[int, ...]:
    """The labels that stand for no object, by their names.

    >>> background_labels(("_background_", "cow", "Background"))
    (0, 2)
    """
    return tuple(k for k, name in enumerate(class_names) if name.strip("_ ").lower() in BACKGROUND)
