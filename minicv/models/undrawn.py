"""A generator for models whose weights come from a file: it draws nothing."""

from __future__ import annotations

from typing import Any

import numpy as np


class Undrawn(np.random.Generator):
    """Gives zeros where a generator draws weights.

    Building a detector of 44 million weights takes half a second when they are drawn, only to be
    replaced by those of the file.

    >>> Undrawn().standard_normal((2, 2), dtype=np.float32).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Zeros of that size."""
        return np.zeros(() if size is None else size, dtype)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        """Zeros of that size."""
        return np.zeros(() if size is None else size, dtype)
