"""Strided convolution by space-to-depth, against im2col."""

import numpy as np
import pytest
from convolution_cases import Case, strided_cases
from hypothesis import given

from minicv.backend.cpu import convolution_space_to_depth as space_to_depth


def agrees(case):
    fast = (
        space_to_depth.forward(case.layer, case.x, case.weight),
        space_to_depth.grad_input(case.layer, case.grad, case.weight),
        space_to_depth.grad_weight(case.layer, case.grad, case.x),
    )
    for array, exact in zip(fast, case.run(np.float64), strict=True):
        assert array.shape == exact.shape and array.flags.c_contiguous
        np.testing.assert_allclose(array, exact, rtol=1e-10, atol=1e-10)


@given(strided_cases())
def test_all_three_kernels(case):
    agrees(case)


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
