"""Dropout: a random mask, drawn once and saved for the gradient."""

from __future__ import annotations

import numpy as np

from minicv.backend.selection import kept_where


def dropout_forward(
    x: np.ndarray, p: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``(y, saved)``: x with each element set to 0 by chance, the others divided by 1 - p.

    Args:
        x: of any shape.
        p: probability of 0, in 0..1.
        rng: draws the mask.

    Returns:
        y, and what `dropout_backward` needs: here the mask, true where x survives.
    """
    survives = rng.random(x.shape, dtype=np.float32) >= p
    y = kept_where(survives, x)
    y *= _scale(p)
    return y, survives


def dropout_backward(grad: np.ndarray, saved: np.ndarray, p: float) -> np.ndarray:
    """dL/dx from dL/dy, with the same mask."""
    kept = kept_where(saved, grad)
    kept *= _scale(p)
    return kept


def _scale(p: float) -> float:
    return 1 / (1 - p) if p < 1 else 1.0  # with p = 1 nothing survives to be scaled
