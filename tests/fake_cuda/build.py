"""Builds the fake CUDA once, beside the installed CuPy: ``python -m fake_cuda.build``.

Three of CUDA's libraries are written anew (``driver.cpp``, ``runtime.cpp``, ``cublas.cpp``). CuPy
loads the driver and cuBLAS as any program does, but holds a copy of the runtime inside one module,
``cupy_backends.cuda.api.runtime``. So that module alone is compiled again, from CuPy's own source,
and linked to the fake runtime. What CuPy calls and the fake lacks answers "not supported".
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cuda_emulator

from fake_cuda import nvrtc
from fake_cuda.nvrtc import HERE, cuda_include

NOT_SUPPORTED = {"cuda": 801, "cublas": 15}
RUNTIME = "cupy_backends/cuda/api/runtime"
SOURCES = (
    *("device.h", "driver.cpp", "runtime.cpp", "cublas.cpp", "build.py"),
    *("nvrtc.py", "entries.h", "cupy_on_cpu.h"),
)


def folder() -> Path:
    """Where the libraries are, for this CuPy and these sources."""
    read = [(HERE / name).read_bytes() for name in SOURCES]
    key = hashlib.sha256(repr((version("cupy-cuda13x"), read)).encode()).hexdigest()[:12]
    return Path(sys.prefix) / "fake_cuda" / key


def build() -> Path:
    """The folder of the libraries, made now where it is not there yet."""
    ready = folder()
    if ready.is_dir():
        return ready
    ready.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ready.parent) as folder_name:
        partial = Path(folder_name) / "libraries"
        partial.mkdir()
        _build_in(partial)
        if not ready.is_dir():  # another process may have been faster
            partial.rename(ready)
    return ready


def _build_in(partial: Path) -> None:
    _compile(partial, "driver.cpp", "libcuda.so.1")
    cublas = _module("cuda/libs/cublas")
    (partial / "cublas_stubs.cpp").write_text(_stubs(cublas, "cublas", HERE / "cublas.cpp"))
    (partial / "cublas.map").write_text("libcublas.so.13 { *; };\n")
    extra = [str(partial / "cublas_stubs.cpp"), f"-Wl,--version-script={partial / 'cublas.map'}"]
    _compile(partial, "cublas.cpp", "libcublas.so.13", *extra, "-lcuda_fake")
    (partial / "nothing.cpp").write_text("")  # cuBLAS asks for it, and calls nothing of it
    _compile(partial, partial / "nothing.cpp", "libcublasLt.so.13")
    nvrtc.precompile(partial)
    generated = _runtime_as_cpp(partial)
    # Linked to nothing, it shows which functions of the runtime it calls.
    _compile(partial, generated, "runtime.so", *_for_runtime(partial))
    stubs = _stubs(partial / "runtime.so", "cuda", HERE / "runtime.cpp")
    (partial / "runtime_stubs.cpp").write_text(stubs)
    extra = [str(partial / "runtime_stubs.cpp"), "-lcuda_fake"]
    _compile(partial, "runtime.cpp", "libcudart.so.13", *extra)


def _compile(into: Path, source: str | Path, library: str, *options: str) -> None:
    command = [
        *(str(cuda_emulator.compiler()), "-std=c++17", "-O2", "-w", "-fPIC", "-shared"),
        *(str(HERE / source), f"-I{HERE}", f"-I{cuda_include()}", "-o", str(into / library)),
        *(f"-Wl,-soname,{library}", f"-L{into}", *options),
    ]
    if library == "libcublas.so.13":
        command += ["-O3"]
    subprocess.run(command, check=True)
    if library == "libcuda.so.1":
        (into / "libcuda_fake.so").symlink_to(library)


def _for_runtime(into: Path) -> list[str]:
    include = sysconfig.get_path("include")
    return [f"-I{include}", f"-I{into / 'source'}", "-DCUPY_CUDA_VERSION=13000"]


def _runtime_as_cpp(into: Path) -> Path:
    """CuPy's module of the runtime, translated by Cython from the installed version's source.

    pip asks CuPy about its build before it hands out the source; for a build with stubs CuPy wants
    no CUDA then.
    """
    from Cython.Compiler.Main import CompilationOptions, compile, default_options

    requirement = f"cupy=={version('cupy-cuda13x')}"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    command += ["--no-deps", "--no-binary", "cupy", "--dest", str(into), requirement]
    subprocess.run(command, check=True, env={**os.environ, "CUPY_INSTALL_USE_STUB": "1"})
    with tarfile.open(next(into.glob("cupy-*.tar.gz"))) as archive:
        archive.extractall(into)
    source = next(path for path in into.glob("cupy-*") if path.is_dir())
    source = source.rename(into / "source")
    options = CompilationOptions(
        default_options,
        cplus=True,
        include_path=[str(source)],
        output_file=str(source / f"{RUNTIME}.cpp"),
        compiler_directives={"language_level": 3},
        errors_to_stderr=False,
        compile_time_env={
            "CUPY_CUDA_VERSION": 13000,
            "CUPY_HIP_VERSION": 0,
            "CUPY_USE_CUDA_PYTHON": False,
            "CUPY_CYTHON_VERSION": version("Cython"),
            "CUPY_CUFFT_STATIC": False,
            "CUPY_DTYPE_BFLOAT16": False,
        },
    )
    before = Path.cwd()
    os.chdir(source)  # Cython names the module after its path from here
    try:
        result = compile(f"{RUNTIME}.pyx", options=options)
    finally:
        os.chdir(before)
    if result.num_errors:
        raise RuntimeError("Cython cannot translate CuPy's runtime.pyx")
    return source / f"{RUNTIME}.cpp"


def _module(path: str) -> Path:
    """The file of a compiled module of CuPy's, found without importing what leads there."""
    package = find_spec("cupy_backends")
    assert package is not None and package.submodule_search_locations
    return next(Path(package.submodule_search_locations[0]).glob(f"{path}.*.so"))


def _stubs(library: Path, prefix: str, written: Path) -> str:
    """A function for each that the library calls and nobody wrote; it says "not supported"."""
    command = ["nm", "-D", "--undefined-only", str(library)]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    called = sorted(set(re.findall(rf"\b({prefix}[A-Z]\w*)", listed)))
    text = written.read_text()
    text += re.sub(r"cublas##letter##(\w+)", r"cublasS\1( cublasD\1(", text)
    there = set(re.findall(rf"\b({prefix}[A-Z]\w*)\(", text))
    answer = NOT_SUPPORTED[prefix]
    lines = [
        f'int {name}() {{ fprintf(stderr, "fake CUDA: {name} is not there\\n"); return {answer}; }}'
        for name in called
        if name not in there
    ]
    return '#include <cstdio>\nextern "C" {\n' + "\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    print(f"the fake CUDA is in {build()}")
