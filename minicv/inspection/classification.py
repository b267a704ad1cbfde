"""What a classifier says of a picture: the best classes as bars beside it; the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from minicv.backend import descending
from minicv.inspection.canvas import Canvas, enlarged, scaled, shortened, text_width
from minicv.inspection.palette import (
    BLUE,
    BLUISH_GREEN,
    GREY,
    INK,
    PALE,
    VERMILLION,
    WHITE,
    Colour,
    mix,
    text_colour_on,
)
from minicv.inspection.panels import contact_sheet

BEST = 5  # classes that are drawn
NAME_SIZE, BAR, ROW = 19, 16, 62  # pixels: letters, height of a bar, from one class to the next
BARS_WIDTH = 420
MOST_HEIGHT, MOST_WIDTH = 560, 840  # of the picture beside the bars
MOST_CLASSES = 25  # of a confusion matrix
TEXT_SIZE = 14
EMPTY = mix(PALE, WHITE, 0.6)  # a cell without images


def draw_class_bars(
    rows: Sequence[tuple[str, float]],
    colours: Sequence[Colour] | None = None,
    longest: float | None = 1.0,
    width: int = BARS_WIDTH,
) -> Image.Image:
    """A bar for each class, its name and score above: "Quokka 0.84".

    Bars begin at 0, and those of negative scores go to the left of it.

    Args:
        rows: names and finite scores, in the order in which they are drawn.
        colours: of the bars; None is blue for all.
        longest: the score whose bar has the full width; None for the largest of these.
        width: of the picture.

    Raises:
        ValueError: a score that is not finite, or another number of colours than of rows.

    >>> draw_class_bars([("Quokka", 0.84), ("cat", 0.1)]).size
    (420, 124)
    """
    colours = [BLUE] * len(rows) if colours is None else list(colours)
    if len(colours) != len(rows):
        raise ValueError(f"draw_class_bars: {len(rows)} rows but {len(colours)} colours")
    for name, score in rows:
        if not math.isfinite(score):
            raise ValueError(f"draw_class_bars: {name!r} has {score}, expected a finite score")
    low = min([0.0, *(score for _, score in rows)])
    high = max([0.0, *(score for _, score in rows), *([] if longest is None else [longest])])
    per_unit = (width - 2) / max(high - low, 1e-12)
    zero = 1 - low * per_unit
    canvas = Canvas(Image.new("RGB", (width, max(1, ROW * len(rows))), WHITE))
    for number, ((name, score), colour) in enumerate(zip(rows, colours, strict=True)):
        top = number * ROW
        written = f"{score:.2f}"
        room = width - text_width(written, NAME_SIZE) - 12
        name = shortened(name, NAME_SIZE, room)
        canvas.text((1, top + 6), name, NAME_SIZE, INK)
        left = 9 + text_width(name, NAME_SIZE)
        canvas.text((left, top + 6), written, NAME_SIZE, GREY)
        bar_top = top + 12 + NAME_SIZE
        canvas.fill((1, bar_top, width - 1, bar_top + BAR), PALE)
        ends = sorted((zero, zero + score * per_unit))
        canvas.fill((ends[0], bar_top, max(ends[1], ends[0] + 1.5), bar_top + BAR), colour)
        if low < 0:
            canvas.fill((zero - 1, bar_top - 2, zero + 1, bar_top + BAR + 2), INK)
    return canvas.finish()


def draw_classification(
    image: np.ndarray,
    scores: np.ndarray,
    class_names: Sequence[str],
    truth: int | None = None,
    title: str | None = None,
) -> Image.Image:
    """The picture, and beside it the five best classes as bars.

    Where the truth is known, the true class has a green bar, and a wrong best class a red one; a
    true class that is not among the five follows below them, with its rank.

    Args:
        image: (3, H, W) floats in 0..1.
        scores: (K,), by label; probabilities, or any scores of which the greatest is the best.
        class_names: K names.
        truth: the true label; None where it is not known.
        title: stands above.

    Raises:
        ValueError: another number of scores than of names, a score that is not finite, or a true
            label without a name.

    >>> image = np.ones((3, 60, 90), np.float32)
    >>> draw_classification(image, np.array([0.1, 0.9]), ["cow", "cat"]).width > 540 + BARS_WIDTH
    True
    """
    scores = np.asarray(scores)
    if scores.shape != (len(class_names),):
        raise ValueError(
            f"draw_classification: scores have the shape {scores.shape}, expected one for each of "
            f"{len(class_names)} classes"
        )
    if truth is not None and not 0 <= truth < len(class_names):
        raise ValueError(
            f"draw_classification: the true label is {truth}, expected 0..{len(class_names) - 1}"
        )
    order = descending(scores).tolist()
    shown = order[:BEST]
    caption = "The best classes"
    names = [class_names[label] for label in shown]
    if truth is not None:
        caption = f"Truth: {class_names[truth]}"
        if truth not in shown:
            shown.append(truth)
            names.append(f"{order.index(truth) + 1}. {class_names[truth]}")
    colours = [_colour_of(label, place, truth) for place, label in enumerate(shown)]
    rows = [(name, float(scores[label])) for name, label in zip(names, shown, strict=True)]
    probable = bool((scores >= 0).all() and (scores <= 1).all())
    bars = draw_class_bars(rows, colours, longest=1.0 if probable else None)
    picture, _ = enlarged(image)
    picture = scaled(picture, min(1.0, MOST_HEIGHT / picture.height, MOST_WIDTH / picture.width))
    widths = [picture.width, bars.width]
    return contact_sheet([picture, bars], ["", caption], 2, title=title, tile_width=widths)


def _colour_of(label: int, place: int, truth: int | None) -> Colour:
    if label == truth:
        return BLUISH_GREEN
    return VERMILLION if truth is not None and place == 0 else BLUE


def draw_confusion_matrix(
    confusion: np.ndarray, class_names: Sequence[str], most: int = MOST_CLASSES
) -> Image.Image:
    """How many images of each true class (row) were taken for each class (column).

    A cell is as dark as its share of the row; what is right is on the diagonal, in green, and what
    is wrong red. Nothing is written where the number is 0. Of many classes those are drawn that are
    confused most often, in the order of their labels.

    Args:
        confusion: (K, K) whole numbers from 0 on.
        class_names: K names.
        most: classes that are drawn at most.

    Raises:
        ValueError: not (K, K) numbers for K names, or negative ones.

    >>> draw_confusion_matrix(np.array([[8, 2], [0, 5]]), ["cow", "cat"]).mode
    'RGB'
    """
    confusion = np.asarray(confusion)
    count = len(class_names)
    if confusion.shape != (count, count) or count == 0 or (confusion < 0).any():
        raise ValueError(
            f"draw_confusion_matrix: confusion has the shape {confusion.shape}, expected numbers "
            f"from 0 on, {count} x {count} for {count} names"
        )
    shown = _most_confused(confusion, most)
    part = confusion[np.ix_(shown, shown)]
    of_class = np.maximum(confusion.sum(axis=1), 1)[shown]
    names = [class_names[label] for label in shown]
    widest = min(220.0, max(text_width(name, TEXT_SIZE) for name in names))
    longest = max(text_width(f"{number:,}", TEXT_SIZE) for number in part.ravel().tolist())
    cell = max(34, math.ceil(longest) + 12)
    left, top = 40 + math.ceil(widest), 40 + math.ceil(widest)
    side = cell * len(shown)
    canvas = Canvas(Image.new("RGB", (left + side + 16, top + side + 16), WHITE))
    for row, (name, own) in enumerate(zip(names, part.tolist(), strict=True)):
        y = top + row * cell
        written = shortened(name, TEXT_SIZE, widest)
        canvas.text((left - 8, y + cell / 2), written, TEXT_SIZE, INK, "rm")
        for column, number in enumerate(own):
            x = left + column * cell
            hue = BLUISH_GREEN if row == column else VERMILLION
            share = number / of_class[row]
            colour = mix(WHITE, hue, share**0.4)  # so that few errors can be seen
            canvas.fill((x + 1, y + 1, x + cell - 1, y + cell - 1), colour if number else EMPTY)
            if number:
                middle = (x + cell / 2, y + cell / 2)
                canvas.text(middle, f"{number:,}", TEXT_SIZE, text_colour_on(colour), "mm")
    picture = canvas.finish()
    for column, name in enumerate(names):
        _write_upwards(picture, name, (left + column * cell + cell // 2, top - 8), widest)
    _write_upwards(picture, "true class", (14, top + side // 2 + 40), 90, GREY)
    labelled = Canvas(picture)
    labelled.text((left, 8), "taken for", TEXT_SIZE, GREY)
    right, total = int(confusion.trace()), int(confusion.sum())
    heading = f"{right:,} of {total:,} images are right"
    if len(shown) < count:
        heading += f"; the {len(shown)} of {count} classes that are confused most often"
    sheet = labelled.finish()
    caption = f"Confusion matrix\n{heading}"
    return contact_sheet([sheet], [caption], tile_width=max(sheet.width, BARS_WIDTH))


def _most_confused(confusion: np.ndarray, most: int) -> list[int]:
    """The labels that are drawn, in order: all, or those with the most errors in row or column; if
    nothing is wrong, those that occur most often."""
    if len(confusion) <= most:
        return list(range(len(confusion)))
    wrong = confusion - np.diag(confusion.diagonal())
    if not wrong.any():
        wrong = confusion
    errors = wrong.sum(axis=0) + wrong.sum(axis=1)
    order = np.argsort(-errors, kind="stable")[:most]
    return sorted(order[errors[order] > 0].tolist()) or [0]


def _write_upwards(
    picture: Image.Image, text: str, foot: tuple[int, int], room: float, colour: Colour = INK
) -> None:
    """Write a text that reads from below to above, centred on ``foot``, where it begins."""
    written = shortened(text, TEXT_SIZE, room)
    size = (max(1, math.ceil(text_width(written, TEXT_SIZE))), math.ceil(1.4 * TEXT_SIZE))
    strip = Canvas(Image.new("RGB", size, WHITE))
    strip.text((0, size[1] / 2), written, TEXT_SIZE, colour, "lm")
    turned = strip.finish().transpose(Image.Transpose.ROTATE_90)
    picture.paste(turned, (foot[0] - turned.width // 2, foot[1] - turned.height))
