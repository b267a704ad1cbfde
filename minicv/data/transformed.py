"""A data set seen through a transform."""

from __future__ import annotations

import numpy as np

from minicv.data.loader import Dataset
from minicv.data.transforms import Transform
from minicv.data.wrapped import Wrapped


class Transformed(Wrapped):
    """Every sample of ``dataset`` after ``transform``, which is one without randomness.

    For what should happen once, before samples are kept (`Cached`), such as making large
    photographs small. What is drawn anew in each epoch is the loader's transform.

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
