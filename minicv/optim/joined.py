"""Arrays of a device, joined to one array, so that one kernel can work on all of them.

A network has a hundred parameters and more, most of them small. To launch a
kernel for each would take longer than to run it. PyTorch's and Apex's fused optimizers do the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from minicv.backend import Array, xp_of

ALIGNMENT = 64  # each array begins at a multiple of so many elements: matrix products ask for that


class Joined:
    """Arrays of one dtype in one piece of memory.

    Attributes:
        whole: (size,), all of them, with zeros in the gaps between.
        parts: for each array that was given a view of ``whole``, of its shape.

    >>> import numpy as np
    >>> joined = Joined([np.ones((2, 3)), np.zeros(5)])
    >>> joined.whole.shape, [part.shape for part in joined.parts]
    ((128,), [(2, 3), (5,)])
    >>> joined.whole *= 2
    >>> joined.parts[0].tolist()
    [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.whole = join(arrays)
        rooms = [_room(array) for array in arrays]
        starts = [0, *itertools.accumulate(rooms)]
        self.parts = [
            self.whole[start : start + array.size].reshape(array.shape)
            for array, start in zip(arrays, starts, strict=False)
        ]

    def holds(self, arrays: Sequence[Array]) -> bool:
        """Whether ``arrays`` are exactly ``parts``: none has been replaced by another array."""
        return len(arrays) == len(self.parts) and all(
            array is part for array, part in zip(arrays, self.parts, strict=True)
        )


def join(arrays: Sequence[Array]) -> Array:
    """The ``whole`` of `Joined`, for arrays that need no views."""
    xp = xp_of(*arrays)
    gap = xp.zeros(ALIGNMENT, arrays[0].dtype)
    pieces = []
    for array in arrays:
        pieces.append(array.reshape(-1))
        missing = _room(array) - array.size
        if missing:
            pieces.append(gap[:missing])
    return xp.concatenate(pieces)


def _room(array: Array) -> int:
    return -(-array.size // ALIGNMENT) * ALIGNMENT
