"""What CuPy has: the names and keywords recorded in cupy_api.json (see record_api.py)."""

from __future__ import annotations

import json
from pathlib import Path

_recorded = json.loads(Path(__file__).with_name("cupy_api.json").read_text(encoding="utf-8"))

CUPY_VERSION: str = _recorded["cupy"]
FUNCTIONS: dict[str, str | None] = _recorded["functions"]  # None: a type, constant or namespace
METHODS: dict[str, str | None] = _recorded["methods"]  # None: a property
NAMESPACES = ("lib", "lib.stride_tricks", "linalg")
DIRECTLY_STABLE = ("argsort", "sort")  # take kind=None or kind="stable" and nothing else


def unknown_keyword(name: str, accepted: str | None, keywords: dict[str, object]) -> str | None:
    """The sentence that describes the first keyword which CuPy would refuse, or None.

    ``accepted`` is an entry of `FUNCTIONS` or `METHODS`.
    """
    for keyword in keywords:
        if accepted != "*" and keyword not in (accepted or "").split():
            return f"cupy.{name}() got an unexpected keyword argument {keyword!r}"
    if name.rpartition(".")[2] in DIRECTLY_STABLE and keywords.get("kind") not in (None, "stable"):
        return f"cupy.{name}() takes kind='stable' only but got {keywords['kind']!r}"
    return None
