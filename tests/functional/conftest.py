"""Every test of an operation runs on NumPy, and on CUDA: emulated, and for real where there is one.

Without a GPU the last comes as a single skipped test, with the reason (tests/test_gpu.py).
"""

import cuda_emulator
import cupy_stand_in
import pytest
from functions_on_a_device import run_functions_on

from minicv.backend import gpu_status

DEVICES = ["numpy", "cupy stand-in"]
if gpu_status()[0]:
    DEVICES.append(pytest.param("cupy", marks=pytest.mark.gpu))


def pytest_collection_modifyitems(config, items):
    """What only the host can check, such as a label that is out of range, is asked of it alone."""
    elsewhere = [
        item
        for item in items
        if item.get_closest_marker("host_only") and item.callspec.params.get("device") != "numpy"
    ]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(autouse=True, params=DEVICES)
def device(request, monkeypatch):
    if request.param == "cupy stand-in":
        if cuda_emulator.compiler() is None:
            pytest.skip("no C++ compiler to run CUDA kernels without a GPU")
        run_functions_on(cupy_stand_in, monkeypatch)
    elif request.param == "cupy":
        import cupy

        run_functions_on(cupy, monkeypatch)
    return request.param
