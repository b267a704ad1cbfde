"""A text file that names pictures and their classes, one picture a line.

``csv:FILE`` on the command line.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.data.class_folder import splits_of_classes
from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, AnnotationError, read_image
from minicv.data.listed_pictures import ListedPictures
from minicv.data.picture_size import size_if_readable
from minicv.data.split_names import role_of_folder
from minicv.data.splits import Splits
from minicv.data.text_files import read_text

READER = "ClassList"
PICTURE_COLUMNS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path"),
    *("image_name", "picture", "img", "image_id", "id"),
)
CLASS_COLUMNS = ("class", "label", "category", "class_name", "target")
SPLIT_COLUMNS = ("split", "set", "subset")
_SEPARATORS = ("\t", ";", ",")
_LOOKED_AT = 50  # rows that tell which character separates the columns


class ClassList:
    """Pictures with a class each, from a file of lines such as ``photos/1.jpg,cow``.

    Columns are separated by commas, semicolons or tabs, and may be quoted as spreadsheets do it.
    The paths are relative to the folder of the file. A first line may name the columns: one of the
    pictures (`PICTURE_COLUMNS`), one of the classes (`CLASS_COLUMNS`), and maybe one of the splits
    (`SPLIT_COLUMNS`), which holds train, val and test, or other words for them. Other columns are
    passed over then. Without such a line there are two columns, pictures and classes.

    `classes` are the names in the file, sorted; those of all splits together. Numbers are sorted as
    numbers. Target: label, an int, and image_id, the path. The pictures are sorted by path.

    Args:
        file: the text file.
        split: "train", "val" or "test", where the file has a column of splits; None for all.
        classes: names in the order of their labels; None sorts those of the file.
        faults: takes what is wrong with the files; None warns and raises. Of lines that are there
            twice one is left out.

    Raises:
        FileNotFoundError: there is no such file; a picture is missing.
        AnnotationError: the columns cannot be told; a line has another number of them, or no path,
            no class or an unknown split; a path leads out of the folder; a picture has two classes
            or is in two splits; ``classes`` lacks a name; fewer than two classes have pictures to
            learn from. Names all of the lines.
        ImageError: a file is no picture; names all of them.
    """

    def __init__(
        self,
        file: str | Path,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        self.file, self.split = Path(file), split
        self.root = self.file.parent
        entries = _entries(self.file, faults)
        names = {entry.class_name for entry in entries.values()}
        self.classes: tuple[str, ...] = tuple(_sorted(names) if classes is None else classes)
        self.paths: list[Path] = []
        self.labels: list[int] = []
        for path in sorted(entries):
            self._take(path, entries[path], faults)
        if not entries and not faults.found:
            raise AnnotationError(f"{READER}: {self.file} names no picture")
        to_learn = split in (None, "train") and all(fault.repair for fault in faults.found)
        if self.paths and to_learn and len({*self.labels}) < 2:
            what = (
                f"only {self.classes[self.labels[0]]!r} has pictures to learn from, so there is "
                "nothing to tell apart"
            )
            faults.error("fewer than two classes", self.file, what)
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.paths)

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a picture, without reading it."""
        return np.array([self.labels[index]], np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        image_id = path.relative_to(self.root).as_posix()
        return read_image(path), {"label": self.labels[index], "image_id": image_id}

    def _take(self, path: Path, entry: _Entry, faults: Faults) -> None:
        if self.split is not None and entry.split != self.split:
            return
        if entry.class_name not in self.classes:
            what = f"{entry.where}: {entry.class_name!r:.80} is no class of "
            what += f"{', '.join(self.classes):.200}; add it to --classes"
            faults.error("unknown class", self.file, what)
        elif size_if_readable(path, faults) is not None:
            self.paths.append(path)
            self.labels.append(self.classes.index(entry.class_name))


def open_class_list(
    paths: Sequence[str], classes: Sequence[str] | None = None, faults: Faults | None = None
) -> Splits:
    """The splits of a file: its column of splits, or else every tenth picture of each class."""
    (file,) = paths

    def part(split: str | None) -> ClassList:
        return ClassList(file, split, classes, faults)

    lacking = "the file has no column of splits"
    return splits_of_classes(splits_of_list(file), part, file, lacking)


def splits_of_list(file: str | Path) -> list[str]:
    """Those of train, val and test that stand in the file's column of splits; none without one.

    Raises:
        FileNotFoundError, AnnotationError: as `ClassList`, where the columns cannot be told.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "pictures.csv"
    >>> _ = file.write_text("image;class;split\\n1.jpg;cow;Validation\\n2.jpg;duck;train\\n")
    >>> splits_of_list(file)
    ['train', 'val']
    """
    table = _read_table(Path(file))
    column = table.split
    if column is None:
        return []
    roles = {role_of_folder(row[column]) for _, row in table.rows if column < len(row)}
    return [role for role in ("train", "val", "test") if role in roles]


@dataclass(frozen=True)
class _Table:
    """The rows of a file, each with where it stands, and which columns hold what."""

    rows: list[tuple[str, list[str]]]
    width: int
    picture: int
    class_name: int
    split: int | None


@dataclass(frozen=True)
class _Entry:
    """What a row says of its picture."""

    where: str
    class_name: str
    split: str


def _entries(file: Path, faults: Faults) -> dict[Path, _Entry]:
    """What the file says of each picture that is there."""
    table = _read_table(file)
    pictures = ListedPictures(file.parent)
    entries: dict[Path, _Entry] = {}
    for where, row in table.rows:
        if len(row) != table.width:
            what = f"{where} has {_columns(len(row))}, expected {table.width}; a text that holds "
            faults.error("wrong number of columns", file, f"{what}the separator must be quoted")
            continue
        picture, class_name = row[table.picture], row[table.class_name]
        split = "" if table.split is None else role_of_folder(row[table.split])
        if not picture or not class_name:
            lacking = "class" if picture else "path of a picture"
            faults.error("missing field", file, f"{where} has no {lacking}")
        elif table.split is not None and not split:
            what = f"{where}: the split is {row[table.split]!r:.80}, expected train, val or test"
            faults.error("unknown split", file, what)
        elif path := pictures.find(picture, file, where, faults):
            entry = _Entry(where, class_name, split)
            _check_once(entries.setdefault(path, entry), entry, path, file, faults)
    return entries


def _check_once(first: _Entry, entry: _Entry, path: Path, file: Path, faults: Faults) -> None:
    """Note that a picture is there twice, if it is."""
    if first is entry:
        return
    both = f"{first.where} and {entry.where} name {path}"
    if first.class_name != entry.class_name:
        what = f"{both}, as {first.class_name!r:.80} and as {entry.class_name!r:.80}"
        faults.error("picture with two classes", file, what)
    elif first.split != entry.split:
        faults.error("picture in two splits", file, f"{both}, in {first.split} and {entry.split}")
    else:
        faults.repaired("repeated line", file, both, "the second is left out")


def _read_table(file: Path) -> _Table:
    """The rows of the file.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: it is no text, or no table of pictures and classes.
    """
    text = read_text(file, READER)
    try:
        rows = list(_rows(text, _separator_of(text)))
        if not rows:
            raise _TableError("it is empty")
        return _with_columns(rows)
    except (csv.Error, _TableError) as error:
        raise AnnotationError(f"{READER}: {file}: {error}") from None


class _TableError(Exception):
    """What is wrong with the file, which is named by whoever reads it."""


def _rows(text: str, separator: str, strict: bool = True) -> Iterator[tuple[str, list[str]]]:
    """Rows that are not empty, with where they stand."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=strict, skipinitialspace=True
    )
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield f"line {reader.line_num}", cells
    except csv.Error as error:
        raise _TableError(f"line {reader.line_num}: {error}") from None


def _separator_of(text: str) -> str:
    """The separator by which the first rows have the same number of columns, or else the most."""
    best, most = _SEPARATORS[-1], 0
    for separator in _SEPARATORS:
        rows = itertools.islice(_rows(text, separator, strict=False), _LOOKED_AT)
        widths = [len(row) for _, row in rows]
        if widths and min(widths) == max(widths) > 1:
            return separator
        wide = sum(width > 1 for width in widths)
        if wide > most:
            best, most = separator, wide
    return best


def _with_columns(rows: list[tuple[str, list[str]]]) -> _Table:
    """The rows below the names of the columns, if there are any, and the columns by their use."""
    first = rows[0][1]
    names = [name.lstrip("#").strip().casefold() for name in first]
    width = len(names)
    if width < 2:
        raise _TableError(
            f"{rows[0][0]} is {first[0]!r:.80}; expected a path and a class, with a comma between"
        )
    known = {*PICTURE_COLUMNS, *CLASS_COLUMNS, *SPLIT_COLUMNS}
    below = rows[1][1] if len(rows) > 1 else []
    paths = [column for column, cell in enumerate(below[:width]) if _is_picture(cell)]
    named = not any(map(_is_picture, first)) and bool(paths or known & {*names})
    if not named:
        if width != 2:
            raise _TableError(
                f"it has {_columns(width)}; expected two, of paths and of classes, or a first line "
                "that names the columns, such as path,class,split"
            )
        picture = int(not _is_picture(first[0]) and _is_picture(first[1]))
        return _Table(rows, 2, picture, 1 - picture, None)
    split = _column(names, SPLIT_COLUMNS, range(width))
    pictures = _column(names, PICTURE_COLUMNS, paths or range(width))
    if pictures is None and paths:
        pictures = paths[0]
    others = [column for column in range(width) if column not in (split, pictures)]
    class_name = _column(names, CLASS_COLUMNS, others)
    if class_name is None and len(others) == 1:
        class_name = others[0]
    if pictures is None or class_name is None:
        lacking = "pictures" if pictures is None else "classes"
        expected = PICTURE_COLUMNS if pictures is None else CLASS_COLUMNS
        raise _TableError(
            f"none of its columns {', '.join(first):.200} is known to hold the {lacking}; call it "
            f"{' or '.join(expected[:2])}"
        )
    return _Table(rows[1:], width, pictures, class_name, split)


def _column(names: Sequence[str], wanted: Sequence[str], among: Iterable[int]) -> int | None:
    """The column that is called as the first of ``wanted`` that any is called."""
    there = {names[column]: column for column in among}
    return next((there[name] for name in wanted if name in there), None)


def _is_picture(cell: str) -> bool:
    return Path(cell).suffix.lower() in SUFFIXES


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _sorted(names: Iterable[str]) -> list[str]:
    """By name, or by number where all are numbers.

    >>> _sorted({"10", "9", "1"}), _sorted({"10", "9", "cow"})
    (['1', '9', '10'], ['10', '9', 'cow'])
    """
    if all(re.fullmatch(r"-?\d{1,9}", name, re.ASCII) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
