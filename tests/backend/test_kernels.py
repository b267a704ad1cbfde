"""The table of kernels: which backend answers, and that each has all of them."""

from __future__ import annotations

from types import ModuleType

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import cpu, cuda, kernels_of
from minicv.backend.cpu import KERNELS


def test_host_arrays_get_the_cpu_kernels():
    assert kernels_of(np.zeros(2)) is cpu
    assert kernels_of(np.zeros(2), None, 1.0) is cpu


def test_device_arrays_get_the_cuda_kernels():
    assert kernels_of(cupy.asarray(np.zeros(2))) is cuda


def test_mixed_devices_are_refused():
    with pytest.raises(TypeError, match="arrays live on different devices"):
        kernels_of(np.zeros(2), cupy.asarray(np.zeros(2)))


@pytest.mark.parametrize("backend", [cpu, cuda])
def test_each_backend_has_every_kernel(backend: ModuleType):
    assert set(KERNELS) <= set(backend.__all__)
    assert all(callable(getattr(backend, name)) for name in KERNELS)


def test_table_is_sorted_and_without_doubles():
    assert list(KERNELS) == sorted(set(KERNELS))
