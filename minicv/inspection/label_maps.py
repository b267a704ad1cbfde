"""Label maps as colours over the photograph, with a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

from minicv.backend import to_numpy
from minicv.inspection.canvas import enlarged, text_size_for
from minicv.inspection.class_palette import class_palette
from minicv.inspection.legend import LegendEntry, draw_legend
from minicv.inspection.palette import WHITE
from minicv.vision.label_maps import VOID, check_label_map

OPACITY = 0.66  # share of a class's colour; the rest is the photograph in grey
DARKEST = 70  # grey of the photograph's black, so that colours can be told apart in its shadows too
BORDER = 0.55  # brightness of the line between two classes
VOID_BRIGHTNESS = (0.25, 0.5)  # of the photograph under the stripes that say "no class"


def draw_segmentation(
    image: np.ndarray,
    segmentation: np.ndarray,
    class_names: Sequence[str] | None = None,
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
) -> Image.Image:
    """Lay the classes over an image, with a legend below that says how much of it each class has.

    The photograph is shown in grey, so that all colour is the classes'. A thin dark line parts
    them. Pixels without a class (`VOID`) are hatched. Small images are enlarged by a whole factor
    to at least 512 pixels on the longer side, each pixel of the label map being a square.

    Args:
        image: (3, H, W) floats in 0..1.
        segmentation: (H, W) labels 0..K-1 or `VOID`.
        class_names: K names; without them the legend has the labels' numbers.
        colours: (K, 3) of 0..255; by default those of `class_palette`.

    Returns:
        A picture; ``.save("segmentation.png")`` writes it. The legend has the classes that occur,
        in the order of their labels, with their shares of the picture.

    Raises:
        ValueError: the label map is not of the image's size or holds a label without a name, or
            there are not K colours.

    >>> image = np.ones((3, 100, 200), dtype=np.float32)
    >>> picture = draw_segmentation(image, np.zeros((100, 200), int), ["meadow"])
    >>> picture.width, picture.height > 300
    (600, True)
    """
    segmentation, colours = checked_label_map(
        segmentation, np.shape(image), class_names, colours, "draw_segmentation"
    )
    picture = paint_label_map(image, segmentation, colours)
    counts = np.bincount(segmentation.ravel(), minlength=VOID + 1)
    notes = {
        int(label): percent(counts[label] / segmentation.size) for label in np.flatnonzero(counts)
    }
    text_size = text_size_for(picture)
    framed = Image.new("RGB", (picture.width, picture.height + text_size), WHITE)
    framed.paste(picture, (0, 0))
    return with_legend(
        framed, legend_entries(notes, class_names, colours), text_size, margin=text_size
    )


def paint_label_map(
    image: np.ndarray, segmentation: np.ndarray, colours: np.ndarray
) -> Image.Image:
    """The classes over an image, enlarged if it is small; no legend.

    Args:
        image: (3, H, W) floats in 0..1.
        segmentation: (H, W) labels 0..K-1 or `VOID`; taken as checked.
        colours: (K, 3) of 0..255.

    >>> paint_label_map(np.ones((3, 8, 12), np.float32), np.zeros((8, 12), int), [(9, 9, 9)]).size
    (516, 344)
    """
    picture, factor = enlarged(image)
    labels = segmentation.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)
    grey = lightened_grey(picture)
    table = np.zeros((VOID + 1, 3), np.uint8)
    table[: len(colours)] = colours
    painted = Image.blend(grey, Image.fromarray(table[labels]), OPACITY)
    painted = paint_void(painted, grey, labels == VOID)
    line = painted.point(lambda value: int(value * BORDER + 0.5))
    painted.paste(line, mask=Image.fromarray(_borders(labels)))
    return painted


def paint_void(painted: Image.Image, grey: Image.Image, void: np.ndarray) -> Image.Image:
    """`painted`, with the grey photograph under dark stripes where `void` (H, W) is True.

    >>> painted, grey = (Image.new("RGB", (2, 1), 3 * (value,)) for value in (7, 200))
    >>> np.asarray(paint_void(painted, grey, np.array([[True, False]])))[0, :, 0].tolist()
    [49, 7]
    """
    striped = ImageChops.multiply(grey, Image.fromarray(_stripes(*void.shape)).convert("RGB"))
    return Image.composite(striped, painted, Image.fromarray(void.astype(np.uint8) * 255))


def lightened_grey(picture: Image.Image) -> Image.Image:
    """The picture in greys of `DARKEST`..255: its shadows are lifted.

    >>> lightened_grey(Image.new("RGB", (1, 1))).getpixel((0, 0))
    (70, 70, 70)
    """
    grey = picture.convert("L").point(lambda value: DARKEST + value * (255 - DARKEST) // 255)
    return grey.convert("RGB")


def legend_entries(
    notes: dict[int, str], class_names: Sequence[str] | None, colours: np.ndarray
) -> list[LegendEntry]:
    """An entry for each label in ``notes``, with its note; `VOID` comes as stripes.

    >>> [entry.name for entry in legend_entries({0: "", VOID: ""}, ["cow"], [(9, 9, 9)])]
    ['cow', 'no class']
    """
    entries = []
    for label, note in notes.items():
        if label == VOID:
            mid_grey = Image.new("RGB", (64, 64), (160, 160, 160))
            patch = paint_void(mid_grey, mid_grey, np.ones((64, 64), bool))
            entries.append(LegendEntry(patch, "no class", note))
            continue
        name = f"class {label}" if class_names is None else str(class_names[label])
        red, green, blue = (int(part) for part in colours[label])
        entries.append(LegendEntry(Image.new("RGB", (1, 1), (red, green, blue)), name, note))
    return entries


def with_legend(
    picture: Image.Image, entries: Sequence[LegendEntry], text_size: int, margin: int
) -> Image.Image:
    """The picture, and its legend on white below, `margin` pixels from the sides and the end.

    >>> with_legend(Image.new("RGB", (600, 300)), [], text_size=15, margin=10).size
    (600, 334)
    """
    legend = draw_legend(entries, max(1, picture.width - 2 * margin), text_size)
    sheet = Image.new("RGB", (picture.width, picture.height + legend.height + margin), WHITE)
    sheet.paste(picture, (0, 0))
    sheet.paste(legend, (margin, picture.height))
    return sheet


def checked_label_map(
    segmentation: np.ndarray,
    image_shape: tuple[int, ...],
    class_names: Sequence[str] | None,
    colours: Sequence[Sequence[int]] | np.ndarray | None,
    operation: str,
) -> tuple[np.ndarray, np.ndarray]:
    """The label map on the host, and a colour for each class: (H, W) int64 and (K, 3) uint8."""
    segmentation = to_numpy(segmentation)
    if class_names is not None:
        num_classes = len(class_names)
    elif colours is not None:
        num_classes = len(colours)
    else:
        labels = segmentation[segmentation != VOID]
        num_classes = max(1, int(labels.max(initial=0)) + 1)
    check_label_map(segmentation, min(num_classes, VOID), operation, size=tuple(image_shape[1:]))
    colours = np.array(class_palette(num_classes) if colours is None else colours)
    if colours.shape != (num_classes, 3) or colours.min() < 0 or colours.max() > 255:
        raise ValueError(
            f"{operation}: colours expect the shape ({num_classes}, 3), red, green and blue of "
            f"0..255 for each class, but have {colours.shape}"
        )
    return segmentation.astype(np.int64), colours.astype(np.uint8)


def _borders(labels: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 255 for pixels on whose right or below another class begins, else 0.

    The line is a pixel wide, and wider on large pictures, which are looked at reduced.
    """
    wide = max(1, max(labels.shape) // 1000)
    borders = np.zeros(labels.shape, np.uint8)
    borders[:, :-wide][labels[:, :-wide] != labels[:, wide:]] = 255
    borders[:-wide][labels[:-wide] != labels[wide:]] = 255
    return borders


def _stripes(height: int, width: int) -> np.ndarray:
    """(H, W) uint8, brightness of slanting stripes as wide as suits the picture; 255 is full."""
    stripe = max(4, max(height, width) // 150)
    x, y = np.arange(width), np.arange(height)[:, None]
    dark, light = (np.uint8(255 * brightness) for brightness in VOID_BRIGHTNESS)
    return np.where((x + y) // stripe % 2 == 0, dark, light)


def percent(share: float) -> str:
    """Whole percents, with one decimal below ten.

    >>> percent(0.123), percent(0.0123), percent(0.00001), percent(0)
    ('12 %', '1.2 %', '< 0.1 %', '0 %')
    """
    percents = 100 * float(share)
    if percents == 0:
        return "0 %"
    if percents < 0.05:
        return "< 0.1 %"
    return f"{percents:.0f} %" if percents >= 9.95 else f"{percents:.1f} %"
