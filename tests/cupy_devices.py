"""What tests of device code run on: the strict stand-in for CuPy, and CuPy where a GPU works.

``@pytest.mark.parametrize("cupy", CUPYS)`` gives a test both. Without a GPU the second is missing;
its reason comes once, in tests/test_gpu.py. CuPy itself is imported only where it can be used.
"""

import importlib

import cupy_stand_in
import pytest

from minicv.backend import gpu_status

CUPYS = [pytest.param(cupy_stand_in, id="cupy stand-in")]
if gpu_status()[0]:
    CUPYS.append(pytest.param(importlib.import_module("cupy"), id="cupy", marks=pytest.mark.gpu))
