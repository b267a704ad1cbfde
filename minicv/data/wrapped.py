"""Data sets that are made from another one: a part of it, transformed, or cached in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.class_names import match_names
from minicv.data.loader import Dataset
from minicv.data.transforms import Transform
from minicv.data.transforms.crop import keep_instances
from minicv.vision.label_maps import VOID


class Wrapped:
    """The base of all of them: has what ``dataset`` has, such as classes, joint names and length.

    A subclass writes ``__getitem__``, which makes a sample.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getattr__(self, name: str) -> Any:
        # Copying looks names up before __init__ has run: there is no data set to ask then.
        if name.startswith("__") or name == "dataset":
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)


class Subset(Wrapped):
    """The samples of ``dataset`` at ``indices``, in that order.

    Raises:
        IndexError: an index lies outside of the data set.

    >>> from minicv.data.farmyard import Farmyard
    >>> part = Subset(Farmyard(10, size=(32, 32)), [7, 2])
    >>> len(part), part[1][1]["image_id"] == Farmyard(10, size=(32, 32))[2][1]["image_id"]
    (2, True)
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        super().__init__(dataset)
        self.indices = [int(index) for index in indices]
        outside = [index for index in self.indices if not 0 <= index < len(dataset)]
        if outside:
            raise IndexError(
                f"Subset: index {outside[0]} is outside of a data set of {len(dataset)} samples"
            )

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        return self.dataset[self.indices[index]]

    @property
    def paths(self) -> list[Path]:
        """The picture files of these samples; none has a data set that is drawn."""
        return self._of_these("paths")

    @property
    def label_paths(self) -> list[Path]:
        """The files of their label maps, in a data set that has such files."""
        return self._of_these("label_paths")

    @property
    def labels_of(self) -> Callable[[int], np.ndarray]:
        """The labels of a sample's objects without its picture, where the data set knows them."""
        of_all: Callable[[int], np.ndarray] = self.__getattr__("labels_of")
        return lambda index: of_all(self.indices[index])

    @property
    def annotated_joints_of(self) -> Callable[[int], np.ndarray]:
        """Which joints are annotated, without the picture, where the data set knows it."""
        of_all: Callable[[int], np.ndarray] = self.__getattr__("annotated_joints_of")
        return lambda index: of_all(self.indices[index])

    def _of_these(self, name: str) -> list[Any]:
        all_of_them = self.__getattr__(name)
        return [all_of_them[index] for index in self.indices]


class Renamed(Wrapped):
    """The samples of ``dataset``, whose classes have other names: labels stay, label k means
    ``classes[k]`` from now on.

    >>> from minicv.data.farmyard import Farmyard
    >>> Renamed(Farmyard(1), ("vache", "chat", "chien", "canard", "personne")).classes[3]
    'canard'
    """

    def __init__(self, dataset: Dataset, classes: Sequence[str]) -> None:
        super().__init__(dataset)
        self.classes = tuple(classes)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        return self.dataset[index]


class Relabelled(Wrapped):
    """The samples of ``dataset`` with the numbers that other ``classes`` give to their labels.

    So a model is judged on a data set that labels only some of its classes, or in another order.
    Names decide, see `match_names`. An object of a class that ``classes`` lacks is left out, its
    pixels become `VOID`, and the label of a whole picture becomes -1.

    Args:
        dataset: has ``classes`` for its objects and maybe ``segmentation_classes`` for its pixels.
        classes: the K names; a label k means ``classes[k]`` from now on.

    >>> from minicv.data.farmyard import Farmyard
    >>> scenes = Farmyard(9, size=(64, 64))
    >>> of_two = Relabelled(scenes, ("person", "dog"))  # they were 4 and 2; a cat was 1
    >>> scenes[8][1]["labels"].tolist(), of_two[8][1]["labels"].tolist()
    ([2, 4, 4, 1], [1, 0, 0])
    """

    def __init__(self, dataset: Dataset, classes: Sequence[str]) -> None:
        super().__init__(dataset)
        self.classes = self.segmentation_classes = tuple(classes)
        pixel_classes = getattr(dataset, "segmentation_classes", ())
        self._objects = _numbers(dataset.classes, self.classes, -1)
        self._pixels = _numbers(pixel_classes, self.classes, VOID)
        self.segmentation_colors = self._colours(pixel_classes)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, target = self.dataset[index]
        if "labels" in target:
            labels = self._objects[target["labels"]]  # (N,)
            target = keep_instances({**target, "labels": labels}, labels >= 0)
        if "label" in target:
            target = {**target, "label": int(self._objects[target["label"]])}
        if "segmentation" in target:
            target = {**target, "segmentation": self._pixels[target["segmentation"]]}
        return image, target

    @property
    def labels_of(self) -> Callable[[int], np.ndarray]:
        """The labels of a sample's objects without its picture, where the data set knows them."""
        theirs: Callable[[int], np.ndarray] = self.__getattr__("labels_of")

        def labels_of(index: int) -> np.ndarray:
            labels = self._objects[theirs(index)]
            return labels[labels >= 0]

        return labels_of

    def _colours(self, theirs: Sequence[str]) -> np.ndarray | None:
        """Those of ``dataset``, in the new order; None unless every class has one."""
        colours = getattr(self.dataset, "segmentation_colors", None)
        numbers = _numbers(self.classes, tuple(theirs), -1)[: len(self.classes)]
        return None if colours is None or (numbers < 0).any() else np.asarray(colours)[numbers]


def _numbers(theirs: Sequence[str], ours: Sequence[str], unknown: int) -> np.ndarray:
    """(256 or more,) int64: which number in ``ours`` each number of ``theirs`` has."""
    table = np.full(max(VOID + 1, len(theirs)), unknown, np.int64)
    matched = match_names(theirs, ours)
    for number, name in enumerate(theirs):
        if name in matched:
            table[number] = ours.index(matched[name])
    return table


class Transformed(Wrapped):
    """Every sample of ``dataset`` after ``transform``, which must not be a random one.

    For changes that are made once, before `Cached` stores the samples, such as resizing large
    photographs. Random changes, which differ in each epoch, are the loader's transform.

    >>> from minicv.data.farmyard import Farmyard
    >>> from minicv.data.transforms import Resize
    >>> small = Transformed(Farmyard(3, size=(64, 64)), Resize(32))
    >>> small[0][0].shape, small[0][1]["segmentation"].shape
    ((3, 32, 32), (32, 32))
    """

    def __init__(self, dataset: Dataset, transform: Transform) -> None:
        super().__init__(dataset)
        self.transform = transform

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        return self.transform(*self.dataset[index], None)


class Cached(Wrapped):
    """Makes each sample of ``dataset`` once and keeps it in memory.

    For scenes that are drawn, or photographs that are large but few. A transform of the loader is
    not cached, since it comes afterwards. The arrays of a sample are those of the cache, so they
    must not be changed. (Only a label map is a copy: the cache holds it as uint8, in an eighth of
    the memory, and returns it in the dtype it had.)

    Args:
        dataset: makes the samples.
        keep: names of the labels that are wanted; the others are left out. None keeps all.
        most: how many samples are cached at most; the others are made again each time.

    >>> from minicv.data.farmyard import Farmyard
    >>> scenes = Cached(Farmyard(3, size=(32, 32)), keep=("boxes", "labels"))
    >>> image, target = scenes[1]
    >>> scenes[1][0] is image, sorted(target)
    (True, ['boxes', 'labels'])
    """

    def __init__(
        self, dataset: Dataset, keep: Sequence[str] | None = None, most: int = 2000
    ) -> None:
        super().__init__(dataset)
        self.most = most
        self.keep = None if keep is None else tuple(keep)
        # Image, target without its label map, and the label map as uint8 or None.
        self._samples: dict[int, tuple[np.ndarray, dict[str, Any], np.ndarray | None]] = {}

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, Any]]:
        if index in self._samples:
            image, target, labels = self._samples[index]
            if labels is not None:
                target = {**target, "segmentation": labels.astype(np.int64)}
            return image, target
        image, target = self.dataset[index]
        if self.keep is not None:
            target = {name: target[name] for name in self.keep if name in target}
        if len(self._samples) < self.most:
            self._samples[index] = image, *_narrowed(target)
        return image, target


def _narrowed(target: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray | None]:
    """The target without its label map, and the map as uint8; or all of it and None.

    None where the label map is absent, not int64, or holds numbers that uint8 cannot hold.
    """
    labels = target.get("segmentation")
    if labels is None or labels.dtype != np.int64:
        return target, None
    if labels.size and (labels.min() < 0 or labels.max() > 255):
        return target, None
    rest = {name: value for name, value in target.items() if name != "segmentation"}
    return rest, labels.astype(np.uint8)
