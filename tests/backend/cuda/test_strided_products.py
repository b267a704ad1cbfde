"""Stacks of matrix products: on the stand-in one by one, on CuPy in one launch of cuBLAS."""

import numpy as np
import pytest
from cuda_kernels import cupy

from minicv.backend import matmul_precision, to_numpy
from minicv.backend.cuda import strided_products as module
from minicv.backend.cuda.strided_products import strided_products

RNG = np.random.default_rng(0)


def products(a, b, dtype, way=lambda matrices: matrices):
    """Of arrays that lie on the device as ``way`` has it, and of their values on the host."""
    a, b = (RNG.normal(size=shape).astype(dtype) for shape in (a, b))
    moved = [cupy.asarray(matrices) for matrices in (a, b)]
    views = [way(matrices) for matrices in (*moved, a, b)]
    out = cupy.asarray(np.full((views[1].shape[0], views[0].shape[-2], views[1].shape[-1]),
                                        np.nan, dtype))  # fmt: skip
    strided_products(*views[:2], out)
    return to_numpy(out), views[2] @ views[3]


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((5, 7), (3, 7, 11)),
        ((3, 5, 7), (3, 7, 11)),
        ((5, 1), (3, 1, 11)),
        ((1, 7), (3, 7, 1)),
        ((3, 1, 7), (3, 7, 11)),
        ((5, 7), (1, 7, 11)),
    ],
)
def test_as_on_the_host(a, b, dtype, rtol):
    found, expected = products(a, b, dtype)
    np.testing.assert_allclose(found, expected, rtol, rtol)


@pytest.mark.parametrize(
    ("a", "b"), [((7, 5), (3, 11, 7)), ((3, 7, 5), (3, 11, 7)), ((1, 5), (3, 1, 1))]
)
def test_transposed_matrices(a, b):
    found, expected = products(a, b, np.float64, lambda matrices: matrices.swapaxes(-1, -2))
    np.testing.assert_allclose(found, expected, 1e-12, 1e-12)


@pytest.mark.host_only
@pytest.mark.parametrize(("a", "b"), [((5, 0), (3, 0, 4)), ((5, 2), (0, 2, 4))])
def test_nothing_to_multiply(a, b):
    found, expected = products(a, b, np.float32)
    np.testing.assert_array_equal(found, expected)


def test_without_cublas_of_cupy_the_products_come_one_by_one(monkeypatch):
    monkeypatch.setattr(module, "_cublas", lambda: None)
    found, expected = products((5, 7), (3, 7, 11), np.float64)
    np.testing.assert_allclose(found, expected, 1e-12)


class Names:
    """Of cuBLAS, with its numbers."""

    CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_64F = 68, 77, 70


@pytest.mark.host_only
@pytest.mark.parametrize(
    ("double", "precision", "expected"),
    [(False, "float32", 68), (False, "tf32", 77), (True, "float32", 70), (True, "tf32", 70)],
)
def test_the_precision_that_cublas_is_asked_for(double, precision, expected):
    with matmul_precision(precision):
        assert module._compute_type(Names, double) == expected
