"""JSON files that every reader accepts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minicv.files import write_whole


def write_json(path: Path, record: Any) -> None:
    """Write ``record`` to ``path``, whole or not at all; folders that are missing are made.

    A number that is not finite, such as the average precision of a class without objects, becomes
    null: JSON has no NaN, and most readers refuse a file with one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "new" / "a.json", {"AP50": float("nan"), "epochs": [1, 0.5]})
    ...     json.loads((Path(folder) / "new" / "a.json").read_text())
    {'AP50': None, 'epochs': [1, 0.5]}
    """
    write_whole(path, json_text(record).encode())


def json_text(record: Any) -> str:
    """What `write_json` writes.

    >>> json_text([float("inf")])
    '[\\n null\\n]\\n'
    """
    return json.dumps(_without_nan(record), indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
