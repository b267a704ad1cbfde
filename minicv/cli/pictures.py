"""The pictures that a command is given, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from minicv.data import ImageError, read_image
from minicv.data.image_files import SUFFIXES


class Pictures:
    """Pictures from files and folders; a file that cannot be read is skipped.

    Iterating gives for each picture its path, a name that no other picture has, for the files made
    from it (a.jpg and a.png are a and a_2), and its pixels, (3, H, W). A line on standard error
    names each file that is skipped; `check` raises at the end, when the others are done.

    Raises:
        ValueError: a folder without pictures.
    """

    def __init__(self, command: str, paths: Sequence[Path]) -> None:
        self.command = command
        self.paths: list[Path] = []
        self.unreadable = 0
        for path in paths:
            self.paths += _inside(path) if path.is_dir() else [path]

    def __iter__(self) -> Iterator[tuple[Path, str, np.ndarray]]:
        taken: set[str] = set()
        for path in self.paths:
            try:
                image = read_image(path)
            except (ImageError, OSError) as error:
                print(f"minicv {self.command}: {error}", file=sys.stderr)
                self.unreadable += 1
                continue
            yield path, _free_name(path.stem, taken), image

    def check(self) -> None:
        """Raise if a file was skipped.

        Raises:
            ValueError: says how many.
        """
        if self.unreadable:
            raise ValueError(f"{self.unreadable} of the pictures could not be read, see above")


def _inside(folder: Path) -> list[Path]:
    inside = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not inside:
        raise ValueError(f"{folder}: the folder holds no pictures ({', '.join(SUFFIXES)})")
    return inside


def _free_name(stem: str, taken: set[str]) -> str:
    """``stem``, with a number behind it where another picture has that name: a.jpg and a.png."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name
