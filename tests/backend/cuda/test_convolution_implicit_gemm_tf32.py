"""Implicit GEMM on tensor cores against im2col on the CPU, of operands rounded to TF32 as well."""

import re

import cuda_emulator
import fake_cuda
import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import between_nan, cases, with_gaps
from cuda_compiler import cuda_compiler
from cuda_kernels import cupy, needs_compiler
from hypothesis import given, settings

from minicv.backend import gpu_status, matmul_precision, to_numpy, use_conv_algorithm
from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cuda import conv2d_forward
from minicv.backend.cuda import convolution_implicit_gemm_tf32 as tf32
from minicv.backend.cuda.launcher import CudaFile, compiler_options

pytestmark = needs_compiler
# Of the relative error, where operands are rounded beforehand. Tensor cores cut off what they add.
BOUND = 3e-5 if gpu_status()[0] and not fake_cuda.installed() else 1e-6
SMALL = tf32.Tile(64, 64, 32, 32)


def rounded(array):
    """To a mantissa of 10 bits, the nearer neighbour, and of two the one farther from zero."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32).astype(np.float64)


def error(result, expected):
    assert isinstance(result, cupy.ndarray)
    assert result.dtype == np.float32 and result.shape == expected.shape
    return np.linalg.norm(to_numpy(result) - expected) / max(1e-30, np.linalg.norm(expected))


def check(compute, function, first, second, *rest):
    """The kernel is exact but for TF32, with the threads in order and in reversed order."""
    moved = [cupy.asarray(a.astype(np.float32)) for a in (first, second)]
    result = compute(*moved)
    assert error(result, function(rounded(first), rounded(second), *rest)) < BOUND
    assert error(result, function(first, second, *rest)) < 1e-3
    with cuda_emulator.reversed_order():
        np.testing.assert_array_equal(to_numpy(compute(*moved)), to_numpy(result))


def check_all(case):
    layer = case.layer
    check(
        lambda x, weight: tf32.forward(layer, x, weight),
        lambda x, weight: im2col.forward(layer, x, weight),
        *(case.x, case.weight),
    )
    check(
        lambda grad, weight: tf32.grad_input(layer, grad, weight),
        lambda grad, weight: im2col.grad_input(layer, grad, weight),
        *(case.grad, case.weight),
    )
    check(
        lambda grad, x: tf32.grad_weight(layer, grad, x),
        lambda grad, x: im2col.grad_weight(layer, grad, x),
        *(case.grad, case.x),
    )


@given(cases(3))
@settings(max_examples=8)
def test_any_geometry(case):
    check_all(case)


@pytest.mark.parametrize("tile", tf32.TILES)
def test_every_tile(tile, monkeypatch):
    """More than one tile down and across, the last ones not full, and more steps than stages."""
    monkeypatch.setattr(tf32, "choose_tile", lambda *sizes: tile)
    cut = tf32._Parts(tile, 32, 0)
    monkeypatch.setattr(tf32, "_cut_into_parts", lambda *sizes: cut)
    rows = tile.rows + 3
    check_all(Case((2, 17, 6, 11), (rows, 17, 2, 3), padding=(1, 2), stride=(1, 1)))


GEOMETRIES = {
    "strides that share a factor with dilation": Case(
        (1, 5, 11, 13), (6, 5, 4, 3), stride=(4, 3), padding=(3, 1), dilation=(2, 3)
    ),
    "a stride larger than the kernel": Case((2, 3, 7, 8), (4, 3, 1, 2), stride=(2, 3)),
    "as many channels as a step takes": Case((1, 32, 5, 5), (5, 32, 3, 3), padding=(1, 1)),
    "one more": Case((1, 33, 5, 5), (5, 33, 1, 1)),
    "groups": Case((2, 9, 5, 6), (12, 3, 3, 3), stride=(2, 1), padding=(1, 1), groups=3),
    "rows of one pixel": Case((3, 2, 9, 1), (3, 2, 3, 1), padding=(1, 0)),
}


@pytest.mark.parametrize("case", GEOMETRIES.values(), ids=GEOMETRIES)
def test_geometry(case):
    check_all(case)


@pytest.mark.parametrize("width", [7, 8])  # 8 times 6 pixels are written in fours
@pytest.mark.parametrize("ceiling", [None, np.inf, 0.5])
def test_every_epilogue(width, ceiling):
    case = Case((2, 6, 6, width), (10, 3, 3, 3), padding=(1, 1), groups=2)
    rng = np.random.default_rng(1)
    scale, shift = rng.normal(size=(2, 10)).astype(np.float32)
    shortcut = rng.normal(size=case.y_shape).astype(np.float32)
    for steps in [(scale, None, None), (None, shift, shortcut), (scale, shift, shortcut)]:
        on_device = [None if a is None else cupy.asarray(a) for a in steps]
        check(
            lambda x, w, moved=on_device: tf32.forward(case.layer, x, w, Epilogue(*moved, ceiling)),
            lambda x, w, s=steps: im2col.forward(case.layer, x, w, Epilogue(*s, ceiling)),
            *(case.x, case.weight),
        )


def test_whole_numbers_are_exact():
    """Every sum is exact in float32: a wrong place, or a number taken twice, cannot hide."""
    case = Case((2, 19, 7, 6), (37, 19, 3, 3), padding=(1, 1))
    rng = np.random.default_rng(1)
    x, weight = (rng.integers(-9, 10, a.shape).astype(np.float32) for a in (case.x, case.weight))
    moved = [cupy.asarray(a) for a in (x, weight)]
    np.testing.assert_array_equal(
        to_numpy(tf32.forward(case.layer, *moved)),
        im2col.forward(case.layer, x.astype(float), weight.astype(float)),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1 + 2**-11, 1 + 2**-10),  # half way: away from zero
        (-1 - 2**-11, -1 - 2**-10),
        (1 + 2**-11 - 2**-23, 1.0),
        (1 + 2**-11 + 2**-23, 1 + 2**-10),
        (2 - 2**-12, 2.0),
        (1 + 3 * 2**-11, 1 + 2 * 2**-10),
        (np.inf, np.inf),
        (np.nan, np.nan),
    ],
)
def test_operands_are_rounded_to_tf32(value, expected):
    layer = Case((1, 1, 1, 1), (1, 1, 1, 1)).layer
    number, one = (cupy.asarray(np.full((1, 1, 1, 1), v, np.float32)) for v in (value, 1))
    for y in (
        tf32.forward(layer, number, one),
        tf32.forward(layer, one, number),
        tf32.grad_weight(layer, number, one),
        tf32.grad_weight(layer, one, number),
    ):
        np.testing.assert_array_equal(to_numpy(y).ravel(), np.float32(expected))


def test_a_nan_stays_where_its_windows_are():
    case = Case((1, 2, 4, 5), (3, 2, 3, 3), padding=(1, 1))
    case.x[0, 1, 0, 4] = np.nan
    x, weight = (cupy.asarray(a.astype(np.float32)) for a in (case.x, case.weight))
    y = tf32.forward(case.layer, x, weight, Epilogue(ceiling=np.inf))
    reached = np.zeros((4, 5), bool)
    reached[:2, 3:] = True
    assert (np.isnan(to_numpy(y)) == reached).all()


def test_nothing_is_read_beside_the_arrays():
    case = Case((2, 9, 3, 5), (3, 9, 2, 2), stride=(2, 1), padding=(1, 0))
    x, weight, grad = (between_nan(a.astype(np.float32)) for a in (case.x, case.weight, case.grad))
    for result in (
        tf32.forward(case.layer, x, weight, Epilogue(shortcut=grad)),
        tf32.grad_input(case.layer, grad, weight),
        tf32.grad_weight(case.layer, grad, x),
    ):
        assert np.isfinite(to_numpy(result)).all()


def test_arrays_with_gaps():
    case = Case((2, 3, 5, 6), (4, 3, 3, 3))
    x, weight, grad = (with_gaps(a.astype(np.float32)) for a in (case.x, case.weight, case.grad))
    expected = im2col.forward(case.layer, rounded(case.x), rounded(case.weight))
    assert error(tf32.forward(case.layer, x, weight), expected) < BOUND
    expected = im2col.grad_weight(case.layer, rounded(case.grad), rounded(case.x))
    assert error(tf32.grad_weight(case.layer, grad, x), expected) < BOUND


def test_empty_batches_and_no_channels():
    check_all(Case((0, 2, 4, 5), (3, 2, 3, 3)))  # launches to pack the weight alone
    case = Case((2, 1, 4, 5), (3, 1, 3, 3))
    layer = case.layer._replace(x_shape=(2, 0, 4, 5), weight_shape=(3, 0, 3, 3))
    x, weight, shift = (
        cupy.asarray(a.astype(np.float32))
        for a in (case.x[:, :0], case.weight[:, :0], np.arange(3.0))
    )
    y = tf32.forward(layer, x, weight, Epilogue(shift=shift))
    np.testing.assert_array_equal(to_numpy(y), np.arange(3.0)[:, None, None] + np.zeros(y.shape))


def test_parts_of_the_gradient_add_up_to_the_same(monkeypatch):
    case = Case((2, 3, 7, 9), (4, 3, 3, 3))  # 70 pixels
    grad, x = (cupy.asarray(a.astype(np.float32)) for a in (case.grad, case.x))
    expected = im2col.grad_weight(case.layer, rounded(case.grad), rounded(case.x))
    for each in (16, 48, 80):
        cut = tf32._Parts(SMALL, each, 0)
        monkeypatch.setattr(tf32, "_cut_into_parts", lambda *sizes, cut=cut: cut)
        assert error(tf32.grad_weight(case.layer, grad, x), expected) < BOUND


@pytest.mark.host_only
def test_how_the_gradient_is_cut():
    few = tf32._cut_into_parts(64, 64, 9, 100_352)
    assert few.tile == tf32.Tile(64, 128, 32, 64) and few.each % tf32.DEPTH == 0
    assert 9 * -(-100_352 // few.each) in range(100, 4 * tf32.MULTIPROCESSORS + 1)
    assert tf32._cut_into_parts(64, 64, 9, 500).each >= 500  # too short to be cut
    assert tf32._cut_into_parts(2048, 2048, 9, 10_000).each >= 10_000  # blocks enough


def test_it_is_used_within_tf32_alone():
    case = Case((1, 16, 6, 6), (16, 16, 3, 3), padding=(1, 1))
    x, weight = (cupy.asarray(a.astype(np.float32)) for a in (case.x, case.weight))
    exact = im2col.forward(case.layer, case.x, case.weight)
    with use_conv_algorithm("implicit_gemm_tf32"):
        assert error(conv2d_forward(x, weight, None, *case.options), exact) < 2e-6
        with matmul_precision("tf32"):
            assert error(conv2d_forward(x, weight, None, *case.options), exact) > 1e-5


@pytest.mark.host_only
@pytest.mark.parametrize(
    ("capability", "expected"), [("75", False), ("80", True), ("90", True), ("120", True)]
)
def test_older_gpus_have_no_tf32(capability, expected):
    class OnDevice:
        class device:
            compute_capability = capability

    assert tf32.has_tf32(OnDevice) == expected


WAIT = "wait_for_copies<STAGES - 2>();"
FAULTS = {
    "no wait for the copies": (WAIT, ""),
    "a stage too few waited for": (WAIT, "wait_for_copies<STAGES - 1>();"),
    "no group ended": ("        end_group_of_copies();\n        multiply", "        multiply"),
    "no barrier": ("        __syncthreads();", ""),
    "not rounded": ("numbers[n][j] = to_tf32(four.value[j])", "numbers[n][j] = four.value[j]"),
    "another swizzle": ("i * together / 4 * 8", "i * together / 4 * 16"),
}


@pytest.mark.host_only
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault, monkeypatch):
    right, wrong = FAULTS[fault]
    file = CudaFile(tf32.TENSOR_CORES.name)
    assert right in file.source
    file.__dict__["source"] = file.source.replace(right, wrong)
    monkeypatch.setattr(tf32, "TENSOR_CORES", file)
    monkeypatch.setattr(tf32, "choose_tile", lambda *sizes: SMALL)
    case = Case((1, 20, 5, 6), (5, 20, 3, 3), padding=(1, 1))
    with pytest.raises(AssertionError):
        check(
            lambda x, weight: tf32.forward(case.layer, x, weight),
            lambda x, weight: im2col.forward(case.layer, x, weight),
            *(case.x, case.weight),
        )


@pytest.mark.host_only
def test_tiles_are_divided_evenly():
    """What the kernels rely on."""
    for tile in tf32.TILES:
        assert tile.rows % tile.warp_rows == tile.columns % tile.warp_columns == 0
        assert tile.warp_rows % 16 == tile.warp_columns % 32 == 0
        assert 256 % tile.threads == 0 and tile.threads % tile.columns == 0
        assert 4 % (tile.threads // tile.columns) == 0 and tile.threads % tf32.DEPTH == 0
        assert tile.rows * tf32.DEPTH % (4 * tile.threads) == 0
        assert tile.rows % (tile.threads // tf32.DEPTH) == 0


@pytest.mark.host_only
@pytest.mark.parametrize("columns", sorted({tile.columns for tile in tf32.TILES}))
def test_eight_lanes_read_from_all_banks_of_shared_memory(columns):
    """Each reads four numbers; the kernel's places for them, of both tiles."""
    for first_lane in range(0, 32, 8):
        lanes = [(lane // 4, lane % 4) for lane in range(first_lane, first_lane + 8)]  # (g, t)
        left = {g * tf32.DEPTH + 4 * t + i for g, t in lanes for i in range(4)}
        assert {place % 32 for place in left} == set(range(32))
        for n in range(4):
            row = {(g, t): 4 * t + n for g, t in lanes}
            right = {
                row[g, t] * columns + ((4 * g) ^ (row[g, t] // 4 * 8)) + i
                for g, t in lanes
                for i in range(4)
            }
            assert {place % 32 for place in right} == set(range(32))


@pytest.mark.slow
@pytest.mark.host_only
@pytest.mark.skipif(cuda_compiler() is None, reason="no nvcc, and no NVRTC")
def test_on_ampere_two_blocks_share_a_multiprocessor():
    """It has the largest tile; test_cuda_compiles.py asks for Hopper."""
    options = compiler_options(**tf32._macros(tf32.TILES[0]))
    report = cuda_compiler()(tf32.TENSOR_CORES.source, "sm_80", options).report
    registers = [int(number) for number in re.findall(r"Used (\d+) registers", report)]
    assert len(registers) == 4 and max(registers) <= 65_536 // (2 * tf32.TILES[0].threads)
    assert not re.search(r"[1-9]\d* bytes spill", report)
