"""Arrays joined to one array, so that one kernel can work on all of them.

A network has a hundred parameters and more, most of them small. To launch a kernel for each would
take longer than to run it, and so would calling NumPy. PyTorch's and Apex's fused optimizers do the
same.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from minicv.backend import Array, xp_of

ALIGNMENT = 64  # what matrix products ask for


class Joined:
    """Arrays of one dtype in one piece of memory.

    Args:
        arrays: on one device.
        alignment: each array begins at a multiple of so many elements; 1 leaves no gaps.

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

    def __init__(self, arrays: Sequence[Array], alignment: int = ALIGNMENT) -> None:
        self.alignment = alignment
        self.whole = join(arrays, alignment)
        rooms = [array.size + -array.size % alignment for array in arrays]
        starts = [0, *itertools.accumulate(rooms)]
        self.parts = [
            self.whole[start : start + array.size].reshape(array.shape)
            for array, start in zip(arrays, starts, strict=False)
        ]

    def holds(self, arrays: Sequence[Array]) -> bool:
        """Whether ``arrays`` are exactly ``parts``: none has been replaced by another array."""
        return len(arrays) == len(self.parts) and all(
            [array is part for array, part in zip(arrays, self.parts, strict=True)]
        )

    def take(self, arrays: Sequence[Array]) -> None:
        """Copy ``arrays``, which have the shapes of ``parts``, into them.

        >>> import numpy as np
        >>> joined = Joined([np.zeros(2), np.zeros(1)], alignment=1)
        >>> joined.take([np.ones(2), np.full(1, 5.0)])
        >>> joined.whole.tolist()
        [1.0, 1.0, 5.0]
        """
        join(arrays, self.alignment, out=self.whole)


def whole_of(arrays: Sequence[Array], alignment: int = ALIGNMENT) -> Array | None:
    """The memory of ``arrays`` if they are neighbouring parts of one `Joined` of CuPy, else None.

    Gradients that were joined to be clipped need not be joined again for the step.
    """
    base: Any = getattr(arrays[0], "base", None)
    if not hasattr(getattr(base, "data", None), "ptr") or base.ndim != 1:
        return None
    first = end = (arrays[0].data.ptr - base.data.ptr) // base.itemsize
    for array in arrays:
        place = (array.data.ptr - base.data.ptr) // base.itemsize
        if array.base is not base or array.dtype != base.dtype or place != end:
            return None
        if not array.flags.c_contiguous:
            return None
        end += array.size + -array.size % alignment
    return base[first:end] if end <= base.size else None


def join(arrays: Sequence[Array], alignment: int = ALIGNMENT, out: Array | None = None) -> Array:
    """The ``whole`` of `Joined`, for arrays that need no views."""
    xp = xp_of(arrays[0])
    if alignment == 1:
        return xp.concatenate([array.reshape(-1) for array in arrays], out=out)
    gap = xp.zeros(alignment, arrays[0].dtype)
    pieces = []
    for array in arrays:
        pieces += [array.reshape(-1), gap[: -array.size % alignment]]
    return xp.concatenate(pieces, out=out)
