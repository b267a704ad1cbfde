"""From a ``.cu`` file to a running kernel: check the arguments, compile once, launch.

CUDA copies as many bytes of each argument as the kernel's parameter has, and checks nothing. A
Python float passed to a ``float`` parameter would arrive as garbage, an array of another dtype
would be read with the wrong type, and an array with gaps as if it had none. So every argument is
checked here against the signature in the source before the launch.

The files are plain CUDA C without includes. They say ``real`` where float32 and float64 share a
kernel; ``real`` and other types that a file leaves open are filled in when the file is compiled.
NVRTC compiles it at the first launch, and CuPy caches the result on disk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minicv.backend.cuda.signature import DTYPES, Parameter, read_signatures
from minicv.backend.device import xp_of

THREADS = 256  # of a block, where nothing asks for another number
_TYPE_OF = {dtype: name for name, dtype in DTYPES.items()}
Macros = tuple[tuple[str, Any], ...]


class Grid(NamedTuple):
    """How many blocks of how many threads, each as (x, y, z)."""

    blocks: tuple[int, int, int]
    threads: tuple[int, int, int]


def one_thread_each(count: int, threads: int = THREADS) -> Grid:
    """A thread for each of ``count`` elements; in the last block a few threads have none.

    >>> one_thread_each(1000)
    Grid(blocks=(4, 1, 1), threads=(256, 1, 1))
    """
    return Grid((-(-count // threads), 1, 1), (threads, 1, 1))


def index_type(count: int) -> np.dtype:
    """The type that numbers ``count`` threads: 32 bits, whose divisions are fast, if they suffice.

    >>> index_type(1000), index_type(2**31)
    (dtype('uint32'), dtype('int64'))
    """
    return np.dtype(np.uint32 if count < 2**31 else np.int64)


class CudaFile:
    """The kernels of one file beside this one.

    >>> CudaFile("pooling.cu").signatures["max_pool2d"][0]
    Parameter(name='x', type='real', is_array=True)
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @functools.cached_property
    def source(self) -> str:
        """The text of the file."""
        return Path(__file__).with_name(self.name).read_text(encoding="utf-8")

    @property
    def ascii_source(self) -> str:
        """What is compiled: the text with a question mark for each letter that is not ASCII.

        Such letters stand in comments alone. The compiler of CUDA 12.0 to 12.5 makes CuPy, which
        writes the source into its cache, fail at them.

        >>> "φ" in CudaFile("erfc.cu").ascii_source
        False
        """
        return self.source.encode("ascii", "replace").decode("ascii")

    @functools.cached_property
    def signatures(self) -> dict[str, tuple[Parameter, ...]]:
        """The parameters of each kernel."""
        return read_signatures(self.source)

    def launch(self, kernel: str, grid: Grid, *arguments: Any, **macros: Any) -> None:
        """Queue a kernel on the device of its arrays; results appear in the arrays it writes to.

        Args:
            kernel: its name in the file.
            grid: a grid without blocks launches nothing.
            arguments: one for each parameter: device arrays, and numbers, which are converted to
                the type of the parameter. At least one is an array.
            macros: what the file leaves open: a dtype for a type such as ``real``, or a number.

        Raises:
            TypeError: an argument does not fit its parameter, or an open type has a dtype that no
                kernel computes with.
            ValueError: an array has gaps, or the file has no such kernel.
        """
        filled_in = tuple(macros.items())
        checks = _checks(self, kernel, filled_in)
        prepared = _prepare(f"{self.name}: {kernel}", checks, arguments)
        if 0 in grid.blocks:
            return
        first = next(a for a, check in zip(arguments, checks, strict=True) if check.is_array)
        _function(self, kernel, xp_of(first), filled_in)(*grid, tuple(prepared))


class _Check(NamedTuple):
    """What one argument must be; ``bounds`` are those of a whole number."""

    name: str
    is_array: bool
    dtype: np.dtype
    bounds: tuple[int, int]


@functools.cache
def _checks(file: CudaFile, kernel: str, macros: Macros) -> tuple[_Check, ...]:
    """What each argument must be."""
    if kernel not in file.signatures:
        raise ValueError(
            f"{file.name}: there is no kernel {kernel!r}; there are {', '.join(file.signatures)}"
        )
    types = {name: DTYPES[_definition(name, value)] for name, value in macros if _is_type(value)}
    types |= DTYPES
    for parameter in file.signatures[kernel]:
        if parameter.type not in types:
            raise TypeError(
                f"{file.name}: {kernel}: the type {parameter.type} of {parameter.name} is left "
                f"open by the file; launch with {parameter.type}=a dtype"
            )
    return tuple(
        _Check(p.name, p.is_array, types[p.type], _bounds(types[p.type]))
        for p in file.signatures[kernel]
    )


def _bounds(dtype: np.dtype) -> tuple[int, int]:
    """Asked once for each parameter: at every launch it would take longer than all other checks."""
    if dtype.kind not in "iu":
        return 0, 0
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


@functools.cache
def _function(file: CudaFile, kernel: str, cupy: Any, macros: Macros) -> Callable[..., None]:
    return _module(file, cupy, macros).get_function(kernel)


@functools.cache
def _module(file: CudaFile, cupy: Any, macros: Macros) -> Any:
    return cupy.RawModule(code=file.ascii_source, options=compiler_options(**dict(macros)))


def compiler_options(**macros: Any) -> tuple[str, ...]:
    """For NVRTC, with everything filled in that a file leaves open.

    >>> compiler_options(real=np.float32, TILE=16)
    ('-std=c++17', '-Dreal=float', '-DTILE=16')
    """
    return ("-std=c++17", *(f"-D{name}={_definition(name, v)}" for name, v in macros.items()))


def _is_type(value: Any) -> bool:
    return isinstance(value, (type, np.dtype))


def _definition(name: str, value: Any) -> str:
    if not _is_type(value):
        return str(value)
    dtype = np.dtype(value)
    if dtype not in _TYPE_OF or (name == "real" and dtype.kind != "f"):
        allowed = [d.name for d in _TYPE_OF if name != "real" or d.kind == "f"]
        raise TypeError(
            f"CUDA kernels do not compute in {dtype}; convert to one of {', '.join(allowed)}, or "
            "move the arrays to the CPU with minicv.backend.to_numpy"
        )
    return _TYPE_OF[dtype]


def _prepare(where: str, checks: tuple[_Check, ...], arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments as the kernel can take them."""
    if len(arguments) != len(checks):
        raise TypeError(
            f"{where}: takes {len(checks)} arguments ({', '.join(c.name for c in checks)}) but got "
            f"{len(arguments)}"
        )
    prepared = []
    for argument, check in zip(arguments, checks, strict=True):
        name, is_array, dtype, _ = check
        if not is_array:
            argument = _number(where, argument, check)
        elif _is_on_host(argument) or argument.dtype != dtype:
            got = type(argument).__name__ if _is_on_host(argument) else argument.dtype
            raise TypeError(f"{where}: {name} must be a device array of {dtype} but is {got}")
        elif not argument.flags.c_contiguous:
            raise ValueError(
                f"{where}: {name} must be contiguous in C order, but has the strides "
                f"{argument.strides} for the shape {argument.shape}; pass xp.ascontiguousarray"
            )
        prepared.append(argument)
    return prepared


def _is_on_host(argument: Any) -> bool:
    return isinstance(argument, (np.ndarray, np.generic)) or not hasattr(argument, "dtype")


def _number(where: str, value: Any, check: _Check) -> np.generic:
    """``value`` in the dtype that the kernel reads."""
    name, _, dtype, (lowest, highest) = check
    if isinstance(value, (bool, int, float, np.number)):
        if dtype.kind == "f":
            return dtype.type(value)
        if dtype.kind == "b":
            return dtype.type(bool(value))
        if value == int(value) and lowest <= value <= highest:
            return dtype.type(int(value))
    raise TypeError(f"{where}: {name} must be a number that fits into {dtype} but is {value!r}")
