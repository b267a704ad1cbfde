"""A part of a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minicv.data.loader import Dataset
from minicv.data.wrapped import Wrapped


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
