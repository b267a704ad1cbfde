"""Where an array lives, and how it moves: NumPy on the CPU, CuPy on a CUDA device.

Code that is plain array mathematics asks the array itself, ``xp = xp_of(x)``, and writes
``xp.exp(x)``: the same line runs on both. CuPy is imported only when a device array is asked for.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import re
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

Array = Any  # a numpy.ndarray or a cupy.ndarray

_ARRAY_MODULES: dict[str, str] = {"numpy": "numpy", "cupy": "cupy"}


class DeviceError(RuntimeError):
    """A device was asked for that cannot be used; the message says why and what to do."""


def xp_of(*arrays: Array) -> ModuleType:
    """The array module, ``numpy`` or ``cupy``, that all given arrays belong to.

    None, Python scalars and NumPy scalars belong to every module and are ignored; without any array
    the answer is ``numpy``.

    Raises:
        TypeError: an argument is no array, or the arrays live on different devices.

    >>> xp_of(np.zeros(3), 2.0).__name__
    'numpy'
    """
    root = None
    for array in arrays:
        kind = type(array)
        if kind is np.ndarray and root in (None, "numpy"):
            root = "numpy"
            continue
        if array is None or isinstance(array, (bool, int, float, complex, np.generic)):
            continue
        found = "numpy" if isinstance(array, np.ndarray) else kind.__module__.partition(".")[0]
        if found not in _ARRAY_MODULES:
            raise TypeError(
                f"xp_of: expected a NumPy or CuPy array but got {kind.__module__}.{kind.__name__}; "
                "convert it with numpy.asarray, or take .data of a Tensor"
            )
        if root is not None and found != root:
            raise TypeError(
                f"xp_of: arrays live on different devices ({root} and {found}); "
                "move them to one with minicv.backend.to_device"
            )
        root = found
    if root is None or root == "numpy":
        return np
    return sys.modules[_ARRAY_MODULES[root]]


def register_array_module(root: str, module_name: str) -> None:
    """Let ``xp_of`` answer ``module_name`` for array types defined in the module ``root``.

    This is how a stand-in for CuPy enters the tests; the module must be imported already.
    """
    _ARRAY_MODULES[root] = module_name


def to_numpy(array: Array) -> np.ndarray:
    """The same values in host memory; a NumPy array is returned as it is, without a copy.

    >>> to_numpy(np.arange(3)).tolist()
    [0, 1, 2]
    """
    if hasattr(array, "get") and not isinstance(array, np.ndarray):
        return array.get()
    return np.asarray(array)


def sent_together(arrays: Sequence[np.ndarray], like: Array) -> list[Array]:
    """Arrays of the host on the device of ``like``; to a GPU they travel as one, of one dtype.

    >>> [array.tolist() for array in sent_together([np.arange(2), np.arange(1)], like=np.zeros(1))]
    [[0, 1], [0]]
    """
    xp = xp_of(like)
    if xp is np:
        return list(arrays)
    whole = xp.asarray(np.concatenate([array.reshape(-1) for array in arrays]))
    ends = itertools.accumulate((array.size for array in arrays), initial=0)
    parts = [slice(start, end) for start, end in itertools.pairwise(ends)]
    return [whole[part].reshape(a.shape) for part, a in zip(parts, arrays, strict=True)]


def received_together(arrays: Sequence[Array]) -> list[np.ndarray]:
    """`to_numpy` of several arrays of one device, of any dtypes; the host waits once for all.

    >>> [array.tolist() for array in received_together([np.arange(2), np.array([0.5])])]
    [[0, 1], [0.5]]
    """
    xp = xp_of(*arrays)
    if xp is np:
        return [to_numpy(array) for array in arrays]
    parts = [xp.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
    whole = to_numpy(xp.concatenate(parts))
    ends = itertools.accumulate((part.size for part in parts), initial=0)
    return [
        whole[start:end].copy().view(array.dtype).reshape(array.shape)
        for array, (start, end) in zip(arrays, itertools.pairwise(ends), strict=True)
    ]


def to_device(array: Array, device: str | None = None) -> Array:
    """The same values on ``device``: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"auto"``.

    ``None`` reads the environment variable ``MINICV_DEVICE`` and falls back to the CPU. A CUDA
    device becomes the current one of this thread: that is where CuPy makes new arrays and kernels
    run. So a program computes on one device at a time.

    Raises:
        DeviceError: CUDA was asked for and cannot be used, or there is no device of that number.
        ValueError: the name is none of the four.

    >>> to_device(np.arange(3), "cpu").tolist()
    [0, 1, 2]
    """
    name = resolve_device(device)
    if name == "cpu":
        return to_numpy(array)
    cupy = importlib.import_module("cupy")
    cupy.cuda.Device(int(name.partition(":")[2])).use()
    return cupy.asarray(array)


def resolve_device(device: str | None = None) -> str:
    """``"cpu"`` or ``"cuda:N"`` for a requested device, after checking that it can be used.

    ``"auto"`` takes CUDA where `gpu_status` says yes and the CPU otherwise. None asks the
    environment variable ``MINICV_DEVICE``, and means the CPU where that is not set.

    Raises:
        DeviceError, ValueError: as `to_device`.

    >>> resolve_device("cpu")
    'cpu'
    """
    if device is None:
        asked_by, requested = "MINICV_DEVICE", os.environ.get("MINICV_DEVICE", "cpu")
    else:
        asked_by, requested = "device", device
    match = re.fullmatch(r"(cpu|auto|cuda)(?::(\d+))?", requested.lower())
    if match is None or (match[1] != "cuda" and match[2] is not None):
        raise ValueError(
            f"{asked_by}: expected 'cpu', 'cuda', 'cuda:N' or 'auto' but got {requested!r}"
        )
    if match[1] == "cpu":
        return "cpu"
    number = int(match[2] or 0)
    usable, reason = gpu_status()
    if usable and number > 0:
        count = importlib.import_module("cupy").cuda.runtime.getDeviceCount()
        if number >= count:
            raise DeviceError(
                f"{asked_by}: {requested!r} does not exist; there are {count} CUDA devices, "
                f"cuda:0 to cuda:{count - 1}"
            )
        usable, reason = gpu_status(number)
    if usable:
        return f"cuda:{number}"
    if match[1] == "auto":
        return "cpu"
    raise DeviceError(
        f"{asked_by}: {requested!r} cannot be used: {reason}; install the CuPy that "
        "matches the driver, pip install 'cupy-cuda12x[ctk]' or 'cupy-cuda13x[ctk]', or use "
        "--device cpu"
    )


@functools.cache
def gpu_status(number: int = 0) -> tuple[bool, str]:
    """Whether a CUDA device can really be used, and the reason if not (or its name if so).

    Args:
        number: of the device.

    A driver alone is not enough: this compiles and launches a kernel (NVRTC), runs an elementwise
    operation (CUDA headers), multiplies two matrices (cuBLAS) and copies the result back, because
    each of them fails alone on some installation. Never called at import; the answer is remembered.

    >>> usable, reason = gpu_status()
    >>> isinstance(usable, bool) and len(reason) > 0
    True
    """
    try:
        with warnings.catch_warnings():  # CuPy also warns where it works
            warnings.simplefilter("ignore")
            return _try_gpu(number)
    except Exception as error:  # driver, NVRTC, headers and cuBLAS each raise their own type
        return False, f"{type(error).__name__}: {_first_line(error)}"


def _try_gpu(number: int) -> tuple[bool, str]:
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # a broken installation raises more than ImportError
        return False, f"CuPy cannot be imported ({type(error).__name__}: {_first_line(error)})"
    if cupy.cuda.runtime.getDeviceCount() < 1:
        return False, "no CUDA device is visible"
    source = 'extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2.0f; }'
    with cupy.cuda.Device(number):
        doubled = cupy.arange(4, dtype=cupy.float32)
        cupy.RawKernel(source, "twice")((1,), (4,), (doubled,))
        shifted = (doubled + 1).reshape(2, 2)  # [[1, 3], [5, 7]]
        product = cupy.asnumpy(shifted @ shifted)
    if not np.array_equal(product, [[16.0, 24.0], [40.0, 64.0]]):
        return False, f"a 2x2 matrix product on the device came out wrong: {product.tolist()}"
    properties = cupy.cuda.runtime.getDeviceProperties(number)
    return True, properties["name"].decode()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0][:160]
