"""Names and colours of classes in a file beside the masks, as labelling tools write them.

- CVAT's ``labelmap.txt``: ``cow:128,0,0::``, after a first line that begins with ``#``;
- a line ``cow 128 0 0``, ``cow,128,0,0``, ``128 0 0 cow`` or ``cow #800000`` for each class;
- ``classes.txt`` and the like: a name in each line, the first one for the number 0;
- JSON: a list of names, ``{"cow": [128, 0, 0]}``, ``{"0": "cow"}``, ``{"cow": 0}``, or a list of
  objects with ``name`` and ``color``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_json, read_lines

LABEL_FILES = (
    *("labelmap.txt", "label_map.txt", "label_names.txt", "label_colors.txt", "classes.txt"),
    *("labels.txt", "class_names.txt", "class_dict.csv", "classes.csv", "labelmap.csv"),
    *("labelmap.json", "label_map.json", "classes.json", "labels.json", "obj.names"),
)
# What tools call pixels that belong to no class.
VOID_NAMES = ("void", "ignore", "ignored", "__ignore__", "unlabeled", "unlabelled", "unlabel")
Colour = tuple[int, int, int]

_CHANNEL = r"\s*(\d{1,3})\s*"
_GAP = r"[\s,;]+"
_THREE = rf"(\d{{1,3}}){_GAP}(\d{{1,3}}){_GAP}(\d{{1,3}})"
_CVAT = re.compile(rf"(.+?):{_CHANNEL},{_CHANNEL},{_CHANNEL}(?::.*)?")
_NAME_FIRST = re.compile(rf"(.+?){_GAP}{_THREE}")
_COLOUR_FIRST = re.compile(rf"{_THREE}{_GAP}([^\d\s].*)")
_NUMBERED_COLOUR = re.compile(rf"\d+[\s,;:]+{_THREE}{_GAP}([^\d\s].*)")
_HEXADECIMAL = re.compile(r"(.+?)[\s,;:]+#?([0-9a-fA-F]{6})")
_HEADING = re.compile(r"(name|label|class)s?[\s,;]+r(ed)?[\s,;]+g(reen)?[\s,;]+b(lue)?", re.I)
_NUMBERED = re.compile(r"(\d{1,9})\s*[:=,;\s]\s*(\S.*)")


class Label(NamedTuple):
    """A class: its name, and its colour in the masks where the file says it."""

    name: str
    colour: Colour | None = None


def find_label_file(*folders: Path) -> Path | None:
    """The first file of `LABEL_FILES` in the first of the folders that has one."""
    for folder in folders:
        if folder.is_dir():
            there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
            for name in LABEL_FILES:
                if name in there:
                    return there[name]
    return None


def read_labels(path: str | Path, reader: str) -> list[Label]:
    """The classes in a file of names, in the order of their numbers.

    Args:
        path: the file, in a form that is said above.
        reader: with which a message begins.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: no class, a name or a colour twice, a channel above 255, or colours for
            some of the names only.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "labelmap.txt"
    >>> _ = file.write_text("# label:color_rgb:parts:actions\\nbackground:0,0,0::\\ncow:128,0,0::")
    >>> read_labels(file, "MaskFolder")
    [Label(name='background', colour=(0, 0, 0)), Label(name='cow', colour=(128, 0, 0))]
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".json":
            labels = _from_json(read_json(path, reader))
        else:
            labels = _from_lines(read_lines(path, reader))
        _check(labels)
    except _LabelsError as error:
        raise AnnotationError(f"{reader}: {path}: {error}") from None
    return labels


class _LabelsError(Exception):
    """What is wrong with the file, which is named by whoever reads it."""


def _from_lines(lines: list[str]) -> list[Label]:
    lines = [line for line in lines if not line.startswith("#") and not _HEADING.fullmatch(line)]
    coloured = [_with_colour(line) for line in lines]
    if any(coloured):
        for number, (line, label) in enumerate(zip(lines, coloured, strict=True), start=1):
            if label is None:
                raise _LabelsError(
                    f"class {number} is {line!r:.80}, expected a name and three numbers as in the "
                    "others, such as cow:128,0,0"
                )
        return [label for label in coloured if label is not None]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if [match and int(match[1]) for match in numbered] == list(range(len(lines))):
        lines = [match[2] for match in numbered if match]
    return [Label(name.removesuffix("::").strip()) for name in lines]


def _with_colour(line: str) -> Label | None:
    for pattern in (_NUMBERED_COLOUR, _COLOUR_FIRST):
        if match := pattern.fullmatch(line):
            red, green, blue, name = match.groups()
            return Label(name.strip(" ,;:"), (int(red), int(green), int(blue)))
    for pattern in (_CVAT, _NAME_FIRST):
        if match := pattern.fullmatch(line):
            name, red, green, blue = match.groups()
            return Label(name.strip(" ,;:"), (int(red), int(green), int(blue)))
    if match := _HEXADECIMAL.fullmatch(line):
        name, digits = match.groups()
        if "#" in line or re.search(r"\d", digits):
            return Label(name.strip(), _from_hexadecimal(digits))
    return None


def _from_json(content: Any) -> list[Label]:
    if isinstance(content, dict) and len(content) == 1:
        (inner,) = content.values()  # {"labels": [...]}
        if isinstance(inner, list) and all(isinstance(entry, (str, dict)) for entry in inner):
            content = inner
    if isinstance(content, list):
        return [_from_entry(entry) for entry in content]
    if not isinstance(content, dict):
        raise _LabelsError("expected a list of classes, or names and colours")
    if all(
        isinstance(value, str) and re.fullmatch(r"\d{1,9}", key, re.ASCII)
        for key, value in content.items()
    ):
        return [Label(name) for name in _in_order(content.values(), map(int, content))]
    if all(type(value) is int for value in content.values()):
        return [Label(name) for name in _in_order(content, content.values())]
    return [Label(name, _colour(name, value)) for name, value in content.items()]


def _from_entry(entry: Any) -> Label:
    if isinstance(entry, str):
        return Label(entry.strip())
    if not isinstance(entry, dict):
        raise _LabelsError(f"a class is {entry!r:.80}, expected a name, or an object with name")
    name = entry.get("name", entry.get("label"))
    if not isinstance(name, str):
        raise _LabelsError(f"a class is {entry!r:.80}, expected a name in it")
    colour = entry.get("color", entry.get("colour"))
    return Label(name.strip(), None if colour is None else _colour(name, colour))


def _in_order(names: Iterable[str], numbers: Iterable[int]) -> list[str]:
    pairs = sorted(zip(numbers, names, strict=True))
    if [number for number, _ in pairs] != list(range(len(pairs))):
        raise _LabelsError(
            f"its numbers are {', '.join(str(number) for number, _ in pairs[:20])}, expected 0, 1, "
            "2 and so on"
        )
    return [name for _, name in pairs]


def _is_colour(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (3, 4) and all(type(v) is int for v in value)


def _colour(name: str, value: Any) -> Colour:
    if isinstance(value, str) and re.fullmatch(r"#?[0-9a-fA-F]{6}", value):
        return _from_hexadecimal(value.removeprefix("#"))
    if not _is_colour(value):
        raise _LabelsError(f"class {name!r:.80}: its colour is {value!r:.80}, expected [128, 0, 0]")
    return (value[0], value[1], value[2])


def _from_hexadecimal(digits: str) -> Colour:
    red, green, blue = bytes.fromhex(digits)
    return (red, green, blue)


def _check(labels: list[Label]) -> None:
    if not labels:
        raise _LabelsError("it names no class")
    if len({label.colour is None for label in labels}) > 1:
        plain = next(label.name for label in labels if label.colour is None)
        raise _LabelsError(f"class {plain!r:.80} has no colour, but others have")
    first: dict[Any, int] = {}
    for number, label in enumerate(labels, start=1):
        if not label.name:
            raise _LabelsError(f"class {number} has no name")
        if label.colour is not None and not all(0 <= channel <= 255 for channel in label.colour):
            raise _LabelsError(f"class {label.name!r:.80}: colour {label.colour}, expected 0..255")
        for key in (label.name, label.colour):
            if key is not None and first.setdefault(key, number) != number:
                raise _LabelsError(f"classes {first[key]} and {number} are both {key!r:.80}")


__all__ = ["LABEL_FILES", "VOID_NAMES", "Colour", "Label", "find_label_file", "read_labels"]
