"""1x1 convolution on CUDA: an image at a time, all images at once, with a stride."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import check_on_cuda, on_device
from cuda_kernels import needs_compiler

from minicv.backend import matmul_precision
from minicv.backend.cuda import convolution_pointwise as pointwise

pytestmark = needs_compiler
CASES = [
    Case((3, 5, 4, 7), (6, 5, 1, 1)),
    Case((1, 5, 3, 3), (2, 5, 1, 1)),
    Case((2, 5, 7, 9), (6, 5, 1, 1), stride=(2, 3)),
    Case((2, 5, 1, 1), (6, 5, 1, 1), stride=(2, 2)),
    Case((2, 1, 4, 4), (1, 1, 1, 1), dilation=(2, 1)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("waste", [1e9, pointwise.MOST_WASTE])
@pytest.mark.parametrize("case", CASES)
def test_as_on_the_cpu(case, waste, dtype, monkeypatch):
    monkeypatch.setattr(pointwise, "MOST_WASTE", waste)
    check_on_cuda(case, dtype, "pointwise")


@pytest.mark.host_only
def test_no_images():
    check_on_cuda(Case((0, 5, 4, 7), (6, 5, 1, 1)), np.float32, "pointwise")


@pytest.mark.parametrize("images", [1, 3])
def test_a_map_larger_than_its_windows_reach(images, monkeypatch):
    """As transposed convolution with output padding has it: the last row and column get zero."""
    from cuda_kernels import check_kernel

    monkeypatch.setattr(pointwise, "MOST_WASTE", 1e9)
    case = Case((images, 5, 3, 4), (6, 5, 1, 1), dilation=(2, 2))
    x = np.random.default_rng(1).normal(size=(images, 5, 4, 5))
    check_kernel("conv2d_grad_input", case.grad, case.weight, x.shape, *case.options)
    check_kernel("conv2d_grad_weight", case.grad, x, case.weight.shape, *case.options)


@pytest.mark.host_only
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 64, 56, 56), True),
        ((8, 64, 7, 7), True),  # 49 of 64 columns
        ((8, 64, 6, 6), False),  # 36 of 64
        ((1, 64, 6, 6), True),
        ((8, 64, 5, 13), False),  # 65 of 128
    ],
)
def test_which_images_are_taken_as_they_are(shape, expected):
    layer = Case(shape, (3, shape[1], 1, 1)).layer
    assert pointwise.takes_images_as_they_are(layer) == expected
    with matmul_precision("tf32"):
        aligned = shape[0] == 1 or shape[2] * shape[3] % 4 == 0
        assert pointwise.takes_images_as_they_are(layer) == (expected and aligned)


@pytest.mark.host_only
def test_a_weight_larger_than_its_images_is_not_kept_for_each_of_them(monkeypatch):
    calls = []

    def zeros(a, b, out):
        calls.append(out.shape)
        out[...] = 0

    monkeypatch.setattr(pointwise, "strided_products", zeros)
    case = Case((2, 50, 7, 7), (100, 50, 1, 1))
    x, grad = on_device(case.x, case.grad, dtype=np.float32)
    pointwise.grad_weight(case.layer, grad, x)
    assert calls == [(2, 100, 50)]
    case = Case((2, 50, 7, 7), (3000, 50, 1, 1))
    x, grad = on_device(case.x, case.grad, dtype=np.float32)
    pointwise.grad_weight(case.layer, grad, x)
    assert len(calls) == 1  # and not of (2, 3000, 50)
