"""Where the files of a set in Pascal VOC's form are: annotations, pictures, lists of splits.

The form has many writers. VOC itself keeps Annotations, JPEGImages and ImageSets/Main apart; CVAT
does too, with subfolders and one list called default; labelImg puts each XML file beside its
picture, without lists; Roboflow does so in the folders train, valid and test.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, AnnotationError
from minicv.data.picture_folder import pictures_in, visible
from minicv.data.split_names import TEST_NAMES, TRAIN_NAMES, VALIDATION_NAMES
from minicv.data.text_files import read_text

PICTURE_FOLDERS = ("jpegimages", "images", "image", "imgs", "img", "pictures", "photos")
SPLIT_NAMES = (*TRAIN_NAMES, *VALIDATION_NAMES, *TEST_NAMES)
_FLAG = re.compile(r"(.*\S)\s+(?:-1|0|\+?1)")  # of a list of one class: a name, then -1, 0 or 1


@dataclass(frozen=True)
class VOCEntry:
    """One annotated picture: its name, which is unique in the set, and the file that labels it."""

    name: str
    annotation: Path


class VOCFolder:
    """The files of a set in VOC's form.

    Args:
        root: the folder of the set; or one above it that holds ``VOC2007``, ``VOCdevkit/VOC2007``
            or a single other set.
        reader: name of the data set, with which messages begin.
        labels: the folder of annotations, "Annotations" or "SegmentationClass". Case does not
            count.
        kind: the folder of the lists in ImageSets, "Main" or "Segmentation".
        suffixes: of the annotations.
        beside: whether annotations may also stand beside their pictures, without such a folder.

    Attributes:
        root, labels: the folder of the set, and the one in which annotations are.
        annotations: the files, sorted.
        pictures: the folder in which pictures are.
        paths: of all pictures, sorted.
        parts: by name, the list or the folder of each split. Lists of one class are left out.

    Raises:
        FileNotFoundError: there is no such set, or there are several.
    """

    def __init__(
        self,
        root: str | Path,
        reader: str,
        labels: str = "Annotations",
        kind: str = "Main",
        suffixes: Sequence[str] = (".xml",),
        beside: bool = True,
    ) -> None:
        self.reader, self.kind = reader, kind
        self.root = find_voc_root(Path(root), labels, reader, suffixes if beside else ())
        own = _child(self.root, labels)
        self.labels = self.root if own is None else own
        self.annotations = _files_in(self.labels, suffixes)
        pictures = None if own is None else _child(self.root, *PICTURE_FOLDERS)
        self.pictures = pictures or self.root
        not_pictures = set(self.annotations)
        self.paths = [
            p for p in pictures_in(self.pictures, recursive=True) if p not in not_pictures
        ]
        self._known = _NamedFiles(self.annotations, self.labels, suffixes)
        self._known_pictures = _NamedFiles(self.paths, self.pictures, SUFFIXES)
        self._own = {(path.parent, _plain(path.stem)) for path in self.annotations}
        self.parts = self._lists() or self._folders() or self._loose_lists()

    def entries(self, part: str | None, faults: Faults) -> list[VOCEntry]:
        """The annotated pictures of a split; of all annotations, sorted, for None.

        Names that have no annotation, names that fit several, and names that return are noted
        among the faults.

        Raises:
            FileNotFoundError: there is no such list or folder; names those that are there.
        """
        if part is None:
            return [self._entry(path) for path in self.annotations]
        where = self._place_of(part)
        if where.is_dir():
            return [self._entry(path) for path in self.annotations if where in path.parents]
        try:
            text = read_text(where, self.reader)
        except AnnotationError as error:
            faults.error("damaged file", where, told(error, self.reader, where))
            return []
        found: dict[Path, int] = {}
        names = list(_names_in(text, self._knows))
        if not names:
            faults.error("empty list", where, "it holds no name of a picture")
        for line, name in names:
            annotation = self._annotation_named(name, line, where, faults)
            if annotation in found:
                what = f"line {line}: {name!r} is the picture of line {found[annotation]} again"
                faults.repaired("duplicate name", where, what, "taken once")
            elif annotation is not None:
                found[annotation] = line
        return [self._entry(path) for path in found]

    def has_picture(self, entry: VOCEntry) -> bool:
        """Whether there is a picture of the annotation's own name."""
        return bool(self._known_pictures.named(entry.name)[0])

    def is_annotated(self, part: str) -> bool:
        """Whether a split has at least one annotation; a test list is often published without."""
        return bool(self.entries(part, Faults(raises=False)))

    def picture_of(self, annotation: Path, named: str, faults: Faults) -> Path | None:
        """The picture that an annotation labels; None, and a note, if there is none.

        Args:
            annotation: the file. A picture of its own name, in the same folder, is meant first.
            named: what the annotation itself calls its picture; "" for nothing.
            faults: takes what is wrong.
        """
        name = annotation.relative_to(self.labels).with_suffix("")
        folder = self.pictures / name.parent
        alike, _ = self._known_pictures.named(name.as_posix())
        found = [path for path in alike if path.parent == annotation.parent]
        found = found or [path for path in alike if path.parent == folder]
        if not found:
            others, _ = self._known_pictures.named(named)
            found = [path for path in others if not self._has_own(path)]
            found = found or [path for path in alike if not self._has_own(path)]
            nearest = max((_in_common(path, annotation) for path in found), default=0)
            found = [path for path in found if _in_common(path, annotation) == nearest]
        if len(found) > 1 and named:
            wanted = _plain(re.split(r"[\\/]", named)[-1])
            found = [path for path in found if _plain(path.name) == wanted] or found
        if len(found) == 1:
            self._compare_names(annotation, named, found[0], faults)
            return found[0]
        if found:
            what = f"its name fits {' and '.join(str(path) for path in found)}"
            faults.error("ambiguous picture", annotation, f"{what}; rename one of them")
            return None
        what = f"there is no photograph {folder / name.name} (.jpg, .png or other pictures)"
        if named:
            labelled = self._known_pictures.named(named)[0]
            what += f", nor {named!r}" + " without annotations of its own" * bool(labelled)
        faults.error("annotation without picture", annotation, what, FileNotFoundError)
        return None

    def _compare_names(self, annotation: Path, named: str, found: Path, faults: Faults) -> None:
        """Note an annotation that calls its picture by the name of another one of the set.

        The copy of a file keeps the name, and so does a file that is renamed with its picture.
        """
        others, in_its_folder = self._known_pictures.named(named)
        if in_its_folder and others and _plain(found.stem) not in [_plain(p.stem) for p in others]:
            what = f"filename is {named!r}, which is another picture than {found}"
            faults.repaired("name of another picture", annotation, what, f"taken for {found.name}")

    def pictures_of(self, part: str | None) -> list[Path]:
        """All pictures of a split that is a folder, or of the set for None; none for a list."""
        if part is None:
            return self.paths
        where = self._place_of(part)
        return [path for path in self.paths if where in path.parents]

    def _entry(self, annotation: Path) -> VOCEntry:
        name = annotation.relative_to(self.labels).with_suffix("").as_posix()
        return VOCEntry(name, annotation)

    def _has_own(self, picture: Path) -> bool:
        """Whether there is an annotation of the picture's own name."""
        if (picture.parent, _plain(picture.stem)) in self._own:
            return True
        if not picture.is_relative_to(self.pictures):
            return False
        folder = self.labels / picture.relative_to(self.pictures).parent
        return (folder, _plain(picture.stem)) in self._own

    def _knows(self, name: str) -> bool:
        return bool(self._known.named(name)[0] or self._known_pictures.named(name)[0])

    def _annotation_named(self, name: str, line: int, file: Path, faults: Faults) -> Path | None:
        found, exact = self._known.named(name)
        pictures, exact_picture = self._known_pictures.named(name)
        if pictures and exact_picture and not exact:
            found = []  # that of a picture of the same name in another folder
        if len(found) == 1:
            return found[0]
        where = f"line {line}: {name!r}"
        if found:
            fitting = " and ".join(str(path) for path in found)
            faults.error("ambiguous name", file, f"{where} fits {fitting}; write the folder too")
        elif pictures:
            what = f"{where}: there is no annotation of {pictures[0]} in {self.labels}"
            faults.error("picture without annotation", file, what, FileNotFoundError)
        else:
            what = (
                f"{where}: there is no annotation of that name in {self.labels}, and no photograph "
                f"in {self.pictures}"
            )
            faults.error("name without files", file, what, FileNotFoundError)
        return None

    def _place_of(self, part: str) -> Path:
        """The list or the folder of a split."""
        for folder in self._list_folders():
            path = _child(folder, f"{part}.txt", folders=False)
            if path is not None:
                return path
        if part in self.parts:
            return self.parts[part]
        expected = self.root / "ImageSets" / self.kind / f"{part}.txt"
        others = ", ".join(self.parts) or "none (split=None takes every file)"
        raise FileNotFoundError(
            f"{self.reader}: split {part!r} needs {expected}, which is not there; splits here: "
            f"{others}"
        )

    def _list_folders(self) -> list[Path]:
        sets = _child(self.root, "ImageSets")
        if sets is None:
            return []
        own = _child(sets, self.kind)
        return [sets] if own is None else [own, sets]

    def _lists(self) -> dict[str, Path]:
        """The lists of ImageSets; those of one class, such as cow_train, are left out."""
        for folder in self._list_folders():
            lists = {path.stem: path for path in _texts_in(folder)}
            of_one_class = {name for name in lists for other in lists if name.endswith(f"_{other}")}
            if lists:
                return {name: lists[name] for name in lists if name not in of_one_class}
        return {}

    def _folders(self) -> dict[str, Path]:
        """The folders train, valid and test, as far as they hold annotations."""
        there = [path for path in sorted(self.labels.iterdir()) if path.is_dir()]
        return {
            path.name: path
            for path in there
            if path.name.lower() in SPLIT_NAMES and any(path in a.parents for a in self.annotations)
        }

    def _loose_lists(self) -> dict[str, Path]:
        """Lists at the top of the set, if the names in them are names of its files."""
        lists = {p.stem: p for p in _texts_in(self.root) if p.stem.lower() in SPLIT_NAMES}
        return {name: path for name, path in lists.items() if self._is_list(path)}

    def _is_list(self, path: Path) -> bool:
        try:
            text = read_text(path, self.reader)
        except AnnotationError:
            return False
        return any(self._knows(name) for _, name in _names_in(text, self._knows))


def find_voc_root(root: Path, needed: str, reader: str, beside: Sequence[str] = ()) -> Path:
    """The folder that has a folder `needed`: root, root/VOC<year>, or root/VOCdevkit/VOC<year>.

    Args:
        root: what the user gave.
        needed: "Annotations" or "SegmentationClass".
        reader: name of the data set, for the messages.
        beside: suffixes of annotations that may stand without such a folder.

    Raises:
        FileNotFoundError: there is none, or several years have it.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{reader}: there is no folder {root}")
    if _child(root, needed) is not None:
        return root
    inner = [path for path in sorted(root.iterdir()) if path.is_dir()]
    years = [
        path
        for parent in (root, root / "VOCdevkit")
        if parent.is_dir()
        for path in sorted(parent.glob("VOC*"))
        if _child(path, needed) is not None
    ]
    if len(years) == 1:
        return years[0]
    if years:
        names = ", ".join(str(path) for path in years)
        raise FileNotFoundError(f"{reader}: {root} holds several sets; give one of {names}")
    others = [path for path in inner if _child(path, needed) is not None]
    if len(others) == 1:
        return others[0]
    if beside and _files_in(root, beside):
        return root
    raise FileNotFoundError(
        f"{reader}: {root} has no folder {needed}, nor a VOC2007 or VOCdevkit/VOC2007 in it"
        f"{f', nor {beside[0]} files beside pictures' if beside else ''}"
    )


def told(error: Exception, reader: str, file: Path) -> str:
    """The message of an error without the names of reader and file, with which it begins."""
    return str(error).removeprefix(f"{reader}: ").removeprefix(f"{file} ")


def _names_in(text: str, knows: Callable[[str], bool]) -> Iterator[tuple[int, str]]:
    """The names in a list of a split, each with the number of its line.

    A line holds a name, which may have blanks; a list of one class has -1, 0 or 1 after it, and
    other tools write a picture and its XML file side by side.

    Args:
        text: of the list.
        knows: whether a name is that of a file.

    >>> list(_names_in("img 1\\n\\nimg 2\\n", {"img 1", "img 2", "img"}.__contains__))
    [(1, 'img 1'), (3, 'img 2')]
    >>> list(_names_in("cow 1\\nsheep -1", {"cow", "sheep"}.__contains__))
    [(1, 'cow'), (2, 'sheep')]
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    flagged = [_FLAG.fullmatch(line) for _, line in lines]
    bare = [match.group(1) for match in flagged if match is not None]
    of_one_class = len(bare) == len(lines) == len(set(bare)) and any(map(knows, bare))
    if of_one_class and not any(knows(line) for _, line in lines):
        yield from zip((number for number, _ in lines), bare, strict=True)
        return
    for number, line in lines:
        words = line.split()
        pair = len(words) > 1 and len({Path(_slashes(word)).stem for word in words}) == 1
        yield number, words[0] if pair and not knows(line) and knows(words[0]) else line


class _NamedFiles:
    """Finds files by the names in lists, which come from other computers."""

    def __init__(self, paths: Sequence[Path], folder: Path, suffixes: Sequence[str]) -> None:
        self._suffixes = {suffix.lower() for suffix in (*suffixes, *SUFFIXES, ".xml")}
        self._by_stem: dict[str, list[tuple[tuple[str, ...], Path]]] = {}
        for path in paths:
            folders = tuple(_plain(part) for part in path.relative_to(folder).parts[:-1])
            self._by_stem.setdefault(_plain(path.stem), []).append((folders, path))

    def named(self, name: str) -> tuple[list[Path], bool]:
        """The files that fit a name, and whether they are in the folder that it tells.

        A file fits best if its folders within the set are the last ones of the name; so the path
        on another computer does no harm.
        """
        *folders, last = [part for part in _slashes(name).split("/") if part not in ("", ".")] or [
            ""
        ]
        stems = [last]
        if Path(last).suffix.lower() in self._suffixes:
            stems.append(Path(last).stem)
        for stem in stems:
            alike = self._by_stem.get(_plain(stem), [])
            exact = [path for _, path in alike if _composed(path.stem) == _composed(stem)]
            alike = [pair for pair in alike if pair[1] in exact] or alike
            outer = tuple(_plain(part) for part in folders)
            fitting = [pair for pair in alike if outer[len(outer) - len(pair[0]) :] == pair[0]]
            if fitting:
                deepest = max(len(own) for own, _ in fitting)
                return [path for own, path in fitting if len(own) == deepest], True
            if alike:
                return [path for _, path in alike], False
        return [], False


def _child(folder: Path, *names: str, folders: bool = True) -> Path | None:
    """The folder (or file) in ``folder`` of one of the names, the first of them that is there."""
    if not folder.is_dir():
        return None
    there: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() == folders:
            there.setdefault(path.name.lower(), path)
    for name in names:
        path = folder / name
        if path.is_dir() if folders else path.is_file():
            return path
        if name.lower() in there:
            return there[name.lower()]
    return None


def _files_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files below a folder with one of the suffixes, sorted; hidden ones are left out."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place) / name for name in files if Path(name).suffix.lower() in suffixes]
    return visible(found)


def _texts_in(folder: Path) -> list[Path]:
    return [path for path in visible(folder.iterdir()) if path.suffix.lower() == ".txt"]


def _slashes(name: str) -> str:
    return name.replace("\\", "/")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _plain(name: str) -> str:
    """A name without the differences that other computers make."""
    return _composed(name).casefold()


def _in_common(a: Path, b: Path) -> int:
    """How many folders two paths share from the top."""
    shared = 0
    for one, other in zip(a.parts, b.parts, strict=False):
        if one != other:
            break
        shared += 1
    return shared
