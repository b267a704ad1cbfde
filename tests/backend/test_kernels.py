"""The kernels: which backend answers, and that both have the same."""

from __future__ import annotations

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import cpu, cuda, kernels_of


def test_host_arrays_get_the_cpu_kernels():
    assert kernels_of(np.zeros(2)) is cpu
    assert kernels_of(np.zeros(2), None, 1.0) is cpu


def test_device_arrays_get_the_cuda_kernels():
    assert kernels_of(cupy.asarray(np.zeros(2))) is cuda


def test_mixed_devices_are_refused():
    with pytest.raises(TypeError, match="arrays live on different devices"):
        kernels_of(np.zeros(2), cupy.asarray(np.zeros(2)))


def kernels_in(backend):
    return {name: kernel for name, kernel in vars(backend).items() if callable(kernel)}


def test_both_backends_have_the_same_kernels():
    assert kernels_in(cpu).keys() == kernels_in(cuda).keys() and len(kernels_in(cpu)) > 20
    for backend in (cpu, cuda):
        for name, kernel in kernels_in(backend).items():
            assert kernel.__name__ == name and kernel.__module__.startswith(backend.__name__)
