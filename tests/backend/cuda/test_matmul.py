"""Matrix products on CUDA, for any number of axes."""

import numpy as np
import pytest
from cuda_kernels import check_kernel


@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((6, 5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((3,), (3, 4)),
        ((5, 2, 3), (3,)),
        pytest.param((0, 2, 3), (3, 4), marks=pytest.mark.launches_nothing),
        pytest.param((5, 2, 0), (0, 4), marks=pytest.mark.launches_nothing),
    ],
)
def test_as_on_the_cpu(a_shape, b_shape):
    rng = np.random.default_rng(0)
    check_kernel("matmul", rng.normal(size=a_shape), rng.normal(size=b_shape))


def test_a_transposed_stack():
    rng = np.random.default_rng(0)
    check_kernel("matmul", rng.normal(size=(3, 2, 5)).transpose(2, 1, 0), rng.normal(size=(4, 3)).T)
