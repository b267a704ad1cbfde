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
from pathlib import Path
from typing import Any

import cuda_emulator

HERE = Path(__file__).parent
CUPY_HEADER = HERE / "cupy_on_cpu.h"
ENTRIES = HERE / "entries.h"
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
    if re.search(r"^\s*#\s*include", source, re.MULTILINE):
        head = f'#include "{CUPY_HEADER}"\n#define EMULATOR cupy_cpu\n'
        if _BARRIER.search(source):
            head = f"#define WITH_BARRIERS\n{head}"
    else:
        head = f'#include "{cuda_emulator.HEADER}"\n#define EMULATOR emulator\n'
    entries = "".join(f"ENTRY({name})\n" for name in _KERNEL.findall(source))
    return f'#include "{ENTRIES}"\n{head}#line 1 "kernel.cu"\n{source}\n{entries}'


def _compiled(text: str, options: Sequence[str], source: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.so"
        command = [
            *(
                str(cuda_emulator.compiler()),
                "-std=c++17",
                "-O1",
                "-w",
                "-fPIC",
                "-shared",
                "-pipe",
            ),
            *("-fpermissive", "-fno-strict-aliasing", "-Wl,-Bsymbolic", "-s", *options),
            *(f"-I{cuda_include()}", "-x", "c++", "-", "-o", str(path)),
        ]
        done = subprocess.run(command, input=text, text=True, capture_output=True)
        if done.returncode:
            from cupy.cuda.compiler import CompileException

            raise CompileException(done.stderr[:4000], source, name, options, "g++")
        return path.read_bytes()


def cuda_include() -> Path:
    """The folder of CUDA's headers, from a package of NVIDIA's."""
    import nvidia.cu13

    return Path(next(iter(nvidia.cu13.__path__))) / "include"


def _version() -> str:
    read = [file.read_bytes() for file in (cuda_emulator.HEADER, CUPY_HEADER, ENTRIES)]
    return hashlib.sha256(repr((os.environ.get("CXX"), read)).encode()).hexdigest()
