"""Masks as painting and labelling tools write them: what a file holds, and how it is read.

`read_label_map` reads numbers of 8 bits only. Here the other forms are read too: 1 and 16 bits,
colours, grey written as three equal channels. What a number or a colour means is said by the whole
set, so each file is looked at first (`look_at_mask`), and then read by a `Coding`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data.image_files import AnnotationError, exif_orientation, open_picture
from minicv.data.label_names import Colour
from minicv.data.picture_size import PictureSize, upright_mask
from minicv.vision.label_maps import VOID

_MOST_SHOWN = 8
_MOST_COLOURS = 4096  # of a mask; a photograph has more
_BLURRED = 20  # so many unknown numbers or colours in one mask are edges that were smoothed


@dataclass(frozen=True)
class MaskLook:
    """What one mask holds, without its pixels.

    Attributes:
        width, height: when its own EXIF orientation is applied.
        mode: Pillow's name of its kind, such as "L" or "RGB".
        numbers: how many pixels have each number; empty for a mask of colours.
        colours: how many pixels have each colour; empty for a mask of numbers.
        palette: the colour of each number that occurs, in a palette picture.
    """

    width: int
    height: int
    mode: str
    numbers: Mapping[int, int]
    colours: Mapping[Colour, int]
    palette: Mapping[int, Colour]

    @property
    def is_grey(self) -> bool:
        """Whether it has three channels which are all the same: numbers, written as colours."""
        return bool(self.colours) and all(r == g == b for r, g, b in self.colours)

    @property
    def as_numbers(self) -> Mapping[int, int]:
        """The numbers that occur, also of grey written as colours."""
        return {c[0]: n for c, n in self.colours.items()} if self.is_grey else self.numbers

    @property
    def as_colours(self) -> Mapping[Colour, int]:
        """The colours that occur, also those of a palette, or the greys of numbers to 255."""
        if self.colours:
            return self.colours
        if self.palette:
            shown: dict[Colour, int] = {}
            for number, count in self.numbers.items():
                colour = self.palette.get(number, (-1, -1, -1))
                shown[colour] = shown.get(colour, 0) + count
            return shown
        return {(number, number, number): count for number, count in self.numbers.items()}


@dataclass(frozen=True)
class Coding:
    """What the numbers or the colours of a set's masks mean.

    Attributes:
        names: of the classes, in the order of their labels.
        numbers: the label of each number.
        colours: the label of each colour; where there are any, they decide.
    """

    names: tuple[str, ...]
    numbers: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)

    def labels_in(self, look: MaskLook) -> set[int]:
        """The labels that occur in a mask, without `VOID`."""
        known = [self.colours[c] for c in look.as_colours if c in self.colours]
        if not self.colours:
            known = [self.numbers[n] for n in look.as_numbers if n in self.numbers]
        return {*known} - {VOID}

    def unknown_in(self, look: MaskLook) -> list[int] | list[Colour]:
        """The numbers or colours of a mask that mean nothing, the commonest first."""
        if self.colours:
            colours = look.as_colours
            return sorted((c for c in colours if c not in self.colours), key=lambda c: -colours[c])
        if look.colours and not look.is_grey:
            return sorted(look.colours, key=lambda c: -look.colours[c])
        numbers = look.as_numbers
        return sorted((n for n in numbers if n not in self.numbers), key=lambda n: -numbers[n])


def look_at_mask(path: Path) -> MaskLook:
    """What a mask file holds.

    Raises:
        FileNotFoundError, ImageError: there is no such file, or it cannot be read.
        AnnotationError: it is no mask: a JPEG, a photograph, of floating-point numbers, or partly
            transparent. The message does not name the file.
    """
    values, coloured, mode, palette = _pixels(path)
    height, width = values.shape
    found, counts = _counted(values)
    held = dict(zip(found, counts, strict=True))
    if not coloured:
        used = {number: palette[number] for number in held if number in palette}
        return MaskLook(width, height, mode, held, {}, used)
    if len(held) > _MOST_COLOURS:
        raise AnnotationError(
            f"it has {len(held):,} colours, as a photograph has, or a mask that was blurred or "
            "saved as JPEG; expected one number or colour for each class"
        )
    colours = {_unpacked(value): count for value, count in held.items()}
    return MaskLook(width, height, mode, {}, colours, {})


def read_mask(path: Path, coding: Coding, turned: PictureSize | None = None) -> np.ndarray:
    """The labels of a mask.

    Args:
        path: the file.
        coding: what its numbers or colours mean.
        turned: the size of its photograph, where the mask was drawn on the photograph as stored,
            and is to be turned upright with it.

    Returns:
        (H, W) uint8: labels 0..K-1, or `VOID`.

    Raises:
        FileNotFoundError, ImageError, AnnotationError: as `look_at_mask`; or a pixel holds a number
            or a colour that is no class: names the first.
    """
    values, coloured, _, palette = _pixels(path)
    if coloured and not coding.colours:  # grey, written as colours
        numbers = values & 255
        _check_all(numbers * 0x010101 == values, values, lambda v: f"colour {_unpacked(v)}", coding)
        values, coloured = numbers.astype(np.uint8), False
    table = dict(coding.numbers)
    if coloured:
        table = {_pack(colour): label for colour, label in coding.colours.items()}
    elif coding.colours:
        greys: dict[int, Colour] = {number: (number, number, number) for number in range(256)}
        meant = palette or greys
        table = {
            n: coding.colours[colour] for n, colour in meant.items() if colour in coding.colours
        }
    labels = _looked_up(values, table)

    def named(value: int) -> str:
        if not coding.colours:
            return f"label {value}"
        return f"colour {_unpacked(value) if coloured else palette.get(value, (value,) * 3)}"

    _check_all(labels >= 0, values, named, coding)
    labels = labels.astype(np.uint8)
    return labels if turned is None else upright_mask(labels, turned)


def read_numbers(path: Path) -> np.ndarray:
    """The numbers (H, W) of a mask of single objects, of up to 16 bits; grey colours count too.

    Raises:
        FileNotFoundError, ImageError, AnnotationError: as `look_at_mask`; or it holds colours.
    """
    values, coloured, _, _ = _pixels(path)
    if not coloured:
        return values
    if not look_at_mask(path).is_grey:
        raise AnnotationError("it holds colours, expected a number for each object")
    return np.asarray(values & 255)


def _check_all(
    right: np.ndarray, values: np.ndarray, named: Callable[[int], str], coding: Coding
) -> None:
    """Raise for the first pixel that is not right."""
    if right.all():
        return
    row, column = divmod(int(right.argmin()), right.shape[1])
    raise AnnotationError(
        f"{named(int(values[row, column]))} in row {row}, column {column} "
        f"({int((~right).sum())} of {right.size} pixels); {_expected(coding)}"
    )


def why_unknown(path: Path, look: MaskLook, coding: Coding) -> str:
    """What is wrong with a mask that has numbers or colours which mean nothing."""
    unknown = coding.unknown_in(look)
    if len(unknown) > _BLURRED:
        what = "colours" if coding.colours else "numbers"
        return (
            f"it has {len(unknown)} {what} that are no class, as smoothed edges have "
            "(anti-aliasing, or resizing that mixes neighbours); save masks without smoothing"
        )
    try:
        read_mask(path, coding)
    except AnnotationError as error:
        others = f"; in it are also {shown(unknown[1:])}" if len(unknown) > 1 else ""
        numbers = set(look.as_numbers) - {VOID}
        from_one = set(range(1, len(coding.names) + 1))
        advice = ""
        if not coding.colours and numbers and numbers <= from_one:
            advice = "; numbers begin at 0: name the class 0 too, such as background"
        return f"{error}{others}{advice}"
    return f"it holds {shown(unknown)}, which are no class"


def shown(values: Iterable[int] | Iterable[Colour]) -> str:
    """Numbers or colours for a message, the first eight of them."""
    texts = [str(value) for value in values]
    more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
    return ", ".join(texts[:_MOST_SHOWN]) + more


def _expected(coding: Coding) -> str:
    if coding.colours:
        return f"expected {shown(coding.colours)}"
    expected = sorted(set(coding.numbers) - {VOID})
    if expected == list(range(len(expected))):
        return f"expected 0..{len(expected) - 1}, or {VOID} for a pixel without a class"
    return f"expected {shown(expected)}"


def _pixels(path: Path) -> tuple[np.ndarray, bool, str, dict[int, Colour]]:
    """The numbers (H, W), whether they are packed colours, Pillow's mode, and the palette."""
    with open_picture(path, "read_mask", "mask") as file:
        form, mode = file.format, file.mode
        file.load()
        orientation = exif_orientation(file)
        array, palette = np.asarray(file), _palette(file)
    if form in ("JPEG", "MPO"):
        raise AnnotationError("it is a JPEG, which blurs numbers and colours; save masks as PNG")
    if mode in ("LA", "PA", "RGBA"):
        if (array[..., -1] != 255).any():
            raise AnnotationError(
                f"it is partly transparent (mode {mode}); save it without transparency"
            )
        array = array[..., 0] if mode in ("LA", "PA") else array[..., :3]
    elif mode == "1":
        array = array.astype(np.uint8)
    elif mode not in ("L", "P", "RGB", "I") and not mode.startswith("I;16"):
        raise AnnotationError(
            f"it has the mode {mode}, expected whole numbers (1, L, P, I) or colours (RGB, RGBA)"
        )
    coloured = array.ndim == 3
    if coloured:
        red, green, blue = np.moveaxis(array.astype(np.int32), -1, 0)
        array = red << 16 | green << 8 | blue
    if orientation != 1:
        array = upright_mask(array, PictureSize(0, 0, orientation))
    return array, coloured, mode, palette


def _palette(picture: Image.Image) -> dict[int, Colour]:
    if picture.mode not in ("P", "PA"):
        return {}
    channels = picture.getpalette("RGB") or []
    triples = zip(channels[::3], channels[1::3], channels[2::3], strict=False)
    return dict(enumerate(triples))


def _counted(values: np.ndarray) -> tuple[list[int], list[int]]:
    if values.dtype == np.uint8 or (values.dtype.kind == "u" and values.itemsize == 2):
        counts = np.bincount(values.ravel())
        found = np.flatnonzero(counts)
        return found.tolist(), counts[found].tolist()
    found, counts = np.unique(values, return_counts=True)
    return found.tolist(), counts.tolist()


def _pack(colour: Colour) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _unpacked(value: int) -> Colour:
    return (value >> 16, value >> 8 & 255, value & 255)


def _looked_up(values: np.ndarray, table: Mapping[int, int]) -> np.ndarray:
    """The entry of each value, -1 where there is none."""
    if values.dtype == np.uint8:
        entries = np.array([table.get(number, -1) for number in range(256)], np.int16)
        return entries[values]
    if not table:
        return np.full(values.shape, -1)
    keys = np.array(sorted(table), np.int64)
    entries = np.array([table[key] for key in keys.tolist()], np.int16)
    place = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
    return np.where(keys[place] == values, entries[place], -1)
