"""The gradient of a strided convolution's input, phase by phase, against im2col."""

import numpy as np
import pytest
from convolution_cases import Case, strided_cases
from hypothesis import given

from minicv.backend.cpu import convolution_phases as phases


def agrees(case):
    exact = case.run(np.float64)[1]
    grad_x = phases.grad_input(case.layer, case.grad, case.weight)
    assert grad_x.shape == exact.shape and grad_x.flags.c_contiguous
    np.testing.assert_allclose(grad_x, exact, rtol=1e-10, atol=1e-10)


@given(strided_cases())
def test_equals_im2col(case):
    agrees(case)


@pytest.mark.parametrize("block_bytes", [1, 1 << 14])
@pytest.mark.parametrize("kernel", [3, 4])
def test_several_blocks(kernel, block_bytes, monkeypatch):
    """Of one image the blocks are some rows, and each sees the rows of dL/dy above its own."""
    monkeypatch.setattr(phases, "BLOCK_BYTES", block_bytes)
    agrees(Case((1, 2, 64, 70), (3, 2, kernel, kernel), stride=(2, 2), padding=(1, 1)))
    agrees(Case((5, 2, 24, 21), (3, 2, kernel, kernel), stride=(2, 2), padding=(1, 1)))


def test_many_channels_are_picked_in_blocks():
    agrees(Case((1, 130, 9, 8), (2, 130, 3, 3), stride=(2, 2), padding=(1, 1)))


def test_phases_that_no_window_sees_are_zero():
    """A kernel of 1 at stride 2 sees every second pixel."""
    case = Case((1, 1, 3, 6), (1, 1, 1, 3), stride=(2, 1), padding=(0, 0))
    grad_x = phases.grad_input(case.layer, np.ones_like(case.grad), np.ones_like(case.weight))
    assert grad_x[0, 0].tolist() == [[1, 2, 3, 3, 2, 1], [0] * 6, [1, 2, 3, 3, 2, 1]]


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 12, 15), (4, 3, 4, 4), stride=(2, 2), padding=(1, 1))
    case.weight, case.grad = case.weight[::-1, :, ::-1], case.grad[:, ::-1]
    agrees(case)
