"""Parts of pictures: which objects are real ones, the window around a box, and sets of such parts.

`ObjectCrops` and `PersonCrops` stand on this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.loader import Dataset
from minicv.data.wrapped import Wrapped
from minicv.vision.boxes import clip_boxes_to_image


def real_objects(target: Mapping[str, Any], height: int, width: int) -> np.ndarray:
    """(M,) int64: the rows of a target that are objects to learn from.

    Objects that are difficult or stand for a crowd are none, nor is a box of which nothing lies in
    the picture of ``height`` x ``width``.

    >>> boxes = np.array([[0.0, 0, 4, 4], [2, 2, 2, 5], [1, 1, 3, 3]])
    >>> target = {"boxes": boxes, "iscrowd": np.array([False, False, True])}
    >>> real_objects(target, 6, 6).tolist()
    [0]
    """
    boxes = np.asarray(target["boxes"], np.float64).reshape(-1, 4)
    clipped = clip_boxes_to_image(boxes, (height, width))
    real = (clipped[:, 2:] > clipped[:, :2]).all(axis=1)  # (N,); False for NaN
    for mark in ("difficult", "iscrowd"):
        if mark in target:
            real &= ~np.asarray(target[mark], bool)
    return np.flatnonzero(real)


def window_around(
    box: Sequence[float] | np.ndarray, context: float, height: int, width: int
) -> tuple[slice, slice]:
    """The rows and columns of a picture that hold a box and some of what is around it.

    Args:
        box: x1, y1, x2, y2; some of it lies in the picture.
        context: share of the box's width and height that is added on each side. Whole pixels are
            taken: the window is the smallest that holds the enlarged box. It ends at the picture's
            borders.
        height, width: of the picture.

    >>> window_around((2.5, 2.0, 6.5, 4.0), 0.25, 8, 7)
    (slice(1, 5, None), slice(1, 7, None))
    """
    x1, y1, x2, y2 = (float(number) for number in box)
    across, down = context * (x2 - x1), context * (y2 - y1)
    rows = slice(max(0, math.floor(y1 - down)), min(height, math.ceil(y2 + down)))
    columns = slice(max(0, math.floor(x1 - across)), min(width, math.ceil(x2 + across)))
    return rows, columns


class Crops(Wrapped):
    """The base of sets whose samples are parts of ``dataset``'s pictures, one or more of a picture.

    A subclass fills `places` and writes ``__getitem__``. The picture that was read last is kept, so
    that parts of one picture, one after the other, need one reading.

    Attributes:
        places: for each sample the index of its picture, and which part of that picture it is.
    """

    def __init__(self, dataset: Dataset, context: float) -> None:
        super().__init__(dataset)
        if not 0 <= context < math.inf:
            raise ValueError(
                f"{type(self).__name__}: context is {context}, expected a share of the box's size "
                "of at least 0, such as 0.15"
            )
        self.context = context
        self.places: list[tuple[int, int]] = []
        self._read: tuple[int, tuple[np.ndarray, dict]] | None = None

    def __len__(self) -> int:
        return len(self.places)

    @property
    def paths(self) -> list[Path]:
        """The file of each sample's picture; none has a data set that is drawn."""
        return self._of_pictures("paths")

    @property
    def label_paths(self) -> list[Path]:
        """The file of each picture's label map, in a data set that has such files."""
        return self._of_pictures("label_paths")

    def _of_pictures(self, name: str) -> list[Any]:
        of_pictures = self.__getattr__(name)
        return [of_pictures[picture] for picture, _ in self.places]

    def picture(self, index: int) -> tuple[np.ndarray, dict]:
        """The whole picture of a sample, with its labels."""
        picture, _ = self.places[index]
        read = self._read  # another thread may replace it meanwhile
        if read is None or read[0] != picture:
            self._read = read = picture, self.dataset[picture]
        return read[1]

    def row_of(self, index: int, rows: np.ndarray) -> int:
        """Which of the ``rows`` of its picture a sample shows.

        Raises:
            ValueError: the picture has fewer of them than it had when it was counted.
        """
        picture, part = self.places[index]
        if part >= len(rows):
            raise ValueError(
                f"{type(self).__name__}: picture {picture} has {len(rows)} objects to cut out, but "
                "more were counted when the set was opened; have its files changed?"
            )
        return int(rows[part])
