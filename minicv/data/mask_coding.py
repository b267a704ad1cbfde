"""What the numbers and colours in a set's masks mean, decided from all of them together.

One mask of 0 and 255 can be an object on its background, or a class beside pixels that have none.
The whole set tells: where nothing but 0 and 255 occurs, the first is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.label_names import VOID_NAMES, Colour, Label
from minicv.data.mask_files import Coding, MaskLook, shown
from minicv.vision.label_maps import VOID, voc_colour_map

BINARY = ("background", "object")
_MOST_UNNAMED = 64  # classes without names; more numbers than that are smoothed edges
Looks = Sequence[tuple[Path, MaskLook]]


class CodingError(ValueError):
    """The masks of a set do not say what is meant; the message says what to write."""


def choose_coding(looks: Looks, names: Sequence[str] | None, labels: Sequence[Label]) -> Coding:
    """What the masks of a set mean.

    Args:
        looks: of every mask.
        names: of the classes, as the user gives them; None for those of ``labels``.
        labels: of a file beside the masks; empty where there is none.

    Returns:
        the coding. The names are, in this order: the user's, those of the file, background and
        object for masks of two numbers, class0, class1 and so on.

    Raises:
        CodingError: colours without a file that says what they mean; numbers above 255; numbers
            without names that are no row 0, 1, 2 ...; more than 255 classes.
    """
    if names is not None and not 1 <= len(names) <= VOID:
        raise CodingError(f"{len(names)} classes, expected 1..{VOID}")
    coloured = [(path, look) for path, look in looks if look.colours and not look.is_grey]
    table = {label.colour: label.name for label in labels if label.colour is not None}
    if hold_colours(looks, table):
        if table:
            return _by_colours(looks, names, labels)
        raise CodingError(_what_colours(coloured))
    numbered = [pair for pair in looks if pair not in coloured]
    return _by_numbers(numbered, names, [label.name for label in labels])


def hold_colours(looks: Looks, table: Collection[Colour]) -> bool:
    """Whether the masks of a set hold colours, and not numbers.

    A few coloured masks among many of numbers are a fault of those few. Masks of 0 alone are black:
    they may belong to either.

    Args:
        looks: of every mask.
        table: the colours that are known.
    """
    numbered = [(path, look) for path, look in looks if not look.colours or look.is_grey]
    coloured = len(looks) - len(numbered)
    if coloured < len(numbered) and _numbers(numbered) - {0} and not _drawn_in(numbered, table):
        return False
    return coloured > 0 or (len(table) > 0 and _drawn_in(looks, table))


def coding_of_numbers(names: Sequence[str]) -> Coding:
    """Numbers 0..K-1 are the classes, 255 is no class."""
    return Coding(tuple(names), {**{k: k for k in range(len(names))}, VOID: VOID})


def is_binary(looks: Looks) -> bool:
    """Whether nothing but 0 and 255 occurs (or 0 and 65535, of 16 bits), and the object does."""
    return _numbers(looks) in ({0, 255}, {0, 65535})


def coding_of_binary(looks: Looks, names: Sequence[str] = BINARY) -> Coding:
    """0 is the background, the other number the object."""
    return Coding(tuple(names), {number: min(number, 1) for number in _numbers(looks)})


def colours_of(coding: Coding) -> np.ndarray:
    """(K, 3) uint8: the colours in which the classes are shown."""
    colours = voc_colour_map(len(coding.names))
    for colour, label in coding.colours.items():
        if label != VOID:
            colours[label] = colour
    return colours


def check_occurring(
    looks: Looks, coding: Coding, where: Path, faults: Faults, advice: str = ""
) -> None:
    """Note it if fewer than two classes occur: there is nothing to tell apart, and mIoU is 1."""
    occurring: set[int] = set()
    for _, look in looks:
        occurring |= coding.labels_in(look)
    if len(occurring) > 1 or not looks:
        return
    numbers = _numbers(looks)
    void = f", and {VOID} is no class" if VOID in numbers and not coding.colours else ""
    which = ", ".join(repr(coding.names[label]) for label in sorted(occurring)) or "none"
    held = f"the masks hold {shown(sorted(numbers))}{void}: " if numbers else ""
    faults.error(
        "fewer than two classes",
        where,
        f"{held}of {len(coding.names)} classes only {which} occurs in {len(looks)} masks, so there "
        f"is nothing to tell apart{advice}",
    )


def holds_void(looks: Looks) -> bool:
    """Whether 255 occurs, of which the author of the masks may have meant something else."""
    return VOID in _numbers(looks)


def _drawn_in(looks: Looks, table: Collection[Colour]) -> bool:
    """Whether palettes, or greys, are the colours of the file and not only numbers."""
    return bool(looks) and all(colour in table for _, look in looks for colour in look.as_colours)


def _by_colours(looks: Looks, names: Sequence[str] | None, labels: Sequence[Label]) -> Coding:
    void = [label for label in labels if label.name.casefold() in VOID_NAMES]
    classes = [label for label in labels if label not in void]
    own = [label.name for label in classes]
    black_is_known = any(label.colour == (0, 0, 0) for label in labels)
    if not black_is_known and any((0, 0, 0) in look.as_colours for _, look in looks):
        classes = [Label("background", (0, 0, 0)), *classes]  # what nobody painted
        own = [label.name for label in classes]
    if names is None:
        names = own
    elif sorted(names) != sorted(own):
        raise CodingError(
            f"--classes names {', '.join(names)}, but the file of colours {', '.join(own)}; leave "
            "the option out"
        )
    if len(names) > VOID:
        raise CodingError(f"{len(names)} classes, expected 1..{VOID}")
    of_name = {name: number for number, name in enumerate(names)}
    colours = {label.colour: of_name[label.name] for label in classes if label.colour is not None}
    colours |= {label.colour: VOID for label in void if label.colour is not None}
    return Coding(tuple(names), colours=colours)


def _by_numbers(looks: Looks, names: Sequence[str] | None, own: Sequence[str]) -> Coding:
    numbers = _numbers(looks)
    given = list(names or own)
    if is_binary(looks) and len(given) in (0, 1, 2):
        return coding_of_binary(looks, _two_names(given))
    if numbers == {0, 1} and len(given) in (0, 1):
        return coding_of_numbers(_two_names(given))
    if numbers and (max(numbers) > VOID or min(numbers) < 0):
        raise CodingError(
            f"the masks hold the numbers {shown(sorted(numbers))}, expected classes 0..254 and 255 "
            "for no class; numbers of single objects (instances) are no classes"
        )
    if given:
        return coding_of_numbers(given)
    classes = sorted(numbers - {VOID})
    counts = Counter[int]()
    for _, look in looks:
        counts.update(look.as_numbers)
    if len(classes) > _MOST_UNNAMED or (classes and classes[-1] >= 3 * len(classes) + 10):
        share = (counts[0] + counts[VOID]) / max(1, counts.total())
        raise CodingError(
            f"the masks hold {len(classes)} numbers besides 255 ({shown(classes)}), which are no "
            f"row of classes 0, 1, 2 ...; 0 and 255 are {share:.0%} of the pixels. If edges were "
            "smoothed (anti-aliasing, resizing, JPEG), save the masks without; if greys stand for "
            "classes, write a labelmap.txt with a line such as cow:128,128,128 for each"
        )
    return coding_of_numbers([f"class{k}" for k in range(classes[-1] + 1 if classes else 1)])


def _two_names(given: Sequence[str]) -> Sequence[str]:
    """The names of background and object; one name is that of the object."""
    return {0: BINARY, 1: (BINARY[0], *given)}.get(len(given), given)


def _numbers(looks: Looks) -> set[int]:
    """The numbers that occur in all masks together."""
    found: set[int] = set()
    for _, look in looks:
        found.update(look.as_numbers)
    return found


def _what_colours(coloured: Looks) -> str:
    counts = Counter[Colour]()
    for _, look in coloured:
        counts.update(look.colours)
    total = counts.total()
    listed = ", ".join(f"{c} ({n / total:.1%})" for c, n in counts.most_common(8))
    more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
    path = coloured[0][0]
    example = counts.most_common(2)[-1][0]
    return (
        f"{len(coloured)} masks such as {path} hold colours instead of numbers: {listed}{more}; "
        f"write a file labelmap.txt into {path.parent} with a line for each class, its name and "
        f"its colour, such as cow:{','.join(map(str, example))}"
    )
