"""CUDA kernels without a GPU: their unchanged source, compiled as C++ and run on the CPU.

`RawModule` looks like CuPy's, on NumPy arrays. What is emulated, and what is not, stands at the top
of ``cuda_on_cpu.h``; ``scheduler.cpp`` runs the threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend.cuda.signature import DTYPES, Parameter, read_signatures

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
SCHEDULER = Path(__file__).with_name("scheduler.cpp")
CTYPES = {
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "bool": ctypes.c_bool,
    "unsigned char": ctypes.c_uint8,
    "unsigned short": ctypes.c_uint16,
    "unsigned int": ctypes.c_uint32,
    "unsigned long long": ctypes.c_uint64,
    "int": ctypes.c_int32,
    "long long": ctypes.c_int64,
}
_reversed_order = False


def compiler() -> str | None:
    """A C++ compiler of this machine."""
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")


@contextlib.contextmanager
def reversed_order() -> Iterator[None]:
    """Within this block, the last block and the last thread of each run first."""
    global _reversed_order
    _reversed_order = True
    try:
        yield
    finally:
        _reversed_order = False


class BarrierError(RuntimeError):
    """Not every thread of a block came to the same barrier; a GPU would hang or go astray."""


class RawModule:
    """As ``cupy.RawModule``: compiled at the first use."""

    def __init__(self, code: str, options: tuple[str, ...] = ()) -> None:
        self.code = code
        self.options = options
        self.defined = dict(
            option[2:].split("=", 1) for option in options if option.startswith("-D")
        )

    def get_function(self, name: str) -> Callable[..., None]:
        """``function(grid, block, arguments)``."""
        parameters = [
            parameter._replace(type=self.defined.get(parameter.type, parameter.type))
            for parameter in read_signatures(self.code)[name]
        ]
        function = getattr(self._library, f"emulate_{name}")

        def launch(
            grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]
        ) -> None:
            if len(arguments) != len(parameters):
                raise TypeError(f"{name}: {len(arguments)} arguments for {len(parameters)}")
            if int(np.prod(block)) > 1024 or max(grid[1:], default=1) > 65535:
                raise ValueError(f"{name}: a GPU has no such grid: {grid} blocks of {block}")
            values = [_as_c(name, a, p) for a, p in zip(arguments, parameters, strict=True)]
            sizes = [(ctypes.c_uint * 3)(*(*numbers, 1, 1)[:3]) for numbers in (grid, block)]
            line = function(*sizes, _reversed_order, *values)
            if line:
                raise BarrierError(f"{name}: line {line}: a barrier that not all threads came to")

        return launch

    @functools.cached_property
    def _library(self) -> ctypes.CDLL:
        _load_scheduler()
        text = f'#include "{HEADER}"\n#line 1 "kernel.cu"\n{self.code}\n{_entries(self.code)}'
        options = list(self.options)
        if "EMULATOR_SANITIZE" in os.environ:
            options += ["-DEMULATOR_SANITIZE", "-fsanitize=address", "-g1"]
        return ctypes.CDLL(str(_compiled(text, options)))


@functools.cache
def _load_scheduler() -> None:
    """Kernels find its functions among those of the process."""
    text = f'#include "{SCHEDULER}"'
    ctypes.CDLL(str(_compiled(text, ["-std=c++17"])), mode=ctypes.RTLD_GLOBAL)


def _compiled(text: str, options: Sequence[str]) -> Path:
    """C++ as a shared library. Each is compiled once; every process of the user's finds it."""
    flags = ["-O1", "-w", "-fPIC", "-shared", "-pipe", *options]
    read = [file.read_text(encoding="utf-8") for file in (HEADER, SCHEDULER)]
    key = hashlib.sha256(repr((compiler(), flags, text, read)).encode()).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"minicv-cuda-emulator-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{key[:24]}.so"
    if not path.exists():
        partial = path.with_suffix(f".{os.getpid()}")
        command = [compiler(), "-x", "c++", "-", *flags, "-o", str(partial)]
        # The sanitizer, loaded into this process, shall not slow the compiler down as well.
        variables = {name: v for name, v in os.environ.items() if name != "LD_PRELOAD"}
        done = subprocess.run(command, input=text, text=True, capture_output=True, env=variables)
        if done.returncode:
            raise RuntimeError(f"the kernels do not compile:\n{done.stderr[:4000]}")
        partial.replace(path)
    return path


def _entries(code: str) -> str:
    """A function for each kernel that runs all threads of a grid."""
    entries = []
    for name, parameters in read_signatures(code).items():
        names = ", ".join(parameter.name for parameter in parameters)
        entries.append(
            f'extern "C" int emulate_{name}(const unsigned* grid_, const unsigned* block_, '
            f"bool reversed_, {_declarations(parameters)}) {{\n"
            f"    return emulator::run(grid_, block_, reversed_, [=] {{ {name}({names}); }});\n}}\n"
        )
    return "".join(entries)


def _declarations(parameters: Sequence[Parameter]) -> str:
    return ", ".join(f"{p.type}{'*' if p.is_array else ''} {p.name}" for p in parameters)


def _as_c(kernel: str, argument: Any, parameter: Parameter) -> Any:
    """An argument of a kernel, refused where CUDA would misread it."""
    dtype = DTYPES[parameter.type]
    where = f"{kernel}: {parameter.name}"
    if parameter.is_array:
        if not isinstance(argument, np.ndarray) or argument.dtype != dtype:
            raise TypeError(f"{where}: expected an array of {dtype} but got {argument!r:.80}")
        if not argument.flags.c_contiguous:
            raise TypeError(f"{where}: an array with gaps; strides {argument.strides}")
        return ctypes.c_void_p(argument.ctypes.data)
    if not isinstance(argument, np.generic) or argument.dtype != dtype:
        raise TypeError(f"{where}: expected numpy.{dtype} but got {type(argument).__name__}")
    return CTYPES[parameter.type](argument.item())
