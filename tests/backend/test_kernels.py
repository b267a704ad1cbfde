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


def test_both_backends_have_the_same_kernels():
    assert cpu.__all__ == cuda.__all__ and len(cpu.__all__) > 20
    for backend in (cpu, cuda):
        assert all(callable(getattr(backend, name)) for name in backend.__all__)


def test_names_are_sorted_and_without_doubles():
    assert cpu.__all__ == sorted(set(cpu.__all__))
