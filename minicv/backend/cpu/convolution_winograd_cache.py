"""A cache of Winograd's transformed kernels, for weights that stay the same from call to call.

With one image at a time a wide layer has few tiles, and the transform of its weights is a quarter
of the work: 512 x 512 kernels of 3x3 become 36 matrices of 38 MB together. A network that predicts
uses the same weights again and again. So transformed kernels are stored at the second call with
weights that have not changed since the first; a layer in training, whose weights change with every
step, never gets that far.

Stored kernels are used only if every weight equals a copy of the weights that they were made from.
The comparison costs a tenth of the transform, and nothing can be out of date, however the weights
were written.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicv.backend.parallel import parallel_for, split_evenly

MOST_BYTES = 320 << 20  # of everything in the cache: enough for VGG-16
MOST_LAYERS = 512  # that are remembered as met once
SAMPLES = 64  # weights that tell one layer from another


class Entry(NamedTuple):
    """Weights, and their transform."""

    weight: np.ndarray
    transformed: np.ndarray

    @property
    def bytes(self) -> int:
        """Of memory that the entry takes."""
        return self.weight.nbytes + self.transformed.nbytes


class WinogradCache:
    """The layers met last, oldest first; safe for several threads.

    >>> cache = WinogradCache()
    >>> weight = np.ones((2, 2), np.float32)
    >>> print(cache.look_up("doubled", weight, lambda: weight * 2))
    None
    >>> cache.look_up("doubled", weight, lambda: weight * 2).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """

    def __init__(self) -> None:
        self.layers: OrderedDict[tuple, Entry | None] = OrderedDict()
        self.lock = threading.Lock()

    def look_up(
        self, name: str, weight: np.ndarray, transform: Callable[[], np.ndarray]
    ) -> np.ndarray | None:
        """The transformed weights, or None at the first call with these weights.

        Args:
            name: of the transform.
            weight: any shape, contiguous.
            transform: computes the transformed weights; called at the second call.
        """
        flat = weight.reshape(-1)
        sample = flat[:: max(1, flat.size // SAMPLES)].tobytes()
        key = (name, weight.shape, sample)
        with self.lock:
            met = key in self.layers
            entry = self.layers.setdefault(key, None)
            self.layers.move_to_end(key)
            while len(self.layers) > MOST_LAYERS:
                self.layers.popitem(last=False)
        if entry is not None and equal(entry.weight, weight):
            return entry.transformed
        if not met or entry is not None:  # new, or other weights with the same sample
            self._store(key, None)
            return None
        made = Entry(weight.copy(), transform())
        self._store(key, made)
        return made.transformed

    def _store(self, key: tuple, entry: Entry | None) -> None:
        with self.lock:
            self.layers[key] = entry
            held = sum(layer.bytes for layer in self.layers.values() if layer is not None)
            for oldest in list(self.layers):
                if held <= MOST_BYTES:
                    break
                layer = self.layers[oldest]
                if layer is not None:
                    held -= layer.bytes
                    self.layers[oldest] = None


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether all elements are the same; all cores compare.

    >>> equal(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    False
    """
    a, b = a.reshape(-1), b.reshape(-1)
    if a.dtype == b.dtype == np.float32 and len(a) == len(b) and len(a) % 2 == 0:
        a, b = a.view(np.uint64), b.view(np.uint64)  # two at a time
    parts = split_evenly(len(a), 1 << 20)
    same = [False] * len(parts)

    def compare(number: int) -> None:
        same[number] = bool((a[parts[number]] == b[parts[number]]).all())

    parallel_for(compare, range(len(parts)))
    return all(same)
