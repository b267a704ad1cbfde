"""Run tests written for the host on a device: only the mathematics of each operation moves.

Just before an operation computes, its arrays go to the device, and what it has computed comes back
at once. So a test need not know of devices, and checks the CUDA kernels as strictly as NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from minicv import Function
from minicv.backend import to_numpy


def run_functions_on(xp: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, forward and backward of every Function see arrays of ``xp``."""
    call_on_host = Function.__call__

    def moved(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return xp.asarray(value)
        return _in_each(moved, value)

    def back(value: Any) -> Any:
        return to_numpy(value) if isinstance(value, xp.ndarray) else _in_each(back, value)

    def call(self: Function, *inputs: Any) -> Any:
        if not any(stays(getattr(value, "data", value)) for value in inputs):
            self.forward = there(self, self.forward)
            self.backward = there(self, self.backward)
        return call_on_host(self, *inputs)

    def stays(value: Any) -> bool:
        # Complex numbers are for the complex step, which checks the mathematics, not the kernels;
        # and some tests move their arrays themselves.
        return isinstance(value, xp.ndarray) or np.iscomplexobj(value)

    def there(self: Function, method: Callable[..., Any]) -> Callable[..., Any]:
        own = ("forward", "backward", "inputs")

        def keep(move: Callable[[Any], Any]) -> None:
            for name, value in list(vars(self).items()):
                if name not in own:
                    setattr(self, name, move(value))

        def run(*arrays: Any) -> Any:
            keep(moved)
            # A number that NumPy gives in place of an array without axes is one of the arrays too.
            arrays = tuple(np.asarray(a) if isinstance(a, np.generic) else a for a in arrays)
            try:
                return back(method(*moved(arrays)))
            finally:
                keep(back)

        return run

    monkeypatch.setattr(Function, "__call__", call)


def warns_on_the_host(device: ModuleType, match: str) -> AbstractContextManager[Any]:
    """NumPy says that it divides by zero, and so does the stand-in; a GPU does it in silence."""
    if device.__name__ == "cupy":
        return nullcontext()
    return pytest.warns(RuntimeWarning, match=match)


def _in_each(change: Callable[[Any], Any], value: Any) -> Any:
    """A list or tuple with every part changed; another value as it is."""
    if type(value) in (list, tuple):
        return type(value)(change(part) for part in value)
    return value
