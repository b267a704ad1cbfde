"""Winograd's transformed kernels, kept from call to call while the weights stay as they are.

With one image at a time a wide layer has few tiles, and to transform its weights is a quarter of
the work: 512 x 512 kernels of 3x3 become 36 matrices of 38 MB together. A network that predicts
uses the same weights again and again. So they are kept, at the second call with weights that have
not changed since the first; a layer in training, whose weights change with every step, never gets
that far.

What was kept is used only if every weight equals a copy of those that it was made from. To compare
costs a tenth of the transform, and nothing can be out of date, however the weights were written.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minicv.backend.parallel import parallel_for, split_evenly

MOST_BYTES = 320 << 20  # of everything that is kept: enough for VGG-16
MOST_LAYERS = 512  # that are remembered as met once
SAMPLES = 64  # weights that tell one layer from another


class Kept(NamedTuple):
    """Weights, and what they became."""

    weight: np.ndarray
    transformed: np.ndarray

    @property
    def bytes(self) -> int:
        return self.weight.nbytes + self.transformed.nbytes


class KeptKernels:
    """The layers met last, oldest first; safe for several threads.

    >>> kernels = KeptKernels()
    >>> weight = np.ones((2, 2), np.float32)
    >>> print(kernels.find("doubled", weight, lambda: weight * 2))
    None
    >>> kernels.find("doubled", weight, lambda: weight * 2).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """

    def __init__(self) -> None:
        self.layers: OrderedDict[tuple, Kept | None] = OrderedDict()
        self.lock = threading.Lock()

    def find(
        self, how: str, weight: np.ndarray, transform: Callable[[], np.ndarray]
    ) -> np.ndarray | None:
        """The transformed weights, or None where they are not worth keeping yet.

        Args:
            how: names the transform.
            weight: any shape, in one piece.
            transform: makes them, when they are met for the second time.
        """
        flat = weight.reshape(-1)
        sample = flat[:: max(1, flat.size // SAMPLES)].tobytes()
        key = (how, weight.shape, sample)
        with self.lock:
            met = key in self.layers
            kept = self.layers.setdefault(key, None)
            self.layers.move_to_end(key)
            while len(self.layers) > MOST_LAYERS:
                self.layers.popitem(last=False)
        if kept is not None and equal(kept.weight, weight):
            return kept.transformed
        if not met or kept is not None:  # new, or other weights behind the same sample
            self._put(key, None)
            return None
        made = Kept(weight.copy(), transform())
        self._put(key, made)
        return made.transformed

    def _put(self, key: tuple, kept: Kept | None) -> None:
        with self.lock:
            self.layers[key] = kept
            held = sum(layer.bytes for layer in self.layers.values() if layer is not None)
            for oldest in list(self.layers):
                if held <= MOST_BYTES:
                    break
                layer = self.layers[oldest]
                if layer is not None:
                    held -= layer.bytes
                    self.layers[oldest] = None


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether all elements are the same, looked at by all cores.

    >>> equal(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    False
    """
    a, b = a.reshape(-1), b.reshape(-1)
    parts = split_evenly(len(a), 1 << 20)
    same = [False] * len(parts)

    def compare(number: int) -> None:
        same[number] = bool((a[parts[number]] == b[parts[number]]).all())

    parallel_for(compare, range(len(parts)))
    return all(same)
