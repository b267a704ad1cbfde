"""NVRTC without a GPU: CUDA C compiled by g++.

minicv's kernels, which include nothing, are compiled with the header of ``cuda_emulator``, which is
strict about barriers; CuPy's own, which include headers of C++, with ``cupy_on_cpu.h``. The result
takes the place of a cubin: CuPy keeps it in its cache (``CUPY_CACHE_DIR``) and gives it to the
driver, which is ``driver.cpp``.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cuda_emulator

HERE = Path(__file__).parent
CUPY_HEADER = HERE / "cupy_on_cpu.h"
ENTRIES = HERE / "entries.h"
PRECOMPILED = "cupy_kernels.h"
CUPY_HEADERS = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h")
CCCL = ("libcudacxx", "thrust", "cub")
FLAGS = ("-std=c++17", "-O1", "-w", "-fPIC", "-pipe", "-fpermissive", "-fno-strict-aliasing")
precompiled_in = Path()  # set by fake_cuda.install()
_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^{;]*?\)\s+)?(\w+)\s*\('
)
_BARRIER = re.compile(r"__syncthreads|__syncwarp|__shfl")


class Program:
    """As CuPy's ``_NVRTCProgram``: a source, compiled once."""

    def __init__(self, src: str, name: str = "kernels.cu", *args: Any, **options: Any) -> None:
        self.source = src
        self.name = name

    def compile(self, options: Sequence[str] = (), log_stream: Any = None) -> tuple[bytes, None]:
        """What the driver loads.

        CuPy also compiles an empty source, to ask for the compiler's version: that is the headers'.
        """
        if not self.source:
            return f"// {_version()}".encode(), None
        kept = [option for option in options if option.startswith(("-D", "-I"))]
        library = _compiled(_as_cpp(self.source), kept, self.source, self.name)
        return b"FAKECUDA" + len(library).to_bytes(8, "little") + library, None


def _as_cpp(source: str) -> str:
    """The unchanged source, between what it needs and its entries."""
    names = _KERNEL.findall(source)
    if re.search(r"^\s*#\s*include", source, re.MULTILINE):
        head = f'#include "{PRECOMPILED}"\n'
        entry = "ENTRY({}, cupy_cpu, " + ("true)\n" if _BARRIER.search(source) else "false)\n")
    else:
        head = f'#include "{ENTRIES}"\n#include "{cuda_emulator.HEADER}"\n'
        entry = "ENTRY({}, emulator, false)\n"
    return f'{head}#line 1 "kernel.cu"\n{source}\n' + "".join(map(entry.format, names))


def _compiled(text: str, options: Sequence[str], source: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.so"
        command = [
            *(str(cuda_emulator.compiler()), *FLAGS, "-shared", "-Wl,-Bsymbolic", "-s"),
            *(f"-I{precompiled_in}", *options, f"-I{cuda_include()}"),
            *("-x", "c++", "-", "-o", str(path)),
        ]
        done = subprocess.run(command, input=text, text=True, capture_output=True)
        if done.returncode:
            from cupy.cuda.compiler import CompileException

            raise CompileException(done.stderr[:4000], source, name, options, "g++")
        return path.read_bytes()


def precompile(into: Path) -> None:
    """Read the headers of CuPy's kernels once: that is most of the work of compiling one."""
    package = find_spec("cupy")
    assert package is not None and package.submodule_search_locations
    include = Path(package.submodule_search_locations[0]) / "_core" / "include"
    lines = [f'#include "{header}"' for header in (ENTRIES, CUPY_HEADER)]
    lines += [f"#include <cupy/{header}>" for header in CUPY_HEADERS]
    (into / PRECOMPILED).write_text("\n".join(lines) + "\n")
    folders = [include, *(include / "cupy" / "_cccl" / part for part in CCCL), cuda_include()]
    command = [str(cuda_emulator.compiler()), *FLAGS, *(f"-I{folder}" for folder in folders)]
    command += ["-x", "c++-header", str(into / PRECOMPILED), "-o", f"{into / PRECOMPILED}.gch"]
    subprocess.run(command, check=True)


def cuda_include() -> Path:
    """The folder of CUDA's headers, from a package of NVIDIA's."""
    import nvidia.cu13

    return Path(next(iter(nvidia.cu13.__path__))) / "include"


def _version() -> str:
    read = [file.read_bytes() for file in (cuda_emulator.HEADER, CUPY_HEADER, ENTRIES)]
    return hashlib.sha256(repr((os.environ.get("CXX"), read)).encode()).hexdigest()
