"""Samples that are costly to make, kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicv.data.loader import Dataset
from minicv.data.wrapped import Wrapped


class Cached(Wrapped):
    """Make each sample of ``dataset`` once and keep it.

    For scenes that are drawn, or photographs that are large but few. A transform that a loader
    applies is not kept: it comes afterwards. Do not change what you are given; it is the kept
    sample itself. (Only a label map is a copy: it is kept in an eighth of its memory, as uint8, and
    returned in the dtype it had.)

    Args:
        dataset: the samples to keep.
        keep: which entries of the targets are wanted; None keeps all. Masks that nobody trains on
            are better left out.
        most: how many samples are kept at the most; the others are made anew each time.

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
        # The label map apart from the rest of the target, narrowed; or None.
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
    """The target without its int64 label map, and that as uint8; None where nothing is gained."""
    labels = target.get("segmentation")
    if labels is None or labels.dtype != np.int64:
        return target, None
    if labels.size and (labels.min() < 0 or labels.max() > 255):
        return target, None
    rest = {name: value for name, value in target.items() if name != "segmentation"}
    return rest, labels.astype(np.uint8)
