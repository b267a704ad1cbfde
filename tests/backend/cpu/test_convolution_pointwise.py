"""1x1 convolution as a plain matrix product, against the exact path."""

import pytest
from convolution_cases import Case

from minicv.backend import use_conv_algorithm
from minicv.backend.cpu import convolution_pointwise as pointwise


@pytest.mark.parametrize(
    "case",
    [
        Case((1, 5, 7, 9), (3, 5, 1, 1)),
        Case((2, 5, 7, 9), (3, 5, 1, 1), stride=(2, 3)),  # a last row and columns nobody picks
        Case((3, 1, 1, 1), (1, 1, 1, 1)),
        Case((1, 3, 70, 90), (2, 3, 1, 1)),  # several blocks of columns
        Case((2, 4, 3, 2), (1100, 4, 1, 1)),  # several blocks of output channels
    ],
)
def test_all_three_kernels(case):
    with use_conv_algorithm("pointwise"):
        assert case.algorithm() == "pointwise"
        assert max(case.errors()) < 2e-6


def test_the_cases_above_reach_several_blocks():
    assert pointwise.COLUMNS < 70 * 90 and pointwise.ROWS < 1100


def test_an_image_and_a_kernel_in_other_memory():
    case = Case((2, 5, 7, 9), (3, 5, 1, 1))
    case.x = case.x.transpose(0, 1, 3, 2).copy().transpose(0, 1, 3, 2)
    case.weight = case.weight[::-1, ::-1]
    case.grad = case.grad[:, ::-1]
    with use_conv_algorithm("pointwise"):
        assert max(case.errors()) < 2e-6
