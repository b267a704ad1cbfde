"""Ten classes of photographs, cut out of BCCD, Penn-Fudan and COCO, for learning curves.

Four classes have more than a hundred crops to learn from: three kinds of blood cells, and people.
The other six are things of COCO, of which there are 11 to 23; `few_of_each` then gives all of them,
some more than once. The crops to test on are of other photographs, and always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data import Subset
from minicv.data.object_crops import ObjectCrops
from minicv.data.sources import open_data

CLASSES = (
    *("red blood cell", "white blood cell", "platelets", "person"),
    *("chair", "cup", "dining table", "car", "bottle", "bowl"),
)
NAMES = {"RBC": "red blood cell", "WBC": "white blood cell", "Platelets": "platelets"}
LEAST_SIDE = 20  # pixels; smaller crops show little
MOST_TRAINING, MOST_TEST = 200, 50  # crops of a class
EVERY = 3  # of COCO's photographs, by name, every third is for the test


class Crops:
    """Crops in memory, with labels 0..9; `classes` are `CLASSES`.

    Args:
        images: each (3, H, W); sizes differ.
        labels: (N,).
    """

    classes = CLASSES

    def __init__(self, images: Sequence[np.ndarray], labels: Sequence[int]) -> None:
        self.images, self.labels = list(images), np.array(labels, np.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        return self.images[index], {"label": int(self.labels[index]), "image_id": index}


def ten_classes(data: Path, seed: int = 0) -> tuple[Crops, Crops]:
    """Crops to learn from, and crops to test on.

    Args:
        data: the folder that holds BCCD, PennFudanPed and COCO-mini.
        seed: of which crops are taken where there are more than `MOST_TRAINING` or `MOST_TEST`.
    """
    labels = ("boxes", "labels")
    cells = open_data(f"voc:{data / 'BCCD'}", labels)
    people = open_data(f"pennfudan:{data / 'PennFudanPed'}", labels)
    coco = open_data(f"coco:{data / 'COCO-mini'}", labels)
    rng = np.random.default_rng(seed)
    found = []
    for held_out, most in ((False, MOST_TRAINING), (True, MOST_TEST)):
        things = [_every_third([coco.train, coco.validation], part, held_out) for part in (0, 1)]
        splits = [cells.test, people.test] if held_out else [cells.train, people.train]
        crops = [ObjectCrops(split) for split in (*splits, *things)]
        found.append(_chosen(crops, most, rng))
    return found[0], found[1]


def _every_third(splits: Sequence, part: int, held_out: bool) -> Subset:
    """Of one of the splits, the photographs that are held out, or the others."""
    names = sorted(str(path) for split in splits for path in split.paths)
    chosen = {
        name for number, name in enumerate(names) if (number % EVERY == EVERY - 1) == held_out
    }
    own = splits[part]
    return Subset(own, [i for i, path in enumerate(own.paths) if str(path) in chosen])


def _chosen(sets: Sequence[ObjectCrops], most: int, rng: np.random.Generator) -> Crops:
    """The crops of the ten classes that are large enough, at most so many of each."""
    of_class: dict[str, list[tuple[ObjectCrops, int]]] = {name: [] for name in CLASSES}
    for crops in sets:
        for index in range(len(crops)):
            name = crops.classes[int(crops.labels_of(index)[0])]
            name = NAMES.get(name, name)
            if name in of_class and not (name == "person" and "cup" in crops.classes):
                of_class[name].append((crops, index))
    images, labels = [], []
    for label, name in enumerate(CLASSES):
        own = of_class[name]
        for number in np.sort(
            rng.permutation(len(own))[:most]
        ).tolist():  # photograph by photograph
            crops, index = own[number]
            image, _ = crops[index]
            if min(image.shape[1:]) >= LEAST_SIDE:
                images.append(image)
                labels.append(label)
    return Crops(images, labels)


def few_of_each(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The numbers of ``count`` samples of each class, drawn without replacement.

    Of a class with fewer all are taken, and some of them more than once, so that every class has
    the same weight.

    >>> few_of_each(np.array([0, 0, 0, 1]), 2, np.random.default_rng(0)).tolist()
    [2, 0, 3, 3]
    """
    drawn = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.concatenate([np.resize(own, count) for own in drawn])
