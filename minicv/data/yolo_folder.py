"""A YOLO set on disk: which pictures belong to which part, which file labels which, and the names.

The tools lay it out in many ways: text files beside the pictures with a ``classes.txt`` (labelImg),
``train/images`` and ``train/labels`` with a ``data.yaml`` (Roboflow), ``images/train`` and
``labels/train`` (Ultralytics), lists of paths with ``obj.data`` and ``obj.names`` (darknet, CVAT).
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, AnnotationError
from minicv.data.listed_pictures import ListedPictures, is_file
from minicv.data.picture_folder import visible
from minicv.data.plain_yaml import read_yaml
from minicv.data.split_names import role_in, role_of_folder
from minicv.data.text_files import read_lines
from minicv.data.yolo_lines import READER, looks_like_labels

_NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels")
_KEYS = {"train": "train", "val": "val", "valid": "val", "test": "test"}  # of yaml and obj.data


class YoloFolder:
    """The layout of a YOLO set.

    Args:
        path: the folder of the set, or its ``data.yaml``.
        faults: takes what is wrong.

    Attributes:
        root: the folder.
        names: of the classes, by their number; None where no file says them.
        names_file: the file that says them.
        parts: the pictures of each part, sorted: "train", "val" and "test" as far as there are any,
            or all of them under "".
        joint_numbers: how many numbers of joints follow a box in each line, as data.yaml says.

    Raises:
        FileNotFoundError: there is no such folder, or no picture in it.
        AnnotationError: data.yaml or a list is damaged, or the names contradict each other.
    """

    def __init__(self, path: str | Path, faults: Faults) -> None:
        path = Path(path)
        self.root = path if path.is_dir() else path.parent
        if not self.root.is_dir() or not path.exists():
            raise FileNotFoundError(f"{READER}: there is no folder {path}")
        self.listed = ListedPictures(self.root)
        self.pictures = self.listed.listing.paths
        if not self.pictures:
            raise FileNotFoundError(
                f"{READER}: {self.root} holds no picture ({', '.join(SUFFIXES)})"
            )
        self._files = _files_below(self.root)
        self._texts = {_key(f): f for f in self._files if f.suffix.lower() == ".txt"}
        self.description = _description(self.root, None if path.is_dir() else path)
        entries = self._entries()
        self.joint_numbers = _joint_numbers(self.description, entries)
        self.names, self.names_file = self._names(entries)
        self.parts = self._parts(entries, faults)
        self._stems = Counter((self._role(p), _key(p)[1]) for p in self.pictures)
        self._texts_by_stem: dict[str, list[Path]] = {}
        for (_, stem), file in self._texts.items():
            self._texts_by_stem.setdefault(stem, []).append(file)
        self._texts_by_folded = _one_each((key, file) for key, file in self._texts.items())
        self._pictures_by_folded = _one_each((_key(p), p) for p in self.pictures)
        self._copies: set[Path] = set()  # text files that repeat another
        self._label_files = {
            picture: self._label_file(picture, faults) for picture in self.pictures
        }
        self._note_strays(faults)

    def label_file(self, picture: Path) -> Path | None:
        """The text file that labels a picture, if there is one."""
        return self._label_files[picture]

    def _entries(self) -> dict[str, Any]:
        """What data.yaml or else obj.data says."""
        if self.description is not None:
            return read_yaml(self.description, READER)
        for file in visible(self.root.glob("*.data")):
            pairs = (line.partition("=") for line in read_lines(file, READER))
            self.description = file
            return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}
        return {}

    def _names(self, entries: dict[str, Any]) -> tuple[tuple[str, ...] | None, Path | None]:
        """The names of the classes, and the file that says them. Several must agree."""
        known: list[tuple[Path, tuple[str, ...]]] = []
        names = entries.get("names")
        described = isinstance(names, (list, dict))
        if self.description is not None and described:
            known.append((self.description, _names_in(self.description, entries)))
        for file in self._files:
            wanted = isinstance(names, str) and file.name == PurePosixPath(names).name
            if file.name.lower() in _NAME_FILES or wanted:
                lines = tuple(read_lines(file, READER))
                if lines:
                    known.append((file, lines))
        if not known:
            if isinstance(names, str) and names.strip():
                raise AnnotationError(
                    f"{READER}: {self.description}: names is {names!r:.80}, which is no file here; "
                    "expected a name for each class, as names: [cow, duck]"
                )
            return None, None
        # labelImg appends names as they come, so a list may be the beginning of another.
        file, longest = known[0] if described else max(known, key=lambda pair: len(pair[1]))
        for other_file, other in known:
            for index, (one, two) in enumerate(zip(longest, other, strict=False)):
                if one != two:
                    raise AnnotationError(
                        f"{READER}: class {index} is {one!r} in {file}, but {two!r} in "
                        f"{other_file}; remove the list that the labels were not made with"
                    )
        for index, name in enumerate(longest):
            if name in longest[:index]:
                raise AnnotationError(f"{READER}: {file} has the name {name!r} twice")
        return longest, file

    def _parts(self, entries: dict[str, Any], faults: Faults) -> dict[str, list[Path]]:
        given = {
            _KEYS[key]: value
            for key, value in entries.items()
            if key in _KEYS and isinstance(value, (str, list)) and value
        }
        for key in entries if self.description is not None else ():
            if key in _KEYS and not isinstance(entries[key], (str, list, type(None))):
                what = f"{key} is {entries[key]!r:.60}, expected a folder or a list"
                faults.error("wrong value", str(self.description), what)
        if given and self.description is not None:
            parts = self._described(given, entries.get("path"), self.description, faults)
        else:
            parts = self._listed_parts(faults) or self._parts_by_folder(faults)
        if "train" in parts and parts.get("val") == parts["train"]:
            where = self.description or self.root
            what = "the same pictures are for training and for validation"
            faults.repaired("parts that are one", where, what, "every tenth of them validates")
            del parts["val"]
        return parts

    def _described(
        self, given: dict[str, Any], base: Any, file: Path, faults: Faults
    ) -> dict[str, list[Path]]:
        """The parts that data.yaml or obj.data names: by folders, or lists of paths, or several."""
        parts: dict[str, list[Path]] = {}
        for role, value in given.items():
            found: set[Path] = set()
            missing = []
            for entry in value if isinstance(value, list) else [value]:
                place = self._place(entry, base) if isinstance(entry, str) else None
                if place is None:
                    missing.append(str(entry))
                    continue
                if place.is_dir():
                    there = [p for p in self.pictures if p.is_relative_to(place)]
                else:
                    there = self._in_list(place, faults)
                found.update(there)
                if not there and role != "train":
                    what = f"{role} is {entry!r}, and {place} holds no picture"
                    faults.repaired("missing part", file, what, "left out")
            for entry in missing:
                what = f"{role} is {entry!r}, which is not in {self.root}"
                if role == "train" or found:
                    faults.error("missing part", file, what, FileNotFoundError)
                else:
                    faults.repaired("missing part", file, what, "left out")
            if found or role == "train":
                parts[role] = sorted(found)
        return parts

    def _place(self, entry: str, base: Any) -> Path | None:
        """The folder or list within the set that ``entry`` means, however it is written.

        The paths are of another computer, or relative to another folder: Roboflow writes
        ``../train/images`` for ``train/images``. So the longest end of the path that is there
        counts, and it must hold the word that tells the part.
        """
        joined = posixpath.join(str(base or ""), entry).replace("\\", "/")
        path = [part for part in posixpath.normpath(joined).split("/") if part not in ("", "..")]
        needed = max((k for k, part in enumerate(path) if role_in(Path(part).stem)), default=-1)
        for start in range(len(path)):
            place = self.root.joinpath(*path[start:])
            if (needed < 0 or start <= needed) and (is_file(place) or _is_folder(place)):
                return place
        own = not path or path in (["."], [self.root.absolute().name])
        return self.root if own else None

    def _in_list(self, file: Path, faults: Faults) -> list[Path]:
        """The pictures that a text file names, a path a line."""
        found = []
        for number, line in enumerate(read_lines(file, READER), start=1):
            own = posixpath.normpath((file.parent.relative_to(self.root) / line).as_posix())
            name = own if not own.startswith("..") and is_file(self.root / own) else line
            picture = self.listed.find(name, file, f"line {number}", faults)
            if picture is not None:
                found.append(picture)
        return found

    def _listed_parts(self, faults: Faults) -> dict[str, list[Path]]:
        """The parts of lists such as train.txt, which name pictures."""
        parts = {}
        for file in visible(self.root.glob("*.txt")):
            role = role_of_folder(file.stem)
            lines = read_lines(file, READER) if role else []
            if lines and Path(lines[0].replace("\\", "/")).suffix.lower() in SUFFIXES:
                parts[role] = sorted(set(self._in_list(file, faults)))
        return parts

    def _parts_by_folder(self, faults: Faults) -> dict[str, list[Path]]:
        """The parts after which folders are called, or all pictures as one."""
        parts: dict[str, list[Path]] = {}
        for picture in self.pictures:
            parts.setdefault(self._role(picture), []).append(picture)
        if "train" not in parts:
            return {"": list(self.pictures)}
        for picture in parts.pop("", []):
            what = "it is in no folder of a part, such as train or val"
            faults.repaired("picture without part", picture, what, "left out")
        return parts

    def _role(self, file: Path) -> str:
        roles = (role_of_folder(part) for part in file.relative_to(self.root).parts[:-1])
        return next(filter(None, roles), "")

    def _label_file(self, picture: Path, faults: Faults) -> Path | None:
        """The text file of a picture: in the labels/ beside images/, beside it, or by its name."""
        inner = picture.relative_to(self.root)
        folders = list(inner.parts[:-1])
        places = [inner, inner.parent / "labels" / inner.name, Path("labels") / inner]
        for k in reversed(range(len(folders))):
            if folders[k].lower() == "images":
                places.insert(0, Path(*folders[:k], "labels", *folders[k + 1 :], inner.name))
                break
        known = dict.fromkeys(_key(self.root / place) for place in places)
        found = [self._texts[key] for key in known if key in self._texts]
        if not found and self._pictures_by_folded.get(_folded(_key(picture))) == picture:
            others = (self._texts_by_folded.get(_folded(key)) for key in known)
            found = [file for file in others if file is not None]
        role, stem = self._role(picture), _key(picture)[1]
        if not found and self._stems[role, stem] == 1:
            same = self._texts_by_stem.get(stem, [])
            found = [f for f in same if self._role(f) in ("", role)]
        found = [f for f in found if f.name.lower() not in _NAME_FILES]
        if len({file.read_bytes() for file in found}) > 1:
            what = f"{' and '.join(map(str, found))} both label it, and differ"
            faults.error("two annotations of a picture", picture, what)
        self._copies.update(found[1:])
        return found[0] if found else None

    def _note_strays(self, faults: Faults) -> None:
        """Note label files that label two pictures, or none."""
        used: dict[Path, Path] = {}
        for picture, file in self._label_files.items():
            if file is not None and used.setdefault(file, picture) != picture:
                what = f"it fits both {used[file]} and {picture}; give each picture its own name"
                faults.error("ambiguous picture", file, what)
        lists = {self.root / f"{name}.txt" for name in ("train", "val", "valid", "test")}
        for file in self._texts.values():
            if file in used or file in lists | self._copies or not looks_like_labels(file):
                continue
            what = f"there is no picture {file.stem} for it"
            if faults.skip_unreadable:
                faults.repaired("annotation without picture", file, what, "left out")
            else:
                faults.error("annotation without picture", file, what, FileNotFoundError)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no disk can have
        return False


def _files_below(root: Path) -> list[Path]:
    """All files below a folder that are meant to be seen, sorted."""
    found: list[Path] = []
    for place, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place) / name for name in names]
    return visible(found)


def _key(file: Path) -> tuple[str, str]:
    """Folder and stem of a file, the same whatever its suffix and however accents are written."""
    return (
        unicodedata.normalize("NFC", file.parent.as_posix()),
        unicodedata.normalize("NFC", file.stem),
    )


def _folded(key: tuple[str, str]) -> tuple[str, str]:
    """The same key for A.jpg and a.txt, which a computer that knows no case takes for a pair."""
    return (key[0].casefold(), key[1].casefold())


def _one_each(files: Iterable[tuple[tuple[str, str], Path]]) -> dict[tuple[str, str], Path | None]:
    """The file of each folded key; None where several have it."""
    found: dict[tuple[str, str], Path | None] = {}
    for key, file in files:
        folded = _folded(key)
        found[folded] = None if folded in found else file
    return found


def _description(root: Path, given: Path | None) -> Path | None:
    """The YAML file that describes the set.

    Raises:
        AnnotationError: several do.
    """
    if given is not None:
        return given
    files = [f for f in visible(root.glob("*")) if f.suffix.lower() in (".yaml", ".yml")]
    for file in files:
        if file.stem.lower() == "data":
            return file
    if len(files) == 1:
        return files[0]
    fitting = []
    for file in files:
        try:
            entries = read_yaml(file, READER)
        except AnnotationError:
            continue  # of another program; the one that is chosen is read again
        if {"names", "train"} & set(entries):
            fitting.append(file)
    if len(fitting) > 1:
        names = ", ".join(file.name for file in fitting)
        raise AnnotationError(
            f"{READER}: {root} holds {names}; write which describes the set, as yolo:FILE.yaml"
        )
    return fitting[0] if fitting else None


def _names_in(file: Path, entries: dict[str, Any]) -> tuple[str, ...]:
    """The names of data.yaml: a list, or a map of numbers 0, 1, 2 ... to names.

    Raises:
        AnnotationError: a number or a name is missing, or there are not as many as ``nc`` says.
    """
    names = entries["names"]
    if isinstance(names, dict):
        try:
            by_number = {int(key): name for key, name in names.items() if re.fullmatch(r"\d+", key)}
        except ValueError:
            by_number = {}
        if sorted(by_number) != list(range(len(names))):
            raise AnnotationError(
                f"{READER}: {file}: names have the numbers {', '.join(list(names)[:20])}, expected "
                f"0 to {len(names) - 1}, each once"
            )
        names = [by_number[number] for number in range(len(names))]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise AnnotationError(f"{READER}: {file}: names are {names!r:.200}, expected a name each")
    count = entries.get("nc")
    if count is not None and str(count) != str(len(names)):
        raise AnnotationError(
            f"{READER}: {file}: nc is {count!r:.20}, but there are {len(names)} names"
        )
    return tuple(name.strip() for name in names)


def _joint_numbers(file: Path | None, entries: dict[str, Any]) -> int:
    shape = entries.get("kpt_shape")
    if shape is None:
        return 0
    numbers: Sequence[Any] = shape if isinstance(shape, list) else []
    if len(numbers) != 2 or not all(re.fullmatch(r"\d{1,4}", str(v)) for v in numbers):
        raise AnnotationError(
            f"{READER}: {file}: kpt_shape is {shape!r:.60}, expected the number of joints and 2 or "
            "3, such as [17, 3]"
        )
    return int(numbers[0]) * int(numbers[1])
