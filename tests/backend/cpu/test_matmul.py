"""The blocked matrix product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from minicv.backend.cpu.matmul import BLOCK_OPERATIONS, matmul
from minicv.testing import strategies


@given(sizes=strategies.distinct_sizes(3, 0, 9), seed=strategies.seeds(), data=st.data())
def test_equals_numpy_for_any_sizes_and_layouts(sizes, seed, data):
    m, k, p = sizes
    rng = np.random.default_rng(seed)
    a = data.draw(strategies.layouts(rng.normal(size=(m, k)))) if m * k else np.zeros((m, k))
    b = data.draw(strategies.layouts(rng.normal(size=(k, p)))) if k * p else np.zeros((k, p))
    np.testing.assert_allclose(matmul(a, b), a @ b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(401, 300, 203), (203, 300, 401), (1, 4100, 4000)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_products_in_blocks(shape, dtype):
    m, k, p = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(p, k)).astype(dtype).T
    product = matmul(a, b)
    assert product.dtype == dtype and product.shape == (m, p)
    assert m * k * p > 2 * BLOCK_OPERATIONS  # so there were blocks
    tolerance = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(product, a @ b, atol=tolerance)
    in_rows = np.ascontiguousarray(b)
    np.testing.assert_allclose(matmul(a, in_rows), a @ b, atol=tolerance)
    turned = np.asfortranarray(a)
    np.testing.assert_allclose(matmul(turned, in_rows), a @ b, atol=tolerance)


@given(sizes=strategies.distinct_sizes(5, 1, 9), seed=strategies.seeds(), data=st.data())
def test_a_stack_of_matrices_on_either_side(sizes, seed, data):
    *stack, m, k, p = sizes
    rng = np.random.default_rng(seed)
    one, many = (
        rng.normal(size=(m, k)),
        data.draw(strategies.layouts(rng.normal(size=(*stack, k, p)))),
    )
    np.testing.assert_allclose(matmul(one, many), one @ many, rtol=1e-12, atol=1e-14)
    turned = many.swapaxes(-1, -2)  # (..., p, k)
    np.testing.assert_allclose(matmul(turned, one.T), turned @ one.T, rtol=1e-12, atol=1e-14)


def test_stacks_in_several_blocks_and_of_nothing():
    rng = np.random.default_rng(0)
    one, many = rng.normal(size=(200, 300)), rng.normal(size=(7, 300, 201))
    assert 2 * BLOCK_OPERATIONS < 7 * 200 * 300 * 201
    np.testing.assert_allclose(matmul(one, many), one @ many, atol=1e-9)
    assert matmul(one, many[:0]).shape == (0, 200, 201)
    assert matmul(one[:, :0], np.ones((2, 0, 3))).tolist() == np.zeros((2, 200, 3)).tolist()


def test_other_products_go_to_numpy():
    a, b = np.ones((2, 3, 4)), np.ones((2, 4, 5))
    np.testing.assert_array_equal(matmul(a, b), a @ b)
    np.testing.assert_array_equal(matmul(a[0], np.ones(4)), a[0] @ np.ones(4))
    with pytest.raises(ValueError, match="matmul"):
        matmul(np.ones((2, 3)), np.ones((2, 3)))


def test_the_threads_of_blas_are_as_before():
    before = [library["num_threads"] for library in threadpool_info()]
    matmul(np.ones((400, 400)), np.ones((400, 400)))
    assert [library["num_threads"] for library in threadpool_info()] == before
