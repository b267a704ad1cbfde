"""Local response normalisation, one activation and one neighbour at a time."""

from __future__ import annotations

import numpy as np


def local_response_norm(
    x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """The twin of `minicv.functional.local_response_norm`.

    A window of 2 is the channel itself and the one before: 4 / √(1 + 3² + 4²) = 4 / √26.

    >>> y = local_response_norm(np.array([[3.0, 4.0]]), size=2, alpha=2.0, beta=0.5)
    >>> bool(np.isclose(y[0, 1], 4 / 26**0.5))
    True
    """
    channels = x.shape[1]
    y = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        n, c, pixel = place[0], place[1], place[2:]
        total = 0.0
        for neighbour in range(c - size // 2, c + (size - 1) // 2 + 1):
            if 0 <= neighbour < channels:
                total += x[n, neighbour][pixel] ** 2
        y[place] = x[place] / (k + alpha / size * total) ** beta
    return y
