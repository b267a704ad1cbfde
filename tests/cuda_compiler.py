"""A real CUDA compiler, where there is one: nvcc, or NVRTC. Neither needs a GPU or its driver.

NVRTC is what CuPy compiles with, and comes as a wheel: ``pip install nvidia-cuda-nvrtc`` (for
CUDA 12 ``nvidia-cuda-nvrtc-cu12``). nvcc accepts a few names more than it; `ONLY_IN_NVCC` has them.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

# Headers, and what they define: NVRTC has none of it.
ONLY_IN_NVCC = re.compile(
    r"#\s*include|\bstd::|\b(?:FLT|DBL|INT|LLONG)_(?:MAX|MIN|EPSILON)\b|\bINFINITY\b|\bNAN\b"
    r"|\bu?int(?:8|16|32|64)_t\b"
)
# What CuPy adds to the options that it is given.
OPTIONS_OF_CUPY = ("-ftz=true",)
OPTIONS_OF_CUPY_FOR_NVRTC = ("--device-as-default-execution-space",)


class Compiled(NamedTuple):
    """A file that compiles: what the assembler reports, and the portable assembly, PTX."""

    report: str
    ptx: str


class CompilationError(RuntimeError):
    """What the compiler said."""


Compiler = Callable[[str, str, Sequence[str]], Compiled]  # (source, "sm_90", options)


@functools.cache
def cuda_compiler() -> Compiler | None:
    """The first that is here and works: nvcc does not without a C++ compiler beside it."""
    nvcc = shutil.which("nvcc") or next(map(str, Path("/usr/local").glob("cuda*/bin/nvcc")), None)
    if nvcc is not None:
        with contextlib.suppress(CompilationError):
            compile_by_nvcc(nvcc, "__global__ void nothing() {}", "sm_90", ())
            return functools.partial(compile_by_nvcc, nvcc)
    library = nvrtc_library()
    return None if library is None else functools.partial(compile_by_nvrtc, library)


def compile_by_nvcc(nvcc: str, source: str, arch: str, options: Sequence[str]) -> Compiled:
    """Down to machine code: only the assembler knows how many registers there are."""
    foreign = ONLY_IN_NVCC.search(source)
    if foreign:
        line = next(line for line in source.splitlines() if foreign[0] in line)
        raise CompilationError(
            f"NVRTC, which compiles for CuPy, does not know {foreign[0]}:\n{line}"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cu"
        file.write_text(source, encoding="utf-8")
        where = ["--keep", "--keep-dir", folder, "-o", str(file.with_suffix(".cubin")), str(file)]
        command = [nvcc, "-cubin", f"-arch={arch}", "-Xptxas", "-v", *OPTIONS_OF_CUPY]
        done = subprocess.run([*command, *options, *where], capture_output=True, text=True)
        if done.returncode:
            raise CompilationError((done.stdout + done.stderr).replace(folder, "").strip())
        return Compiled(done.stderr, file.with_suffix(".ptx").read_text(encoding="utf-8"))


def nvrtc_library() -> ctypes.CDLL | None:
    """NVRTC of the wheel, if that is installed."""
    found = importlib.util.find_spec("nvidia")
    for folder in (found.submodule_search_locations or []) if found else []:
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*")):
            with contextlib.suppress(OSError):
                return ctypes.CDLL(str(path))
    return None


def compile_by_nvrtc(
    library: ctypes.CDLL, source: str, arch: str, options: Sequence[str]
) -> Compiled:
    """The same by the library that CuPy uses."""
    program = ctypes.c_void_p()
    _check(library.nvrtcCreateProgram(
        ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None
    ))  # fmt: skip
    try:
        given = (f"-arch={arch}", "--ptxas-options=-v", *OPTIONS_OF_CUPY)
        given = (*given, *OPTIONS_OF_CUPY_FOR_NVRTC, *options)
        texts = (ctypes.c_char_p * len(given))(*(option.encode() for option in given))
        status = library.nvrtcCompileProgram(program, len(given), texts)
        report = _text(library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program)
        if status:
            raise CompilationError(report.strip())
        return Compiled(report, _text(library.nvrtcGetPTXSize, library.nvrtcGetPTX, program))
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _text(size_of: Callable[..., int], get: Callable[..., int], program: ctypes.c_void_p) -> str:
    size = ctypes.c_size_t()
    _check(size_of(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    _check(get(program, buffer))
    return buffer.value.decode()


def _check(status: int) -> None:
    if status:
        raise CompilationError(f"NVRTC answers with error {status}")
