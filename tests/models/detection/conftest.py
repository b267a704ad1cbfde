"""Every array function of the detectors runs on NumPy and on the strict stand-in for CuPy."""

import cupy_stand_in
import numpy as np
import pytest


@pytest.fixture(scope="session", params=[np, cupy_stand_in], ids=["numpy", "cupy stand-in"])
def xp(request):
    return request.param
