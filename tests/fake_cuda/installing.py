"""Puts the fake CUDA under CuPy, in this process."""

from __future__ import annotations

import ctypes
import importlib
import importlib.abc
import importlib.util
import os
import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import cuda_emulator
import numpy as np

_libraries: dict[str, ctypes.CDLL] = {}


def installed() -> bool:
    """Whether CuPy runs on the fake CUDA in this process."""
    return bool(_libraries)


def library(name: str) -> ctypes.CDLL:
    """One of the fake libraries, after `install`."""
    if not installed():
        raise RuntimeError("fake_cuda: call install() before CuPy is imported")
    return _libraries[name]


def missing() -> str:
    """What this machine lacks for the fake CUDA, as a sentence; empty if it lacks nothing."""
    if sys.platform != "linux":
        return "the fake CUDA is made of Linux's shared libraries"
    if cuda_emulator.compiler() is None or shutil.which("nm") is None:
        return "there is no C++ compiler (g++ and nm) to build the fake CUDA with"
    for module, package in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            return f"{package} is not installed; make test-cupy installs it"
    return ""


_PACKAGES = {"cupy": "cupy-cuda13x", "Cython": "Cython", "nvidia": "nvidia-cuda-runtime"}


def install() -> None:
    """From here on, `import cupy` gives CuPy on the fake CUDA, which is built where it is not yet.

    Raises:
        RuntimeError: CuPy was imported before, or something is `missing`.
    """
    if installed():
        return
    if "cupy" in sys.modules:
        raise RuntimeError("fake_cuda: CuPy was imported already")
    if reason := missing():
        raise RuntimeError(f"fake_cuda: {reason}")
    from fake_cuda.build import build

    folder = build()
    # CUB is compiled for a GPU. And compiled kernels stay beside the libraries, for the next run.
    os.environ["CUPY_ACCELERATORS"] = ""
    os.environ["CUPY_CACHE_DIR"] = str(folder.parent / "kernels")
    cuda_emulator._load_scheduler()
    for name in ("libcuda.so.1", "libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13"):
        _libraries[name] = ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
    sys.meta_path.insert(0, _Runtime(folder / "runtime.so"))
    _compile_with_gpp(folder)
    _sort_with_numpy()


class _Runtime(importlib.abc.MetaPathFinder):
    """Finds the module of the runtime that is linked to the fake one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != "cupy_backends.cuda.api.runtime":
            return None
        return importlib.util.spec_from_file_location(name, self.path)


def _compile_with_gpp(folder: Path) -> None:
    from cupy.cuda import compiler

    from fake_cuda import nvrtc

    nvrtc.precompiled_in = folder
    compiler._NVRTCProgram = nvrtc.Program
    compiler._nvrtc_version = (13, 0)


def _sort_with_numpy() -> None:
    from cupy.cuda import thrust

    from fake_cuda.counting import tell

    def sort(dtype: Any, data: int, keys: int, shape: Any) -> None:
        tell("launch", "thrust::sort")
        values = _memory(data, shape, dtype)
        values[...] = np.sort(values, axis=-1, kind="stable")

    def argsort(dtype: Any, indices: int, data: int, keys: int, shape: Any) -> None:
        tell("launch", "thrust::argsort")
        values, order = _memory(data, shape, dtype), _memory(indices, shape, np.int64)
        order[...] = np.argsort(values, axis=-1, kind="stable")
        values[...] = np.take_along_axis(values, order, -1)

    thrust.sort, thrust.argsort = sort, argsort


def _memory(address: int, shape: Any, dtype: Any) -> np.ndarray:
    """Memory of the device as an array of the host."""
    shape, dtype = tuple(shape), np.dtype(dtype)
    count = int(np.prod(shape))
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)
