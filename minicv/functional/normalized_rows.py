"""What layer and group normalisation share: each row of a matrix gets mean 0 and variance 1."""

from __future__ import annotations

from minicv.backend import Array, xp_of


def normalized_rows(rows: Array, eps: float) -> tuple[Array, Array]:
    """``(normalized, inverse_deviation)`` of a matrix (R, D), the latter (R, 1).

    normalized = (row - μ) / √(σ² + eps), with the mean μ and the biased variance σ² of the row.

    >>> import numpy as np
    >>> normalized_rows(np.array([[1.0, 3.0], [5.0, 5.0]]), eps=0.25)[0].round(4).tolist()
    [[-0.8944, 0.8944], [0.0, 0.0]]
    """
    xp = xp_of(rows)
    normalized = rows - rows.mean(axis=1, keepdims=True)
    variance = (normalized * normalized).mean(axis=1, keepdims=True)
    inverse_deviation = 1 / xp.sqrt(variance + eps)
    normalized *= inverse_deviation
    return normalized, inverse_deviation


def gradient_of_rows(grad: Array, normalized: Array, inverse_deviation: Array) -> Array:
    """dL/d(rows) from dL/d(normalized): (g - Σ g / D - x̂ Σ g x̂ / D) / √(σ² + eps).

    The last two terms in the brackets are the gradients that flow through μ and σ².

    >>> import numpy as np
    >>> normalized, inverse = normalized_rows(np.array([[1.0, 2.0, 6.0]]), eps=0.0)
    >>> gradient_of_rows(np.ones((1, 3)), normalized, inverse).round(9).tolist()  # Σ x̂ is always 0
    [[0.0, 0.0, 0.0]]
    """
    grad_rows = normalized * -(grad * normalized).mean(axis=1, keepdims=True)
    grad_rows += grad
    grad_rows -= grad.mean(axis=1, keepdims=True)
    grad_rows *= inverse_deviation
    return grad_rows
