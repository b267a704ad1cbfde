"""Resizing on CUDA is that on the CPU, infinity and NaN included."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cuda
from minicv.functional.resize_bilinear import interpolation_matrix
from minicv.testing import strategies

pytestmark = needs_compiler


@given(
    sizes=strategies.distinct_sizes(6, high=9),
    transposed=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    holes=st.sampled_from([[], [np.nan], [np.inf], [np.nan, np.inf, -np.inf]]),
    align=st.booleans(),
    seed=strategies.seeds(),
)
def test_equals_the_cpu(sizes, transposed, dtype, holes, align, seed):
    n, c, *old_and_new = sizes
    old, new = old_and_new[:2], old_and_new[2:]
    matrices = [
        interpolation_matrix(length, new_length, align, np).astype(dtype)
        for length, new_length in zip(old, new, strict=True)
    ]
    if transposed:
        old, matrices = new, [np.ascontiguousarray(matrix.T) for matrix in matrices]
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, c, *old)).astype(dtype)
    for value in holes:
        x[tuple(rng.integers(0, length) for length in x.shape)] = value
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    check_kernel("resize_maps", x, *matrices, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("count", [pytest.param(0, marks=pytest.mark.launches_nothing), 3])
def test_arrays_with_gaps_and_none_at_all(count):
    x = np.random.default_rng(0).normal(size=(5, 4, 2, count)).transpose(3, 2, 0, 1)
    rows, columns = (interpolation_matrix(length, 7, False, np) for length in (5, 4))
    check_kernel("resize_maps", x, rows, columns)


def test_nobody_waits():
    x, rows = cupy.asarray(np.ones((1, 2, 3, 3))), cupy.asarray(np.eye(3))
    with cupy.recorded_synchronisations() as reasons:
        cuda.resize_maps(x, rows, rows)
    assert reasons == []
