"""Kernels are checked on the stand-in, and on CuPy where there is a GPU."""

import pytest
from cuda_kernels import kernels_on
from cupy_devices import CUPYS


@pytest.fixture(autouse=True, params=CUPYS)
def cupy(request):
    with kernels_on(request.param):
        yield request.param
