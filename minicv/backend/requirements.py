"""The NumPy that minicv needs: an older one would end a training in its middle."""

from __future__ import annotations

import numpy as np


def check_numpy(version: str = np.__version__) -> None:
    """Refuse NumPy 1, in which a float32 number divided by an int is a float64.

    Raises:
        ImportError: the version is below 2.

    >>> check_numpy("1.26.4")
    Traceback (most recent call last):
    ImportError: minicv needs NumPy 2 or newer but finds 1.26.4; python -m pip install "numpy>=2"
    """
    if int(version.partition(".")[0]) < 2:
        raise ImportError(
            f'minicv needs NumPy 2 or newer but finds {version}; python -m pip install "numpy>=2"'
        )
