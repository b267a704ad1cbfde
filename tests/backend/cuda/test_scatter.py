"""Scattering and gathering on CUDA: as on the CPU, and in order where that is asked for."""

import numpy as np
from cuda_kernels import check_in_order, check_kernel, cupy_in_use, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import cuda, use_deterministic

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
SEEDS = st.integers(0, 1000)


@given(
    st.integers(0, 12), st.integers(1, 5), st.sampled_from([(), (1,), (3,), (2, 0)]), DTYPES, SEEDS
)
def test_scatter_add(count, length, row, dtype, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, *row)).astype(dtype)
    index = rng.integers(0, length, count)
    for check in (check_kernel, check_in_order):
        check("scatter_add", values, index, length, **CLOSE)


@given(st.integers(0, 3), st.integers(0, 300), st.integers(1, 40), DTYPES, SEEDS)
def test_maps(maps, count, size, dtype, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, maps, count)).astype(dtype)
    indices = rng.integers(0, size, values.shape).astype(rng.choice([np.int32, np.int64, np.int16]))
    for check in (check_kernel, check_in_order):
        check("scatter_to_maps", values, indices, size, rtol=1e-4, atol=1e-4)
    whole = rng.normal(size=(2, maps, size)).astype(dtype)
    check_kernel("gather_from_maps", whole, indices, rtol=0, atol=0)


def test_sums_in_the_order_in_which_the_values_stand():
    """1e8 swallows a 1 in float32, so the sum tells in which order it was made."""
    values = np.ones((1, 600), np.float32)
    values[0, [0, 300]] = 1e8, -1e8
    sum_ = np.float32(0)
    for value in values[0]:
        sum_ += value
    index = np.zeros(600, np.int64)
    maps = check_in_order("scatter_to_maps", values, index[None], 2, rtol=1, atol=1000)
    assert maps[0, 0] == sum_
    rows = check_in_order("scatter_add", values[0, :, None], index, 2, rtol=1, atol=1000)
    assert rows[0, 0] == sum_


def test_arrays_with_gaps():
    rng = np.random.default_rng(0)
    values, index = rng.normal(size=(3, 10)).T[::2], rng.integers(0, 4, 10)[::2]
    check_kernel("scatter_add", values, index, 4)
    maps, positions = rng.normal(size=(7, 2)).T, rng.integers(0, 7, (3, 2)).T
    check_kernel("gather_from_maps", maps, positions)
    check_kernel("scatter_to_maps", rng.normal(size=(3, 2)).T, positions, 7)


def test_positions_off_the_map_are_passed_over():
    cupy = cupy_in_use()
    values = cupy.asarray(np.array([[1.0, 2.0, 4.0, 8.0]]))
    positions = cupy.asarray(np.array([[1, -1, 3, 1]]))
    assert cuda.scatter_to_maps(values, positions, 3).get().tolist() == [[0, 9, 0]]
    with use_deterministic():
        assert cuda.scatter_to_maps(values, positions, 3).get().tolist() == [[0, 9, 0]]
    maps = cupy.asarray(np.array([[5.0, 6.0, 7.0]]))
    assert cuda.gather_from_maps(maps, positions).get().tolist() == [[6, 0, 0, 6]]
