"""A product in which 0 blocks, by the kernel and by the CPU."""

import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler

from minicv.backend import to_numpy
from minicv.backend.cuda import selection as on_cuda
from minicv.backend.selection import product_or_zero

pytestmark = needs_compiler
VALUES = np.array([[0.0, -0.0, 1.5], [np.inf, -np.inf, np.nan]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "factor", [0.0, 2.0, np.inf, np.nan, VALUES[::-1], VALUES[:, ::-1], VALUES[:1]]
)
def test_equals_the_cpu(dtype, factor):
    """Factors that broadcast are left to plain array mathematics."""
    values, factor = VALUES.astype(dtype), np.asarray(factor, dtype)
    found = product_or_zero(cupy.asarray(values), cupy.asarray(factor))
    assert isinstance(found, cupy.ndarray) and found.dtype == dtype
    np.testing.assert_array_equal(to_numpy(found), product_or_zero(values, factor))


@pytest.mark.launches_nothing
def test_what_the_kernel_leaves_alone():
    values = cupy.asarray(VALUES)
    for factor in (values[:1], values.astype(np.float32), values > 0):
        assert on_cuda.product_or_zero(values, factor) is None


@pytest.mark.launches_nothing
def test_no_values():
    none = cupy.asarray(np.zeros((0, 3)))
    assert product_or_zero(none, none).shape == (0, 3)
