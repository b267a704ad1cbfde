"""The complementary error function on CUDA is that of SciPy."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.testing import strategies

pytestmark = needs_compiler


@given(
    strategies.arrays(strategies.shapes(min_dims=0, allow_empty=True), low=-6, high=9), st.data()
)
def test_agrees_with_the_cpu(x, data):
    check_kernel("erfc", data.draw(strategies.layouts(x)), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_out_and_at_infinity(dtype):
    x = np.array([-np.inf, -30, 0, 1e-30, 5, 9, 30, np.inf, np.nan], dtype)
    check_kernel("erfc", x, rtol=1e-6 if dtype is np.float32 else 1e-12, atol=0)
