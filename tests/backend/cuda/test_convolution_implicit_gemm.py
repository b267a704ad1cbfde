"""Implicit GEMM on CUDA against im2col on the CPU: any geometry, every tile, every epilogue."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import between_nan, cases, check, on_device, with_gaps
from cuda_kernels import needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cuda import convolution_implicit_gemm as implicit_gemm

pytestmark = needs_compiler
BOUNDS = {np.float32: 2e-6, np.float64: 1e-13}  # of the error, relative to the largest value
TILES = [
    *((np.float32, tile) for tile in implicit_gemm.FLOAT32_TILES),
    *((np.float64, tile) for tile in implicit_gemm.FLOAT64_TILES),
]


def check_forward(case, dtype, epilogue=()):
    x, weight, *moved = on_device(case.x, case.weight, *epilogue, dtype=dtype)
    expected = im2col.forward(case.layer, case.x, case.weight, Epilogue(*epilogue))
    check(
        lambda: implicit_gemm.forward(case.layer, x, weight, Epilogue(*moved)),
        expected,
        dtype,
        BOUNDS[dtype],
    )


@given(cases(3), st.sampled_from([np.float32, np.float64]), st.data())
def test_any_geometry_and_epilogue(case, dtype, data):
    rng = np.random.default_rng(1)
    shapes = ((case.y_shape[1],), (case.y_shape[1],), case.y_shape)
    steps = [rng.normal(size=shape) if data.draw(st.booleans()) else None for shape in shapes]
    ceiling = data.draw(st.sampled_from([None, np.inf, 0.5]))
    check_forward(case, dtype, (*steps, ceiling))


@given(cases(1), st.sampled_from([np.float32, np.float64]))
def test_gradient_of_the_input(case, dtype):
    grad, weight = on_device(case.grad, case.weight, dtype=dtype)
    expected = im2col.grad_input(case.layer, case.grad, case.weight)
    check(
        lambda: implicit_gemm.grad_input(case.layer, grad, weight), expected, dtype, BOUNDS[dtype]
    )


@pytest.mark.parametrize(("dtype", "tile"), TILES)
@pytest.mark.parametrize("width", [11, 12])  # 12 times 6 pixels are written in fours
def test_every_tile(dtype, tile, width, monkeypatch):
    """More than one tile across, down and deep, and the last ones not full."""
    monkeypatch.setattr(implicit_gemm, "choose_tile", lambda *sizes: tile)
    rows = 2 * (tile.rows + 5)  # of two groups
    case = Case((2, 2 * 3, 6, width), (rows, 3, 3, 3), padding=(1, 1), groups=2)
    rng = np.random.default_rng(1)
    steps = [rng.normal(size=shape) for shape in (rows, rows, case.y_shape)]
    check_forward(case, dtype, (*steps, 2.0))


@pytest.mark.parametrize("channels", [32, 57])  # 288 taps, a multiple of DEPTH, and 513
def test_more_taps_than_are_worked_out_together(channels):
    check_forward(Case((1, channels, 4, 5), (3, channels, 3, 3), padding=(1, 1)), np.float32)


def test_more_pixels_than_32_bits_can_number(monkeypatch):
    monkeypatch.setattr(implicit_gemm, "index_type", lambda count: np.dtype(np.int64))
    check_forward(Case((2, 3, 4, 5), (3, 3, 3, 3), padding=(1, 1)), np.float32)


def test_empty_batches_and_no_channels():
    check_forward(Case((0, 2, 4, 5), (3, 2, 3, 3)), np.float32)
    case = Case((2, 1, 4, 5), (3, 1, 3, 3))
    case.x, case.weight = case.x[:, :0], case.weight[:, :0]
    layer = case.layer._replace(x_shape=case.x.shape, weight_shape=case.weight.shape)
    x, weight, shift = on_device(case.x, case.weight, np.arange(3.0), dtype=np.float32)
    y = implicit_gemm.forward(layer, x, weight, Epilogue(shift=shift))
    np.testing.assert_array_equal(to_numpy(y), np.arange(3.0)[:, None, None] + np.zeros(y.shape))


def test_arrays_with_gaps():
    case = Case((2, 3, 5, 6), (4, 3, 3, 3))
    x, weight, shortcut = map(with_gaps, (case.x, case.weight, case.grad))
    expected = im2col.forward(case.layer, case.x, case.weight) + case.grad
    epilogue = Epilogue(shortcut=shortcut)
    check(
        lambda: implicit_gemm.forward(case.layer, x, weight, epilogue), expected, np.float64, 1e-13
    )


@pytest.mark.parametrize("channels", [1, 8, 9])
def test_nothing_is_read_beside_the_arrays(channels):
    case = Case((2, channels, 3, 5), (3, channels, 1, 1))
    x, weight, shortcut = map(between_nan, (case.x, case.weight, case.grad))
    expected = im2col.forward(case.layer, case.x, case.weight) + case.grad
    epilogue = Epilogue(shortcut=shortcut)
    check(
        lambda: implicit_gemm.forward(case.layer, x, weight, epilogue), expected, np.float64, 1e-13
    )


def test_a_nan_stays_where_its_windows_are():
    case = Case((1, 2, 4, 5), (3, 2, 3, 3), padding=(1, 1))
    case.x[0, 1, 0, 4] = np.nan
    x, weight = on_device(case.x, case.weight, dtype=np.float32)
    y = implicit_gemm.forward(case.layer, x, weight, Epilogue(ceiling=np.inf))
    reached = np.zeros((4, 5), bool)
    reached[:2, 3:] = True
    assert (np.isnan(to_numpy(y)) == reached).all()


@pytest.mark.host_only
def test_the_gradient_takes_no_stride():
    case = Case((1, 2, 5, 5), (3, 2, 3, 3), (2, 1))
    grad, weight = on_device(case.grad, case.weight, dtype=np.float32)
    with pytest.raises(ValueError, match=r"stride must be \(1, 1\) but is \(2, 1\)"):
        implicit_gemm.grad_input(case.layer, grad, weight)


@pytest.mark.host_only
@pytest.mark.parametrize(("dtype", "tile"), TILES)
def test_a_tile_is_divided_evenly(dtype, tile):
    """What the kernel relies on: warps of 4 x 8 threads, and the same number of fetches each."""
    down, across = tile.rows // (4 * tile.row_groups), tile.columns // (4 * tile.column_groups)
    assert down % 4 == 0 and across % 8 == 0 and down * across == tile.threads
    assert tile.threads % tile.columns == 0 and 8 * tile.rows % tile.threads == 0
    assert 512 % tile.threads == 0
