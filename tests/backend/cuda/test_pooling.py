"""Pooling on CUDA is pooling on the CPU, for any window."""

import math

import numpy as np
from cuda_kernels import check_kernel, needs_compiler
from hypothesis import assume, given
from hypothesis import strategies as st

from minicv.backend import cpu
from minicv.backend.windows import Windows

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])


@st.composite
def cases(draw):
    """A batch of maps with ties, NaN and infinities, and windows over them."""
    shape = draw(st.tuples(*[st.integers(1, n) for n in (2, 3, 9, 11)]))
    kernel, stride, dilation = (draw(st.tuples(*[st.integers(1, 3)] * 2)) for _ in range(3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    sizes = zip(shape[2:], kernel, stride, padding, dilation, strict=True)
    output = tuple(max(1, (n + 2 * p - d * (k - 1) - 1) // s + 1) for n, k, s, p, d in sizes)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = rng.integers(-3, 4, shape).astype(draw(DTYPES))
    if draw(st.booleans()):
        x[rng.random(shape) < 0.2] = np.nan
        x[rng.random(shape) < 0.3] = -np.inf
    return x, Windows(kernel, stride, padding, dilation, output)


def every_window_has_a_tap_on_the_map(x, windows):
    covered = np.zeros(windows.output, bool)
    for rows, _ in windows.taps(0, x.shape[2]):
        for columns, _ in windows.taps(1, x.shape[3]):
            covered[rows, columns] = True
    return covered.all()


@given(cases())
def test_max_pooling(case):
    x, windows = case
    assume(every_window_has_a_tap_on_the_map(x, windows))
    check_kernel("max_pool2d", x, windows)
    check_kernel("max_pool2d_maxima", x, windows)
    _, switches = cpu.max_pool2d(x, windows)
    check_kernel("max_pool2d_indices", switches, windows, x.shape[3])
    grad = np.random.default_rng(0).normal(size=switches.shape).astype(x.dtype)
    check_kernel("max_pool2d_backward", grad, switches, windows, x.shape, rtol=1e-5, atol=1e-5)


@given(cases())
def test_sum_pooling(case):
    x, windows = case
    x = np.nan_to_num(x, neginf=0.5)
    check_kernel("sum_pool2d", x, windows)
    grad = np.random.default_rng(0).normal(size=(*x.shape[:2], *windows.output)).astype(x.dtype)
    check_kernel("sum_pool2d_backward", grad, windows, x.shape, rtol=1e-5, atol=1e-5)


def test_a_window_of_more_taps_than_a_byte_counts():
    windows = Windows((17, 18), (17, 18), (0, 0), (1, 1), (1, 2))
    x = np.random.default_rng(0).normal(size=(1, 2, 17, 36))
    assert math.prod(windows.kernel) > 256
    check_kernel("max_pool2d", x, windows)
    _, switches = cpu.max_pool2d(x, windows)
    check_kernel("max_pool2d_backward", np.ones(switches.shape), switches, windows, x.shape)


def test_arrays_with_gaps_and_empty_batches():
    windows = Windows((2, 2), (2, 2), (0, 0), (1, 1), (3, 2))
    x = np.random.default_rng(0).normal(size=(6, 4, 3, 2)).transpose(3, 2, 0, 1)
    check_kernel("max_pool2d", x, windows)
    check_kernel("sum_pool2d", x, windows)
    check_kernel("max_pool2d", x[:0], windows)
