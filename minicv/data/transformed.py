"""A data set seen through a transform."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicv.data.loader import Dataset
from minicv.data.transforms import Transform


class Transformed:
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
        self.dataset = dataset
        self.transform = transform

    def __getattr__(self, name: str) -> Any:
        """Classes, joint names and whatever else describes the whole set."""
        if name.startswith("__") or name == "dataset":  # asked for before __init__, by copying
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        return self.transform(*self.dataset[index], None)
