"""Every test of an operation runs on NumPy, and on CUDA: emulated, and for real where there is one.

Without a GPU the last comes as a single skipped test, with the reason (tests/test_gpu.py).
"""

import cuda_emulator
import cupy_stand_in
import numpy as np
import pytest
from cuda_kernels import kernels_on
from cupy_devices import CUPYS
from functions_on_a_device import run_functions_on


def pytest_collection_modifyitems(config, items):
    """Tests of what only the host checks, such as a label out of range, run on the host alone."""
    elsewhere = [
        item
        for item in items
        if item.get_closest_marker("host_only") and item.callspec.params.get("device") is not np
    ]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(autouse=True, params=[pytest.param(np, id="numpy"), *CUPYS])
def device(request, monkeypatch):
    """The array module on which operations compute while the test runs."""
    if request.param is cupy_stand_in and cuda_emulator.compiler() is None:
        pytest.skip("no C++ compiler to run CUDA kernels without a GPU")
    if request.param is np:
        yield np
        return
    run_functions_on(request.param, monkeypatch)
    with kernels_on(request.param):
        yield request.param
