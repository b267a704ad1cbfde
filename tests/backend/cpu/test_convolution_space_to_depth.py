"""Strided convolution by space-to-depth, against im2col."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import convolution_space_to_depth as space_to_depth
from minicv.testing import strategies


def agrees(case):
    fast = (
        space_to_depth.forward(case.layer, case.x, case.weight),
        space_to_depth.grad_input(case.layer, case.grad, case.weight),
        space_to_depth.grad_weight(case.layer, case.grad, case.x),
    )
    for array, exact in zip(fast, case.run(np.float64), strict=True):
        assert array.shape == exact.shape and array.flags.c_contiguous
        np.testing.assert_allclose(array, exact, rtol=1e-10, atol=1e-10)


@given(st.data())
def test_all_three_kernels(data):
    n, c, o = (data.draw(st.integers(1, 3)) for _ in range(3))
    kernel, stride = ([data.draw(st.integers(1, 7)) for _ in range(2)] for _ in range(2))
    padding = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    extra = data.draw(strategies.distinct_sizes(2, low=0, high=9))
    size = (max(1, k - 2 * p + e) for k, p, e in zip(kernel, padding, extra, strict=True))
    agrees(Case((n, c, *size), (o, c, *kernel), stride=tuple(stride), padding=padding))


@pytest.mark.parametrize("strip_bytes", [1, 1 << 14])
def test_several_blocks(strip_bytes, monkeypatch):
    monkeypatch.setattr(space_to_depth, "STRIP_BYTES", strip_bytes)
    monkeypatch.setattr(space_to_depth, "MOST_SUMS", 2)
    agrees(Case((1, 2, 64, 70), (3, 2, 4, 4), stride=(2, 2), padding=(1, 1)))
    agrees(Case((5, 2, 24, 20), (3, 2, 4, 4), stride=(2, 2), padding=(1, 1)))


@pytest.mark.parametrize("kernel", [32, 27, 16, 11])
def test_long_strides_move_rows_of_cells(kernel):
    """Of a kernel of 27 or 11, the last cells are covered in part."""
    agrees(Case((2, 2, 96, 75), (3, 2, kernel, kernel), stride=(16, 16), padding=(8, 3)))


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 12, 15), (4, 3, 4, 4), stride=(2, 2), padding=(1, 1))
    case.x, case.weight = np.asfortranarray(case.x), case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, ::-1]
    agrees(case)
