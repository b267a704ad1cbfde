"""Winograd on CUDA against im2col on the CPU: odd sizes, paddings, chunks, every epilogue."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import between_nan, check, on_device, with_gaps
from cuda_kernels import cupy_in_use, needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cuda import convolution_winograd as winograd

pytestmark = needs_compiler
DTYPES = st.sampled_from([np.float32, np.float64])
BOUNDS = {np.float32: 5e-6, np.float64: 1e-13}  # of the error, relative to the largest value


def check_forward(case, dtype, epilogue=()):
    x, weight, *moved = on_device(case.x, case.weight, *epilogue, dtype=dtype)
    expected = im2col.forward(case.layer, case.x, case.weight, Epilogue(*epilogue))
    check(
        lambda: winograd.forward(case.layer, x, weight, Epilogue(*moved)),
        expected,
        dtype,
        BOUNDS[dtype],
    )


def check_gradient(case, dtype):
    grad, weight = on_device(case.grad, case.weight, dtype=dtype)
    expected = im2col.grad_input(case.layer, case.grad, case.weight)
    check(lambda: winograd.grad_input(case.layer, grad, weight), expected, dtype, BOUNDS[dtype])


@st.composite
def cases(draw):
    n, c, o = (draw(st.integers(1, 5)) for _ in range(3))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(draw(st.integers(max(1, 3 - 2 * p), 14)) for p in padding)
    return Case((n, c, *size), (o, c, 3, 3), padding=padding)


@given(cases(), DTYPES, st.data())
def test_any_size_and_epilogue(case, dtype, data):
    rng = np.random.default_rng(1)
    shapes = ((case.y_shape[1],), (case.y_shape[1],), case.y_shape)
    steps = [rng.normal(size=shape) if data.draw(st.booleans()) else None for shape in shapes]
    ceiling = data.draw(st.sampled_from([None, np.inf, 0.5]))
    check_forward(case, dtype, (*steps, ceiling))


@given(cases(), DTYPES)
def test_gradient_of_the_input(case, dtype):
    check_gradient(case, dtype)


@pytest.mark.parametrize("tiles", [0, 1, 5, 12, 100])  # 12 are an image
def test_chunks_of_tiles(tiles, monkeypatch):
    monkeypatch.setattr(winograd, "WORKSPACE_BYTES", 16 * 4 * (2 + 3) * tiles)
    case = Case((3, 2, 6, 7), (3, 2, 3, 3), padding=(1, 1))
    rng = np.random.default_rng(1)
    steps = [rng.normal(size=shape) for shape in (3, 3, case.y_shape)]
    check_forward(case, np.float32, (*steps, 2.0))
    check_gradient(case, np.float32)


def test_the_workspace_is_bounded(monkeypatch):
    """V and M of a chunk, together."""
    allocated = []

    def matmul(u, v):
        product = u @ v
        allocated.append(v.nbytes + product.nbytes)
        return product

    monkeypatch.setattr(winograd, "WORKSPACE_BYTES", 10_000)
    monkeypatch.setattr(cupy_in_use(), "matmul", matmul, raising=False)
    check_forward(Case((2, 3, 11, 8), (4, 3, 3, 3)), np.float32)
    assert len(allocated) > 2 and 5000 < max(allocated) <= 10_000


@pytest.mark.parametrize("workspace", [winograd.WORKSPACE_BYTES, 1000])
def test_more_threads_than_32_bits_can_number(workspace, monkeypatch):
    monkeypatch.setattr(winograd, "WORKSPACE_BYTES", workspace)
    monkeypatch.setattr(winograd, "index_type", lambda count: np.dtype(np.int64))
    check_forward(Case((2, 3, 6, 5), (4, 3, 3, 3), padding=(1, 0)), np.float32)


def test_empty_batches_and_no_channels():
    check_forward(Case((0, 2, 4, 5), (3, 2, 3, 3)), np.float32)
    case = Case((2, 1, 4, 5), (3, 1, 3, 3))
    x, weight, shift = on_device(case.x[:, :0], case.weight[:, :0], np.arange(3.0), dtype="f4")
    y = winograd.forward(case.layer, x, weight, Epilogue(shift=shift))
    np.testing.assert_array_equal(to_numpy(y), np.arange(3.0)[:, None, None] + np.zeros(y.shape))


def test_arrays_with_gaps():
    case = Case((2, 3, 5, 6), (4, 3, 3, 3))
    x, weight, shortcut = map(with_gaps, (case.x, case.weight, case.grad))
    expected = im2col.forward(case.layer, case.x, case.weight) + case.grad
    epilogue = Epilogue(shortcut=shortcut)
    check(
        lambda: winograd.forward(case.layer, x, weight, epilogue),
        expected,
        np.float64,
        1e-13,
    )


def test_nothing_is_read_beside_the_arrays():
    case = Case((2, 3, 5, 4), (3, 3, 3, 3), padding=(2, 1))
    x, weight, shortcut = map(between_nan, (case.x, case.weight, case.grad))
    expected = im2col.forward(case.layer, case.x, case.weight) + case.grad
    epilogue = Epilogue(shortcut=shortcut)
    check(
        lambda: winograd.forward(case.layer, x, weight, epilogue),
        expected,
        np.float64,
        1e-13,
    )
