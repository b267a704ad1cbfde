"""1x1 convolution on CUDA: an image at a time, all images at once, with a stride."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import check_on_cuda
from cuda_kernels import needs_compiler

from minicv.backend.cuda import convolution_pointwise as pointwise

pytestmark = needs_compiler
CASES = [
    Case((3, 5, 4, 7), (6, 5, 1, 1)),
    Case((1, 5, 3, 3), (2, 5, 1, 1)),
    Case((2, 5, 7, 9), (6, 5, 1, 1), stride=(2, 3)),
    Case((2, 5, 1, 1), (6, 5, 1, 1), stride=(2, 2)),
    Case((2, 1, 4, 4), (1, 1, 1, 1), dilation=(2, 1)),
    Case((0, 5, 4, 7), (6, 5, 1, 1)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("large", [0, pointwise.LARGE])
@pytest.mark.parametrize("case", CASES)
def test_as_on_the_cpu(case, large, dtype, monkeypatch):
    monkeypatch.setattr(pointwise, "LARGE", large)
    check_on_cuda(case, dtype, "pointwise")


@pytest.mark.parametrize("images", [1, 3])
def test_a_map_larger_than_its_windows_reach(images, monkeypatch):
    """As transposed convolution with output padding has it: the last row and column get zero."""
    from cuda_kernels import check_kernel

    monkeypatch.setattr(pointwise, "LARGE", 0)
    case = Case((images, 5, 3, 4), (6, 5, 1, 1), dilation=(2, 2))
    x = np.random.default_rng(1).normal(size=(images, 5, 4, 5))
    check_kernel("conv2d_grad_input", case.grad, case.weight, x.shape, *case.options)
    check_kernel("conv2d_grad_weight", case.grad, x, case.weight.shape, *case.options)
