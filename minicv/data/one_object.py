"""Pictures that show exactly one object: what classification with localisation learns from."""

from __future__ import annotations

import numpy as np

from minicv.data.crops import real_objects
from minicv.data.farmyard import Farmyard
from minicv.data.loader import Dataset
from minicv.data.transforms.crop import keep_instances
from minicv.data.wrapped import Subset, Wrapped

MOST_SCENES = 64  # that are drawn for one with an object in sight; some 3 in 100 are empty


class OneObject(Subset):
    """The pictures of ``dataset`` with exactly one object.

    Target: that of ``dataset``, and in it ``label``, the object's class, an int, and ``box``, (4,)
    float32, x1, y1, x2, y2. Objects that are difficult or stand for a crowd do not count, nor do
    boxes outside of their picture; they are left out of the target.

    Args:
        dataset: with boxes and labels. Where it has ``labels_of(index)``, the objects are counted
            without reading the pictures; else each picture is read once at the beginning.

    Raises:
        ValueError: no picture has exactly one object.

    >>> scenes = OneObject(Farmyard(20))
    >>> _, target = scenes[0]
    >>> len(scenes), target["image_id"], target["label"], target["box"].tolist()
    (2, 'farmyard-0-000000', 1, [75.0, 66.0, 124.0, 101.0])
    """

    def __init__(self, dataset: Dataset) -> None:
        counts = [_count(dataset, index) for index in range(len(dataset))]
        super().__init__(dataset, [index for index, count in enumerate(counts) if count == 1])
        if not self.indices:
            many = sum(count > 1 for count in counts)
            raise ValueError(
                f"OneObject: none of {len(counts)} pictures shows exactly one object: {many} show "
                f"more, {len(counts) - many} none; expected some with a single object"
            )

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, target = super().__getitem__(index)
        one = with_one_object(image, target)
        if one is None:
            raise ValueError(
                f"OneObject: picture {target.get('image_id', self.indices[index])} has another "
                "number of objects than when the set was opened; have its files changed?"
            )
        return image, one


class SingleObjectScenes(Wrapped):
    """``length`` scenes of the `Farmyard` with exactly one object, drawn when they are asked for.

    Targets are those of `OneObject`. One object is placed in each scene; where it cannot be seen
    well enough, behind a tree say, another scene is drawn.

    Args:
        length, size, seed: as for `Farmyard`.

    >>> scenes = SingleObjectScenes(100, seed=1)
    >>> _, target = scenes[7]
    >>> len(scenes), len(target["boxes"]), (target["box"] == target["boxes"][0]).all()
    (100, 1, np.True_)
    """

    def __init__(self, length: int, size: tuple[int, int] = (128, 128), seed: int = 0) -> None:
        super().__init__(Farmyard(MOST_SCENES * length, size, seed, objects=(1, 1)))
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        if not -self.length <= index < self.length:
            raise IndexError(
                f"SingleObjectScenes: index {index} is outside a set of {self.length} scenes"
            )
        # Scenes index, index + length, index + 2 length ...: no other index looks at these.
        for scene in range(index % self.length, MOST_SCENES * self.length, self.length):
            image, target = self.dataset[scene]
            one = with_one_object(image, target)
            if one is not None:
                return image, one
        raise ValueError(f"SingleObjectScenes: {MOST_SCENES} scenes for {index} show no object")


def with_one_object(image: np.ndarray, target: dict) -> dict | None:
    """The target with the label and the box of its one object; None if it has another number."""
    rows = real_objects(target, *image.shape[1:])
    if len(rows) != 1:
        return None
    target = keep_instances(target, rows)
    box = np.array(target["boxes"][0], np.float32)
    return {**target, "label": int(target["labels"][0]), "box": box}


def _count(dataset: Dataset, index: int) -> int:
    labels_of = getattr(dataset, "labels_of", None)
    if labels_of is not None:
        return len(labels_of(index))
    image, target = dataset[index]
    return len(real_objects(target, *image.shape[1:]))
