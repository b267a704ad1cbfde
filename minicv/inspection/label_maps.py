"""Label maps as colours over the photograph: one, several, or one beside the truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from PIL import Image, ImageChops

from minicv.backend import to_numpy
from minicv.inspection.canvas import enlarged, text_size_for, to_picture
from minicv.inspection.palette import VERMILLION, WHITE, class_palette
from minicv.inspection.panels import (
    HEADING_SIZE,
    MARGIN,
    LegendEntry,
    contact_sheet,
    with_legend,
)
from minicv.metrics.segmentation import boundary_band, confusion_matrix, values_of_confusion
from minicv.vision.label_maps import VOID, check_label_map

OPACITY = 0.66  # share of a class's colour; the rest is the photograph in grey
DARKEST = 70  # grey that black becomes, so that colours can be told apart in dark parts too
CLEAR = (160, 160, 160)  # in the legend, of classes without a colour
BORDER = 0.55  # brightness of the line between two classes
VOID_BRIGHTNESS = (0.25, 0.5)  # of the photograph under the stripes that say "no class"


def draw_segmentation(
    image: np.ndarray,
    segmentation: np.ndarray,
    class_names: Sequence[str] | None = None,
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
    *,
    clear: Collection[int] = (),
) -> Image.Image:
    """Lay the classes over an image. The legend below has those that occur, with their shares.

    The photograph is shown in grey, so that all colour is the classes'. A thin dark line parts
    them. Pixels without a class (`VOID`) are hatched. Small images are enlarged by a whole factor
    to at least 512 pixels on the longer side, each pixel of the label map being a square.

    Args:
        image: (3, H, W) floats in 0..1.
        segmentation: (H, W) labels 0..K-1 or `VOID`.
        class_names: K names; without them the legend has the labels' numbers.
        colours: (K, 3) of 0..255; by default those of `class_palette`.
        clear: labels without a colour, such as that of the background: the photograph remains.

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
    picture = paint_label_map(image, segmentation, colours, clear)
    colours[list(clear)] = CLEAR
    counts = np.bincount(segmentation.ravel(), minlength=VOID + 1)
    notes = {
        int(label): percent(counts[label] / segmentation.size) for label in np.flatnonzero(counts)
    }
    size = text_size_for(picture)
    entries = legend_entries(notes, class_names, colours)
    return with_legend(picture, entries, size, margin=size, gap=size)


def paint_label_map(
    image: np.ndarray,
    segmentation: np.ndarray,
    colours: np.ndarray,
    clear: Collection[int] = (),
) -> Image.Image:
    """The picture of `draw_segmentation` without the legend; the label map is taken as checked.

    >>> paint_label_map(np.ones((3, 8, 12), np.float32), np.zeros((8, 12), int), [(9, 9, 9)]).size
    (516, 344)
    """
    picture, factor = enlarged(image)
    labels = _squares(segmentation.astype(np.uint8), factor)
    grey = lightened_grey(picture)
    table = np.zeros((VOID + 1, 3), np.uint8)
    table[: len(colours)] = colours
    painted = Image.blend(grey, Image.fromarray(table[labels]), OPACITY)
    if clear:
        painted.paste(
            grey, mask=Image.fromarray(np.isin(labels, list(clear)).astype(np.uint8) * 255)
        )
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
        entries.append(LegendEntry((red, green, blue), name, note))
    return entries


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
    height, width = image_shape[1:]
    check_label_map(segmentation, min(num_classes, VOID), operation, size=(height, width))
    colours = np.array(class_palette(num_classes) if colours is None else colours)
    if colours.shape != (num_classes, 3) or colours.min() < 0 or colours.max() > 255:
        raise ValueError(
            f"{operation}: colours expect the shape ({num_classes}, 3), red, green and blue of "
            f"0..255 for each class, but have {colours.shape}"
        )
    return segmentation.astype(np.int64), colours.astype(np.uint8)


def _squares(array: np.ndarray, side: int) -> np.ndarray:
    """Each number of an (H, W) array as a square of ``side`` x ``side``."""
    return array.repeat(side, axis=0).repeat(side, axis=1)


def _borders(labels: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 255 for pixels on whose right or below another class begins, else 0.

    The line is a pixel wide, and wider on large pictures, which a screen shows reduced.
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


def draw_label_maps(
    image: np.ndarray,
    label_maps: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    colours: Sequence[Sequence[int]] | np.ndarray | None = None,
    columns: int = 3,
    title: str | None = None,
) -> Image.Image:
    """The image, and label maps of it from several systems (or the truth).

    To show borders, give a window of a few dozen pixels of image and label maps: it is enlarged to
    at least 512 pixels, each pixel of a label map being a square.

    Args:
        image, class_names, colours: as for `draw_segmentation`.
        label_maps: for each caption labels (H, W), 0..K-1 or `VOID`. The first line of a caption
            is its heading.
        columns: pictures in a row.
        title: a line above everything.

    Raises:
        ValueError: as for `draw_segmentation`, with the heading of the label map.

    >>> image, labels = np.ones((3, 40, 60), np.float32), np.zeros((40, 60), int)
    >>> draw_label_maps(image, {"Truth": labels, "FCN-8s": labels}, ["meadow"]).width
    1724
    """
    palette = np.array(class_palette(len(class_names)) if colours is None else colours)
    pictures, present = [enlarged(image)[0]], set()
    for caption, label_map in label_maps.items():
        heading = caption.partition("\n")[0]
        label_map, palette = checked_label_map(
            label_map, np.shape(image), class_names, palette, f"draw_label_maps: {heading}"
        )
        pictures.append(paint_label_map(image, label_map, palette))
        present |= set(np.unique(label_map).tolist())
    sheet = contact_sheet(pictures, ["Image", *label_maps], columns, title)
    entries = legend_entries(dict.fromkeys(sorted(present), ""), class_names, palette)
    return with_legend(sheet, entries, HEADING_SIZE, MARGIN, gap=0)


SHEET_WIDTH = 1600  # pixels of all pictures in a row together
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
        image, class_names, colours: as for `draw_segmentation`.
        truth: (H, W) labels 0..K-1 or `VOID`.
        predicted: (H, W) labels 0..K-1.
        columns: pictures in a row, 1..4.
        title: a line above everything.

    Raises:
        ValueError: as for `draw_segmentation`, or `columns` is less than 1.

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
    values = values_of_confusion(confusion)
    wrong = (predicted != truth) & (truth != VOID)
    pictures = [
        enlarged(image)[0],
        paint_label_map(image, truth, colours),
        paint_label_map(image, predicted, colours),
        paint_errors(image, truth, wrong),
    ]
    tile_width = min(pictures[0].width, SHEET_WIDTH // max(1, columns))
    captions = ["Image", "Truth", "Prediction", "Errors"]
    if np.isnan(values.pixel_accuracy):
        captions[1] += "\nno pixel has a class"
        captions[3] += "\nnone can be seen"
    else:
        captions[2] += f"\nmean IoU of this picture {values.mean_iou:.2f}"
        captions[3] += f"\n{percent(1 - values.pixel_accuracy)} of the pixels that have a class"
    sheet = contact_sheet(pictures, captions, columns, title, tile_width)
    notes = {
        label: f"IoU {iou:.2f}"
        for label, iou in enumerate(values.class_iou.tolist())
        if not np.isnan(iou)
    }
    if (truth == VOID).any():
        notes[VOID] = percent((truth == VOID).mean())
    entries = legend_entries(notes, class_names, colours)
    return with_legend(sheet, entries, HEADING_SIZE, MARGIN, gap=0)


def paint_errors(image: np.ndarray, truth: np.ndarray, wrong: np.ndarray) -> Image.Image:
    """Wrong pixels (H, W) orange on a pale photograph; `VOID` in the truth hatched.

    >>> nothing = np.zeros((8, 12), bool)
    >>> paint_errors(np.ones((3, 8, 12), np.float32), np.zeros((8, 12), int), nothing).size
    (516, 344)
    """
    picture, factor = enlarged(image)
    wrong, void = _squares(wrong, factor), _squares(truth == VOID, factor)
    grey = lightened_grey(picture)
    pale = grey.point(lambda value: int(255 - RIGHT_CONTRAST * (255 - value)))
    orange = Image.blend(grey, Image.new("RGB", grey.size, VERMILLION), WRONG_OPACITY)
    painted = Image.composite(orange, pale, Image.fromarray(wrong.astype(np.uint8) * 255))
    return paint_void(painted, grey, void)


def draw_segments(image: np.ndarray, labels: np.ndarray) -> Image.Image:
    """Each region filled with the mean colour of its pixels; white lines where regions meet.

    Args:
        image: (3, H, W) floats in 0..1; small ones are enlarged by a whole factor.
        labels: (H, W) whole numbers >= 0, one for each region.

    Raises:
        ValueError: labels have another shape than the image, or are not whole numbers >= 0.

    >>> draw_segments(np.zeros((3, 40, 60), np.float32), np.zeros((40, 60), int)).size
    (540, 360)
    """
    labels = np.asarray(labels)
    if labels.shape != image.shape[1:] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"draw_segments: labels expect whole numbers >= 0 of the image's shape "
            f"{image.shape[1:]} but are {labels.dtype} of shape {labels.shape}"
        )
    counts = np.maximum(np.bincount(labels.ravel()), 1)
    means = [np.bincount(labels.ravel(), channel.ravel()) / counts for channel in image]
    flat = np.stack(means)[:, labels].astype(np.float32)  # (3, regions) -> (3, H, W)
    picture, factor = enlarged(image)
    picture = to_picture(flat).resize(picture.size, Image.Resampling.NEAREST)
    picture.paste(WHITE, mask=Image.fromarray(_borders(_squares(labels, factor))))
    return picture


def border_window(label_map: np.ndarray, side: int) -> tuple[slice, slice]:
    """Rows and columns of the square in which most pixels touch a pixel of another class.

    The first of equals in reading order. Cut image and label maps alike, and draw them enlarged:
    ``image[:, rows, columns]``, ``label_map[rows, columns]``.

    Args:
        label_map: (H, W), labels or `VOID`, whose edge is no border.
        side: of the square in pixels; cut to the label map.

    Raises:
        ValueError: a side below 1.

    >>> labels = np.zeros((6, 8), int)
    >>> labels[4, 6] = 1
    >>> border_window(labels, 3)
    (slice(3, 6, None), slice(5, 8, None))
    """
    if side < 1:
        raise ValueError(f"border_window: side is {side}, expected at least 1 pixel")
    near = boundary_band(label_map, distance=1) != VOID  # (H, W)
    height, width = (min(side, length) for length in near.shape)
    # Sums over all windows from running sums: of rows, then of columns.
    total = np.pad(near.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = total[height:] - total[:-height]  # (H - height + 1, W + 1)
    counts = rows[:, width:] - rows[:, :-width]  # (H - height + 1, W - width + 1)
    top, left = (int(place) for place in np.unravel_index(counts.argmax(), counts.shape))
    return slice(top, top + height), slice(left, left + width)
