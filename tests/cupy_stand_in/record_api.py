"""Write cupy_api.json: the names and keywords that CuPy shares with NumPy.

CuPy can be imported without a GPU, so any machine can record it. Needed once for each CuPy release
that minicv supports, in an environment of its own:

    python -m venv /tmp/cupy && /tmp/cupy/bin/pip install cupy-cuda13x
    /tmp/cupy/bin/python tests/cupy_stand_in/record_api.py

The result maps each dotted name to its keywords, separated by blanks. "*" means that any keyword is
taken, null marks what is no function (a type, a constant, a namespace), and the few methods of
universal functions that work, such as `add.at`, stand beside the functions themselves.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import cupy
import numpy as np

NAMESPACES = ("", "linalg", "lib", "lib.stride_tricks")
UFUNC_KEYWORDS = "dtype out"  # as CuPy documents them; NumPy's `where` and `casting` are missing
EINSUM_KEYWORDS = "dtype optimize"  # hidden behind **kwargs; `out` is refused at run time


def record() -> dict[str, Any]:
    """Everything that the stand-in and the static check need to know about CuPy."""
    functions: dict[str, str | None] = {}
    for namespace in NAMESPACES:
        ours, theirs = _resolve(np, namespace), _resolve(cupy, namespace)
        for name in _shared_names(ours, theirs):
            dotted = f"{namespace}.{name}" if namespace else name
            functions[dotted] = _keywords(getattr(ours, name), getattr(theirs, name))
            if getattr(getattr(theirs, name), "_scatter_op", None):
                functions[f"{dotted}.at"] = "a indices b"
    functions["einsum"] = EINSUM_KEYWORDS
    methods = {
        name: _keywords(getattr(np.ndarray, name), getattr(cupy.ndarray, name))
        for name in _shared_names(np.ndarray, cupy.ndarray)
    }
    return {"cupy": cupy.__version__, "functions": functions, "methods": methods}


def _shared_names(ours: Any, theirs: Any) -> list[str]:
    return [name for name in sorted(dir(ours)) if name[0] != "_" and hasattr(theirs, name)]


def _resolve(module: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        module = getattr(module, part)
    return module


def _keywords(ours: Any, theirs: Any) -> str | None:
    """The keywords that both versions of a function take."""
    if isinstance(theirs, cupy.ufunc):
        return UFUNC_KEYWORDS
    if isinstance(theirs, type) or not callable(theirs):
        return None
    known = [names for names in (_names(ours), _names(theirs)) if names is not None]
    return " ".join(sorted(set.intersection(*known))) if known else "*"


def _names(function: Any) -> set[str] | None:
    """Names of a function's parameters; None where it does not tell, or takes any keyword."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        # A compiled method of CuPy tells its signature only in the first line of its docstring:
        # `_ndarray_base.sum(self, axis=None, dtype=None, out=None, keepdims=False) -> ...`
        first_line = (function.__doc__ or "").partition("\n")[0]
        found = re.search(r"\((.*)\)", first_line)
        if found is None:
            return None
        parts = [part.partition("=")[0].split() for part in found[1].split(",")]
        return {part[-1] for part in parts if part} - {"self"}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters} - {"self"}


if __name__ == "__main__":
    path = Path(__file__).with_name("cupy_api.json")
    path.write_text(json.dumps(record(), indent=0) + "\n", encoding="utf-8")
    print(f"{path}: CuPy {cupy.__version__}")
