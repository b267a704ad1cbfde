"""Max pooling of float16: the same bits as in float32, NaN and infinity included."""

import numpy as np
import pytest
from cuda_kernels import needs_compiler
from cupy_devices import CUPYS

from minicv.backend import cpu, cuda, to_numpy
from minicv.backend.windows import Windows

pytestmark = [needs_compiler, pytest.mark.parametrize("cupy", CUPYS)]


@pytest.mark.parametrize(
    ("shape", "windows"),
    [
        ((2, 3, 7, 6), Windows((3, 3), (2, 2), (1, 1), (1, 1), (4, 3))),
        ((1, 2, 6, 9), Windows((2, 3), (1, 2), (0, 1), (2, 1), (4, 5))),
        ((0, 2, 4, 4), Windows((2, 2), (2, 2), (0, 0), (1, 1), (2, 2))),
    ],
)
def test_as_in_float32(cupy, shape, windows):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float16)
    if x.size:
        x[0, 0, 1, 2], x[0, 1, 0, :3], x[0, 1, 1, :3] = np.nan, -np.inf, np.inf
    expected = cpu.max_pool2d_maxima(x.astype(np.float32), windows).astype(np.float16)
    for moved in (cupy.asarray(x), cupy.asarray(x.swapaxes(2, 3)).swapaxes(2, 3)):
        maxima = cuda.max_pool2d_maxima(moved, windows)
        assert maxima.dtype == np.float16
        np.testing.assert_array_equal(to_numpy(maxima), expected)


def test_float32_goes_its_usual_way(cupy):
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)
    windows = Windows((2, 2), (2, 2), (0, 0), (1, 1), (2, 2))
    maxima = cuda.max_pool2d_maxima(cupy.asarray(x), windows)
    np.testing.assert_array_equal(to_numpy(maxima), cpu.max_pool2d_maxima(x, windows))
