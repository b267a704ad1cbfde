"""The pictures of a folder, and the picture that an annotation names."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from minicv.data.image_files import SUFFIXES


def visible(paths: Iterable[Path]) -> list[Path]:
    """The files that are meant to be seen, sorted: not ``._x.xml`` of a Mac, not ``.DS_Store``."""
    return sorted(path for path in paths if not path.name.startswith("."))


def pictures_in(folder: str | Path, recursive: bool = False) -> list[Path]:
    """The picture files of a folder, sorted, whatever the case of their suffix.

    Args:
        folder: where to look.
        recursive: look in subfolders too. Hidden files and folders are left out.
    """
    found: list[Path] = []
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += [Path(place) / name for name in files if Path(name).suffix.lower() in SUFFIXES]
    return visible(found)


class PictureFolder:
    """Finds pictures by the names that annotations give them.

    Annotations come from other computers: the path in them is a stranger's, the suffix may be
    another, Windows writes backslashes and does not tell upper from lower case, and a Mac writes é
    as two characters. The folder is listed once.

    Args:
        folder: where the pictures are.
        recursive: whether they may stand in subfolders.

    Attributes:
        paths: of all pictures, sorted.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "Cow 1.JPG").touch()
    >>> [path.name for path in PictureFolder(folder).named("C:\\\\photos\\\\Cow 1.jpg")]
    ['Cow 1.JPG']
    """

    def __init__(self, folder: str | Path, recursive: bool = False) -> None:
        self.folder = Path(folder)
        self.paths = pictures_in(folder, recursive)
        self._by_stem: dict[str, list[Path]] = {}
        self._by_folded_stem: dict[str, list[Path]] = {}
        for path in self.paths:
            stem = _composed(path.stem)
            self._by_stem.setdefault(stem, []).append(path)
            self._by_folded_stem.setdefault(stem.casefold(), []).append(path)

    def named(self, name: str) -> list[Path]:
        """The pictures that fit ``name`` best: none, one, or several that nothing tells apart.

        Of the pictures with this stem, those in the folder that the name gives are better than
        others, and those with the suffix that it gives too.
        """
        wanted = PurePosixPath(_composed(name).replace("\\", "/"))
        stem, suffix = wanted.name, ""
        if wanted.suffix.lower() in SUFFIXES:
            stem, suffix = wanted.stem, wanted.suffix
        fitting = self._by_stem.get(stem) or self._by_folded_stem.get(stem.casefold(), [])
        fitting = [p for p in fitting if _ends_alike(p, wanted)] or fitting
        fitting = [p for p in fitting if p.suffix.lower() == suffix.lower()] or fitting
        return [p for p in fitting if p.suffix == suffix] or fitting


def _composed(name: str) -> str:
    """The name with each accented letter as one character, as all but a Mac write it."""
    return unicodedata.normalize("NFC", name)


def _ends_alike(path: Path, wanted: PurePosixPath) -> bool:
    """Whether the folder of ``path`` is the one that ``wanted`` names, as far as both say."""
    folders = wanted.parts[:-1]
    return bool(folders) and tuple(map(_composed, path.parts[-1 - len(folders) : -1])) == folders
