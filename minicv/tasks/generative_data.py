"""What autoencoders and GANs must know of the training pictures: their size, and if they are grey.

median of the shorter sides   up to 28 -> 28    up to 32 -> 32    more -> 64
all three colours equal       in each picture that is looked at -> 1 channel, else 3
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from minicv.data import Cached, Dataset, Subset, Transformed
from minicv.data.transforms import Resize
from minicv.models.generative.pictures import PictureSettings, as_rgb, as_squares
from minicv.tasks.classification import MEASURED, shorter_side
from minicv.tasks.task import Option

SIZES = (28, 32)  # of MNIST and its like; of CIFAR
SIZE_OF_PHOTOGRAPHS = 64
CHANNELS = Option("1 for grey, 3 for colour; default: as the training pictures are", int, "1|3")
FILTERS = Option(
    "channels of the largest map; each smaller one has twice as many; default: by the system",
    int,
    "N",
)


def classes_of_pictures(dataset: Dataset) -> tuple[str, ...]:
    """The names of the labels, where there are any, from which nothing is learnt; else one name.

    >>> from minicv.data.unlabelled import UnlabelledPictures
    >>> classes_of_pictures(UnlabelledPictures.__new__(UnlabelledPictures))
    ('any',)
    """
    return tuple(dataset.classes) or ("any",)


def measured(settings: Any, dataset: Dataset) -> Any:
    """The settings with ``size`` and ``channels`` of the pictures, where they have none.

    Args:
        settings: a dataclass like `minicv.models.generative.PictureSettings`.
        dataset: up to 200 of its pictures, evenly spread, are looked at; an empty one tells
            nothing.

    >>> from minicv.models.generative import PictureSettings
    >>> grey = [(np.full((3, 28, 40), level), {}) for level in (0.1, 0.9)]
    >>> measured(PictureSettings(), grey)
    PictureSettings(size=28, channels=1)
    >>> measured(PictureSettings(size=16), [*grey, (np.eye(3)[:, :, None], {})])
    PictureSettings(size=16, channels=3)
    """
    changes = {}
    if settings.size is None and len(dataset):
        side = shorter_side(dataset)
        changes["size"] = next((size for size in SIZES if side <= size), SIZE_OF_PHOTOGRAPHS)
    if settings.channels is None and len(dataset):
        changes["channels"] = 1 if are_grey(dataset) else 3
    return dataclasses.replace(settings, **changes)


def are_grey(dataset: Dataset) -> bool:
    """Whether up to 200 pictures, evenly spread over the data set, have three equal colours each.

    The search ends at the first picture in colour.

    >>> are_grey([(np.full((3, 2, 2), 0.3), {})]), are_grey([(np.eye(3)[:, :, None], {})])
    (True, False)
    """
    count = min(MEASURED, len(dataset))
    for index in (np.arange(count) * len(dataset) // count).tolist():
        red, green, blue = dataset[index][0]
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return False
    return True


def squares_kept(dataset: Dataset, size: int) -> Dataset:
    """Photographs from files are decoded and brought to the size once; other sets stay as they are.

    Args:
        dataset: of pictures.
        size: of the square to which they are stretched.
    """
    if getattr(dataset, "paths", None) is None or isinstance(dataset, Cached):
        return dataset
    return Cached(Transformed(dataset, Resize((size, size))), most=max(1, len(dataset)))


def evenly_spread(dataset: Dataset, most: int) -> Dataset:
    """``most`` of its pictures, evenly spread; 0 takes all.

    >>> len(evenly_spread([(np.zeros((3, 1, 1)), {})] * 9, 4))
    4
    """
    if not most or most >= len(dataset):
        return dataset
    return Subset(dataset, (np.arange(most) * len(dataset) // most).tolist())


class Squares:
    """Squares in memory as a data set; grey ones have three equal colours.

    Args:
        x: (N, C, S, S) float32 in 0..1.
        labels: (N,) whole numbers; None where there are none, and then they are -1.
        classes: names of the labels.

    >>> image, target = Squares(np.zeros((2, 1, 4, 4), np.float32))[1]
    >>> image.shape, target
    ((3, 4, 4), {'label': -1, 'image_id': '1'})
    """

    def __init__(
        self, x: np.ndarray, labels: np.ndarray | None = None, classes: tuple[str, ...] = ("any",)
    ) -> None:
        self.x = x
        self.labels = np.full(len(x), -1) if labels is None else np.asarray(labels)
        self.classes = classes

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        target = {"label": int(self.labels[index]), "image_id": str(index)}
        return as_rgb(self.x[index]), target

    @property
    def images(self) -> list[np.ndarray]:
        """All of them, each (3, S, S), as a model takes them."""
        return [as_rgb(own) for own in self.x]

    @property
    def flat(self) -> np.ndarray:
        """(N, C S S), a row for each."""
        return self.x.reshape(len(self.x), -1)

    def part(self, chosen: np.ndarray) -> Squares:
        """Those at some indices, or where a mask is true."""
        return Squares(self.x[chosen], self.labels[chosen], self.classes)


def squares_of(dataset: Dataset, settings: PictureSettings) -> Squares:
    """All pictures of a data set, in memory, with their labels where they have any.

    >>> grey = [(np.full((3, 4, 6), 0.5), {"label": 0})]
    >>> squares_of(grey, PictureSettings(2, 1)).x.tolist()
    [[[[0.5, 0.5], [0.5, 0.5]]]]
    """
    channels, size, _ = settings.shape
    squares, labels = [], []
    for index in range(len(dataset)):
        image, target = dataset[index]
        squares.append(as_squares([image], size, channels))
        labels.append(int(target.get("label", -1)))
    classes = tuple(getattr(dataset, "classes", ())) or ("any",)
    x = np.concatenate(squares) if squares else np.empty((0, *settings.shape), np.float32)
    return Squares(x, np.array(labels, np.int64), classes)
