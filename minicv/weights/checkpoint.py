"""Checkpoints: one ``.npz`` file of arrays and a description, written whole or not at all."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend import Array, to_numpy
from minicv.files import WholeFiles, write_npz
from minicv.weights.errors import WeightsError
from minicv.weights.npz_file import read_npz

FORMAT = 2  # of the checkpoints that this version writes, and the only one that it reads
_DESCRIPTION = "__description__"


def save_checkpoint(
    path: str | Path, arrays: Mapping[str, Array], description: Mapping[str, Any]
) -> None:
    """Write ``arrays`` and a JSON-able ``description`` to ``path``, with the format's number.

    The file appears whole, see `minicv.files.WholeFiles`: if the disk is full, the program stops or
    the power fails, a checkpoint that stood under that name before is still there.

    Raises:
        WeightsError: the file cannot be written; says why.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/a.npz", {"weight": np.ones(2)}, {"step": 3})
    ...     arrays, description = load_checkpoint(f"{folder}/a.npz")
    >>> arrays["weight"].tolist(), description
    ([1.0, 1.0], {'step': 3})
    """
    save_checkpoints([path], arrays, description)


def save_checkpoints(
    paths: Sequence[str | Path], arrays: Mapping[str, Array], description: Mapping[str, Any]
) -> None:
    """Write the same checkpoint under several names, which it takes in this order.

    It is complete under all of them before it takes the first: a full disk changes none.

    Raises:
        WeightsError: a file cannot be written; says which, and why.
    """
    contents: dict[str, Any] = {name: to_numpy(array) for name, array in arrays.items()}
    path = Path(paths[0])
    for name, array in contents.items():
        if array.dtype.hasobject:  # NumPy would pickle it, and `load_checkpoint` refuses pickles
            raise ValueError(f"{path}: {name!r} is no array of numbers but has dtype {array.dtype}")
    contents[_DESCRIPTION] = np.array(json.dumps({**description, "format": FORMAT}))
    try:
        with WholeFiles(durable=True) as files:
            for path in map(Path, paths):
                files.write(path, lambda file: write_npz(file, contents))
    except OSError as error:
        kept = "; the earlier checkpoint of that name is kept" if path.exists() else ""
        raise WeightsError(
            f"{path}: the checkpoint could not be written ({error.strerror or error}){kept}"
        ) from None


def load_checkpoint(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the description that `save_checkpoint` wrote.

    Raises:
        WeightsError: the file is missing, damaged, no checkpoint of this project, or of another
            format.
    """
    return _read(Path(path))


def load_description(path: str | Path) -> dict[str, Any]:
    """The description alone, without the time and the memory that the arrays need.

    Raises:
        WeightsError: as `load_checkpoint`, though damage within the arrays goes unseen.
    """
    return _read(Path(path), only=(_DESCRIPTION,))[1]


def _read(
    path: Path, only: Sequence[str] | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of these names, or all, and the description."""
    arrays = read_npz(path, only)
    if _DESCRIPTION not in arrays:
        raise WeightsError(
            f"{path}: an .npz file, but not a minicv checkpoint (its description is missing)"
        )
    try:
        description = json.loads(str(arrays.pop(_DESCRIPTION)))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its description is no JSON ({error})") from None
    if not isinstance(description, dict):
        raise WeightsError(
            f"{path}: its description is {reprlib.repr(description)}, expected an object of names "
            "and values"
        )
    found = description.pop("format", 1)
    if found != FORMAT:
        raise WeightsError(
            f"{path}: a checkpoint of format {reprlib.repr(found)}, and this version of minicv "
            f"reads format {FORMAT}; train the model again, or use the version of minicv that "
            "wrote it"
        )
    return arrays, description
