"""A folder for each class, with its pictures: the commonest form of a set to classify.

``folder:DIR`` on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, read_image
from minicv.data.picture_folder import pictures_in, visible
from minicv.data.picture_size import size_if_readable
from minicv.data.split_names import TEST_NAMES, TRAIN_NAMES, VALIDATION_NAMES
from minicv.data.splits import Splits, every_tenth, named_splits

READER = "ClassFolder"
_SPLITS = (*TRAIN_NAMES, *VALIDATION_NAMES, *TEST_NAMES)


class ClassFolder:
    """Pictures with a class each, from ``DIR/cow/1.jpg``, ``DIR/duck/1.jpg`` and so on.

    Every folder in ``root`` is a class; pictures may stand in subfolders of it. Hidden folders are
    left out. Above the classes may stand folders that are splits, such as ``train`` and ``val``;
    then ``split`` names one, and the classes are those of all splits together.

    `classes` are the names of the folders, sorted. Target: label, an int, and image_id, such as
    ``"cow/1.jpg"``.

    Args:
        root: the folder.
        split: a folder of `splits_of`; None where there is none.
        classes: names of the folders in the order of their labels; None sorts them.
        faults: takes what is wrong with the files; None warns and raises. Folders without pictures
            and pictures beside the folders are left out.

    Raises:
        FileNotFoundError: the folder is missing.
        AnnotationError: fewer than two classes have pictures, or ``classes`` lacks a folder's name.
        ImageError: a file is no picture; names all of them.
        ValueError: there is no folder with pictures.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        self.root, self.split = Path(root), split
        if not self.root.is_dir():
            raise FileNotFoundError(f"{READER}: there is no folder {self.root}")
        splits = splits_of(self.root)
        if split is None and splits:
            raise ValueError(
                f"{READER}: {self.root} has the splits {', '.join(splits)}; name one of them"
            )
        if split is not None and split not in splits:
            raise FileNotFoundError(
                f"{READER}: there is no folder {self.root / split}; splits here: "
                f"{', '.join(splits) or 'none'}"
            )
        self._place = self.root if split is None else self.root / split
        places = [self.root / name for name in splits] or [self.root]
        folders = [folder for place in places for folder in _folders_in(place)]
        known = sorted({f.name for f in folders if pictures_in(f, recursive=True)})
        self.classes: tuple[str, ...] = tuple(known if classes is None else classes)
        self.paths: list[Path] = []
        self.labels: list[int] = []
        for folder in _folders_in(self._place):
            self._read(folder, faults)
        self._note_pictures_beside(faults)
        for folder in _folders_in(self.root) if splits else ():
            if folder.name.lower() in _SPLITS and not _folders_in(folder):
                what = "it holds no folder of a class"
                faults.repaired("missing part", folder, what, "left out")
        if not self.paths and not faults.found:
            raise ValueError(
                f"{READER}: {self._place} has no folder with pictures; expected a folder for each "
                "class, such as cow/1.jpg and duck/1.jpg"
            )
        if self.paths and len({*self.labels}) < 2 and split not in (*VALIDATION_NAMES, *TEST_NAMES):
            (label,) = {*self.labels}
            faults.error(
                "fewer than two classes",
                self._place,
                f"only the folder {self.classes[label]!r} has pictures, so there is nothing to "
                "tell apart; expected a folder for each class",
            )
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.paths)

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a picture, without reading it."""
        return np.array([self.labels[index]], np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        image_id = path.relative_to(self._place).as_posix()
        return read_image(path), {"label": self.labels[index], "image_id": image_id}

    def _read(self, folder: Path, faults: Faults) -> None:
        pictures = pictures_in(folder, recursive=True)
        if not pictures:
            faults.repaired("class without pictures", folder, "it holds no picture", "left out")
            return
        if folder.name not in self.classes:
            what = f"it is no class of {', '.join(self.classes)}"
            faults.error("unknown class", folder, f"{what}; add it to --classes, or move it away")
            return
        for picture in pictures:
            if size_if_readable(picture, faults) is not None:
                self.paths.append(picture)
                self.labels.append(self.classes.index(folder.name))

    def _note_pictures_beside(self, faults: Faults) -> None:
        beside = [path for path in visible(self._place.iterdir()) if path.is_file()]
        for path in beside:
            if path.suffix.lower() in SUFFIXES:
                what = "it stands beside the folders of the classes, so it has no class"
                faults.repaired("picture without annotation", path, what, "left out")


def splits_of(root: str | Path) -> list[str]:
    """The names of the folders above the classes, such as train and val; none where there are none.

    A folder is a split if it is called so and holds folders; so a class may be called "test".

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("train/cow", "train/duck", "Valid/cow"):
    ...     (root / name).mkdir(parents=True)
    >>> splits_of(root)
    ['Valid', 'train']
    """
    folders = _folders_in(Path(root))
    splits = [f for f in folders if f.name.lower() in _SPLITS and _folders_in(f)]
    return [folder.name for folder in splits]


def every_tenth_of_each_class(dataset: ClassFolder) -> np.ndarray:
    """(N,) bool: by sorted name every tenth picture of each class; of fewer than ten the last.

    A class of one picture has none, for that is to be learnt from.
    """
    held_out = np.zeros(len(dataset), bool)
    labels = np.array(dataset.labels, np.int64)
    for label in set(dataset.labels):
        own = np.flatnonzero(labels == label)
        held_out[own[9::10]] = True
        if 2 <= len(own) < 10:
            held_out[own[-1]] = True
    return held_out


def splits_of_classes(
    names: Sequence[str], part: Callable[[str | None], Any], where: str | Path, lacking: str
) -> Splits:
    """The named parts of a set to classify; without names every tenth picture of each class.

    Args:
        names: of the parts; there may be none.
        part: opens the part of that name, or with None the whole set.
        where: the folder or the file, for messages.
        lacking: why there are no names, for the rule that is printed.
    """
    if names:
        return named_splits(names, part, every_tenth_of_each_class, where=where)
    tenths = every_tenth(lambda: part(None), every_tenth_of_each_class)
    return Splits(
        lambda: tenths.train,
        lambda: tenths.validation,
        lambda: None,
        rule=f"{lacking}: of each class every tenth picture by sorted name validates",
    )


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in visible(folder.iterdir()) if path.is_dir()]
