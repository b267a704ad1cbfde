"""What every data set that stands on another one shares with it."""

from __future__ import annotations

from typing import Any

from minicv.data.loader import Dataset


class Wrapped:
    """Passes on all that describes ``dataset`` as a whole: classes, joint names, colours, length.

    A subclass says in ``__getitem__`` what becomes of a sample.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "dataset":  # asked for before __init__, by copying
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)
