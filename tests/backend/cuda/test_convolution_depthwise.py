"""Depthwise convolution on CUDA: strips of outputs, and sums over shares of the windows."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import algorithms_of, check_on_cuda
from cuda_kernels import check_kernel, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cuda import convolution_depthwise as depthwise
from minicv.testing import strategies

pytestmark = needs_compiler
# (kernel, stride, dilation): few kinds, for each is compiled.
KINDS = [
    ((3, 3), (1, 1), (1, 1)),
    ((3, 3), (2, 2), (1, 1)),
    ((2, 5), (1, 2), (3, 1)),
    ((5, 4), (3, 1), (1, 2)),
]


@st.composite
def cases(draw):
    kernel, stride, dilation = draw(st.sampled_from(KINDS))
    n, c = draw(strategies.distinct_sizes(2, high=4))
    padding = (draw(st.integers(0, 5)), draw(st.integers(0, 3)))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p + draw(st.integers(0, 11)))
        for d, k, p in zip(dilation, kernel, padding, strict=True)
    )
    c += 1  # a single channel is an ordinary convolution
    return Case((n, c, *size), (c, 1, *kernel), stride, padding, dilation, groups=c)


@given(cases(), st.sampled_from([np.float32, np.float64]))
def test_as_on_the_cpu(case, dtype):
    assert "depthwise" in algorithms_of(case)
    check_on_cuda(case, dtype, "depthwise")


def test_sums_over_several_shares(monkeypatch):
    monkeypatch.setattr(depthwise, "WINDOWS_EACH", 1)
    check_on_cuda(Case((2, 3, 20, 21), (3, 1, 3, 3), padding=(1, 1), groups=3))
    monkeypatch.setattr(depthwise, "BLOCKS", 20)  # two shares for 9 rows of kernels
    check_on_cuda(Case((2, 3, 20, 21), (3, 1, 3, 3), padding=(1, 1), groups=3))


@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_a_map_larger_than_its_windows_reach(stride):
    """As transposed convolution with output padding has it."""
    case = Case((2, 3, 7, 8), (3, 1, 3, 3), stride, padding=(1, 1), dilation=(2, 2), groups=3)
    x = np.random.default_rng(1).normal(size=(2, 3, 8, 9))
    check_kernel("conv2d_grad_input", case.grad, case.weight, x.shape, *case.options)
    check_kernel("conv2d_grad_weight", case.grad, x, case.weight.shape, *case.options)


def test_a_batch_of_no_images_and_kernels_of_too_many_taps():
    check_on_cuda(Case((0, 3, 7, 8), (3, 1, 3, 3), padding=(1, 1), groups=3))
    large = Case((1, 2, 9, 10), (2, 1, 8, 7), padding=(3, 3), groups=2)
    assert "depthwise" not in algorithms_of(large)
    check_on_cuda(large)
