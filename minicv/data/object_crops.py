"""Every object cut out of its picture: a set to classify, from a set of boxes."""

from __future__ import annotations

import numpy as np

from minicv.data.crops import Crops, real_objects, window_around
from minicv.data.loader import Dataset


class ObjectCrops(Crops):
    """One picture for each object of ``dataset``, cut out around the object's box.

    Target: ``label``, the object's class, an int; and ``image_id``, such as ``"im1 object 3"``: the
    third object of the picture im1. `classes` are those of ``dataset``.

    Objects that are difficult or stand for a crowd are left out, as are boxes outside of their
    picture. Photographs are read once for each object; `Cached` spares that.

    Args:
        dataset: with boxes and labels. Where it has ``labels_of(index)``, the objects are counted
            without reading the pictures; else each picture is read once at the beginning.
        context: share of the box's width and height that is added on each side; the crop ends at
            the picture's borders.

    Raises:
        ValueError: ``context`` is negative, or there is no object.

    >>> from minicv.data.farmyard import Farmyard
    >>> crops = ObjectCrops(Farmyard(4))
    >>> image, target = crops[2]
    >>> len(crops), image.shape, target
    (13, (3, 26, 42), {'label': 3, 'image_id': 'farmyard-0-000001 object 2'})
    """

    def __init__(self, dataset: Dataset, context: float = 0.15) -> None:
        super().__init__(dataset, context)
        self._labels: list[int] = []
        for picture in range(len(dataset)):
            labels = self._labels_in(picture)
            self.places += [(picture, part) for part in range(len(labels))]
            self._labels += labels
        if not self.places:
            raise ValueError(
                f"ObjectCrops: there is no object to cut out in {len(dataset)} pictures; expected "
                "at least one that is neither difficult nor a crowd"
            )

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, target = self.picture(index)
        height, width = image.shape[1:]
        row = self.row_of(index, real_objects(target, height, width))
        rows, columns = window_around(target["boxes"][row], self.context, height, width)
        name = f"{target.get('image_id', self.places[index][0])} object {row + 1}"
        crop = np.ascontiguousarray(image[:, rows, columns])
        return crop, {"label": int(target["labels"][row]), "image_id": name}

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a sample, without its picture."""
        return np.array([self._labels[index]], np.int64)

    def _labels_in(self, picture: int) -> list[int]:
        labels_of = getattr(self.dataset, "labels_of", None)
        if labels_of is not None:
            return [int(label) for label in labels_of(picture)]
        image, target = self.dataset[picture]
        return [int(target["labels"][row]) for row in real_objects(target, *image.shape[1:])]
