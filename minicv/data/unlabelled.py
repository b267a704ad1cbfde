"""A folder of pictures without labels: ``pictures:DIR`` on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import read_image
from minicv.data.picture_folder import pictures_in
from minicv.data.picture_size import size_if_readable
from minicv.data.splits import Splits, every_tenth

READER = "UnlabelledPictures"


class UnlabelledPictures:
    """All pictures of a folder and of the folders in it, sorted; hidden ones are left out.

    `classes` is empty. Target: image_id alone, such as ``"summer/1.jpg"``.

    Args:
        root: the folder.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: there is no such folder.
        ImageError: a file is no picture; names all of them.
        ValueError: there is no picture.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, root: str | Path, faults: Faults | None = None) -> None:
        faults = Faults() if faults is None else faults
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"{READER}: there is no folder {self.root}")
        found = pictures_in(self.root, recursive=True)
        self.paths = [path for path in found if size_if_readable(path, faults) is not None]
        if not self.paths and not faults.found:
            raise ValueError(f"{READER}: {self.root} holds no picture")
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        return read_image(path), {"image_id": path.relative_to(self.root).as_posix()}


def open_unlabelled(root: str | Path, faults: Faults | None = None) -> Splits:
    """The splits of a folder: by sorted name every tenth picture validates, and none tests."""
    tenths = every_tenth(lambda: UnlabelledPictures(root, faults))
    return Splits(
        lambda: tenths.train,
        lambda: tenths.validation,
        lambda: None,
        rule="the pictures have no labels; by sorted name every tenth picture validates",
    )
