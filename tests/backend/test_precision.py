"""The switch to TF32: what it says, what it tells CuPy, and that it is put back."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minicv.backend import DeviceError, matmul_precision, precision
from minicv.backend.precision import current_matmul_precision


@pytest.fixture
def cupy(monkeypatch):
    """As much of CuPy as the switch may touch, and a GPU to go with it."""
    modules = {}
    names = ("cupy", "cupy._core", "cupy._core._routines_linalg", "cupy_backends")
    for name in (*names, "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        modules[name] = ModuleType(name)
        modules[name].__path__ = []
    modules["cupy"].__version__ = "0.1"
    modules["cupy_backends.cuda.libs.cublas"] = ModuleType("cupy_backends.cuda.libs.cublas")
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(precision, "gpu_status", lambda: (True, "a GPU"))
    return modules


def test_it_nests_and_ends_with_an_error():
    assert current_matmul_precision() == "float32"
    with pytest.raises(ZeroDivisionError), matmul_precision("tf32"):
        with matmul_precision("float32"):
            assert current_matmul_precision() == "float32"
        assert current_matmul_precision() == "tf32"
        raise ZeroDivisionError
    assert current_matmul_precision() == "float32"


def test_a_name_that_is_none():
    message = "matmul_precision: there is no precision 'half'; choose one of float32, tf32"
    with pytest.raises(ValueError, match=message), matmul_precision("half"):
        pass


def test_the_type_that_cupy_computes_in(cupy):
    types = {np.float32: "as it was"}
    cupy["cupy._core"].get_compute_type = types.get
    cupy["cupy._core"].set_compute_type = types.__setitem__
    cupy["cupy._core._routines_linalg"].COMPUTE_TYPE_FP32 = "fp32"
    cupy["cupy._core._routines_linalg"].COMPUTE_TYPE_TF32 = "tf32"
    with matmul_precision("tf32"):
        assert types == {np.float32: "tf32"}
        with matmul_precision("float32"):
            assert types == {np.float32: "fp32"}
        assert types == {np.float32: "tf32"}
    assert types == {np.float32: "as it was"}


def test_failing_that_the_mode_of_cublas(cupy):
    modes = {"handle": 0}
    device = SimpleNamespace(get_cublas_handle=lambda: "handle")
    cupy["cupy"].cuda = SimpleNamespace(device=device)
    cupy["cupy_backends.cuda.libs.cublas"].getMathMode = modes.get
    cupy["cupy_backends.cuda.libs.cublas"].setMathMode = modes.__setitem__
    with matmul_precision("tf32"):
        assert modes == {"handle": 3}
    assert modes == {"handle": 0}


def test_a_cupy_that_cannot_be_told(cupy):
    message = r"CuPy 0.1 has neither .*; install CuPy 13 or 14"
    with pytest.raises(DeviceError, match=message), matmul_precision("tf32"):
        pass
    assert current_matmul_precision() == "float32"
