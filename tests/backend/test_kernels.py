"""The table of kernels: which backend answers, and what the one that is not written yet says."""

from __future__ import annotations

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import DeviceError, cpu, cuda, kernels_of
from minicv.backend.cpu import KERNELS


def test_host_arrays_get_the_cpu_kernels():
    assert kernels_of(np.zeros(2)) is cpu
    assert kernels_of(np.zeros(2), None, 1.0) is cpu


def test_device_arrays_get_the_cuda_kernels():
    assert kernels_of(cupy.asarray(np.zeros(2))) is cuda


def test_mixed_devices_are_refused():
    with pytest.raises(TypeError, match="arrays live on different devices"):
        kernels_of(np.zeros(2), cupy.asarray(np.zeros(2)))


WRITTEN_FOR_CUDA = set(cuda.__all__)


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_exists_on_the_cpu_and_is_there_or_announced_for_cuda(name: str):
    assert callable(getattr(cpu, name))
    if name in WRITTEN_FOR_CUDA:
        assert callable(getattr(cuda, name))
        return
    with pytest.raises(DeviceError, match=f"^{name}: this kernel is not written for CUDA yet"):
        getattr(kernels_of(cupy.asarray(np.zeros(2))), name)


def test_table_is_sorted_and_without_doubles():
    assert list(KERNELS) == sorted(set(KERNELS))


def test_unknown_kernel_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no kernel 'no_such_kernel'"):
        _ = cuda.no_such_kernel
