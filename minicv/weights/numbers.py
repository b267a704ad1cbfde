"""Whether an array holds numbers by which a model can predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicv.weights.errors import WeightsError


def check_numbers(source: str | Path, name: str, found: np.ndarray) -> None:
    """Refuse what is no real number, and what is not finite as float32.

    A model whose weights are NaN finds nothing in any picture, and would not say why.

    Args:
        source: the file, for the message.
        name: of the entry.
        found: the array.

    Raises:
        WeightsError: names the file and the entry.

    >>> check_numbers("a.npz", "weight", np.array([0.5, np.nan]))
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: a.npz: 'weight' holds NaN, infinity or numbers above 3e38
    """
    if found.dtype.kind not in "fiub":
        raise WeightsError(f"{source}: {name!r} holds {found.dtype} numbers, expected real ones")
    most = np.finfo(np.float32).max
    # A comparison with NaN is False.
    if found.size and found.dtype.kind == "f" and not (-most <= found.min() <= found.max() <= most):
        raise WeightsError(f"{source}: {name!r} holds NaN, infinity or numbers above 3e38")


def check_all_numbers(source: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """`check_numbers` of every array.

    >>> check_all_numbers("a.npz", {"weight": np.ones(2)})
    """
    for name, found in arrays.items():
        check_numbers(source, name, found)
