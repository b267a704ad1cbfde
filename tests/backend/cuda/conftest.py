"""Kernels are checked on the stand-in, and on CuPy where there is a GPU, or a fake CUDA.

A test that launches nothing on CuPy would be a test of the host twice, so it fails there. What is
about the host alone is marked ``host_only`` and runs once; what is about arrays without elements,
or about refusals of CuPy's arrays, is marked ``launches_nothing``.
"""

from contextlib import nullcontext

import cupy_stand_in
import fake_cuda
import pytest
from cuda_kernels import kernels_on
from cupy_devices import CUPYS


def pytest_collection_modifyitems(config, items):
    """The stand-in is host enough."""
    twice = [
        item
        for item in items
        if item.get_closest_marker("host_only")
        and item.callspec.params.get("cupy") is not cupy_stand_in
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]


@pytest.fixture(autouse=True, params=CUPYS)
def cupy(request):
    counting = request.param is not cupy_stand_in and fake_cuda.installed()
    with kernels_on(request.param), fake_cuda.counted() if counting else nullcontext() as counts:
        yield request.param
    if counting and not request.node.get_closest_marker("launches_nothing"):
        assert any(not name.startswith("cupy_copy") for name in counts.kernels), "nothing launched"
