"""Running statistics follow a batch on CUDA as on the CPU."""

import numpy as np
import pytest
from cuda_kernels import check_kernel, needs_compiler

pytestmark = needs_compiler


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [0, 1, 5, 300])
def test_equals_the_cpu(dtype, channels):
    rng = np.random.default_rng(channels)
    running, batch = rng.random((2, channels)).astype(dtype), rng.random((2, channels))
    statistics = (*running, np.array(7), *batch.astype(dtype))
    for momentum, values in ((0.1, 2), (1.0, 1000), (0.0, 9)):
        check_kernel("follow_statistics", *statistics, momentum, values, rtol=1e-6)


def test_a_batch_of_other_precision():
    running, batch = np.array([1.0, 2.0], np.float32), np.array([4.0, 0.5])
    check_kernel("follow_statistics", running, running, np.array(0), batch, batch, 0.5, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("affine", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("channels", [1, 300])
def test_fold_equals_the_cpu(dtype, affine, channels):
    rng = np.random.default_rng(channels)
    mean, variance, *given = rng.random((4, channels)).astype(dtype)
    given = [array if wanted else None for array, wanted in zip(given, affine, strict=True)]
    check_kernel("fold_statistics", mean, variance, *given, 1e-5, rtol=1e-5, atol=1e-6)
