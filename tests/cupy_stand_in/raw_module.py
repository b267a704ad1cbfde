"""CuPy's RawModule: the emulator, for device arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cuda_emulator
from cuda_builds import missing_build

from cupy_stand_in.array import host_values
from cupy_stand_in.cuda import compute


class RawModule:
    """CUDA source, compiled by the host's C++ compiler at the first use.

    A file of minicv's is taken only with types that a CUDA compiler has seen as well.
    """

    def __init__(self, *, code: str, options: tuple[str, ...] = ()) -> None:
        missing = missing_build(code, options)
        if missing:
            raise AssertionError(missing)
        self._module = cuda_emulator.RawModule(code, options)

    def get_function(self, name: str) -> Callable[..., None]:
        """``function(blocks, threads, arguments)``, as CuPy's."""
        function = self._module.get_function(name)

        def launch(
            grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]
        ) -> None:
            values = tuple(host_values(argument, name) for argument in arguments)
            compute(lambda: function(grid, block, values), values, name, changes=True)

        return launch
