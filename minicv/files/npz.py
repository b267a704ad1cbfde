"""Arrays as one file of NumPy's form ``.npz``, which is a zip archive of ``.npy`` files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np


def write_npz(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` by name, as `numpy.savez` does, and nothing but arrays.

    `numpy.savez` of NumPy 2.0 leaves its archive open when a disk is full, and takes an option for
    the name of an array. Here the archive is closed in any case, and no object is pickled.

    Args:
        file: open for writing bytes.
        arrays: by name.

    Raises:
        OSError: the file cannot be written.
        ValueError: an array of objects.

    >>> import io
    >>> file = io.BytesIO()
    >>> write_npz(file, {"weight": np.ones((2, 3), "float32")})
    >>> _ = file.seek(0)
    >>> np.load(file)["weight"].shape
    (2, 3)
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
