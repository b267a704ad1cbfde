"""Which algorithm is taken and what is said of it, how exact it is, and threads change nothing."""

import hashlib
import os
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from convolution_cases import Case

from minicv import reference
from minicv.backend import explain_conv, use_conv_algorithm
from minicv.backend.convolution_layer import AlgorithmName, Direction
from minicv.backend.cpu import (
    conv2d_forward,
    conv2d_grad_input,
    conv2d_grad_weight,
    conv2d_norm_relu_forward,
)
from minicv.backend.cpu.convolution import ALGORITHMS

# One typical layer for each algorithm, with different sizes on every axis.
TYPICAL = {
    "pointwise": Case((2, 24, 13, 17), (40, 24, 1, 1)),
    "depthwise": Case((2, 24, 13, 17), (24, 1, 3, 3), stride=(2, 2), padding=(1, 1), groups=24),
    "winograd_4x4": Case((2, 128, 26, 33), (96, 128, 3, 3), padding=(1, 1)),
    "winograd_2x2": Case((2, 256, 13, 14), (300, 256, 3, 3), padding=(1, 1)),
    "winograd_strided": Case((13, 96, 33, 24), (160, 96, 4, 4), stride=(2, 2), padding=(1, 1)),
    "space_to_depth": Case((1, 21, 160, 158), (20, 21, 16, 16), stride=(8, 8), padding=(4, 4)),
    "interleaved": Case((48, 32, 13, 14), (40, 32, 3, 3), padding=(1, 1)),
    "shifted": Case((4, 16, 17, 19), (24, 16, 3, 3), padding=(1, 1)),
    "im2col": Case((2, 3, 33, 46), (32, 3, 3, 3), stride=(2, 2), padding=(1, 1)),
}
WIDE = Case((1, 64, 30, 30), (64, 64, 3, 3), padding=(1, 1))
OF_A_GPU = {"implicit_gemm", "implicit_gemm_tf32"}
LAYER = ((1, 64, 56, 56), (64, 64, 3, 3))


def test_each_algorithm_of_the_table_has_a_name_a_typical_layer_and_its_idea():
    assert set(ALGORITHMS) == set(TYPICAL) == set(get_args(AlgorithmName)) - OF_A_GPU
    assert len({algorithm.idea for algorithm in ALGORITHMS.values()}) == len(ALGORITHMS)


@pytest.mark.parametrize("direction", ["forward", "grad_input", "grad_weight"])
@pytest.mark.parametrize("algorithm", TYPICAL)
def test_choice_by_shape(algorithm, direction):
    case = TYPICAL[algorithm]
    assert case.algorithm("float32", direction) == algorithm
    for dtype in ("float64", "complex128"):
        assert case.algorithm(dtype, direction) == "im2col"


@pytest.mark.parametrize(
    "case",
    [
        Case((2, 24, 8, 9), (40, 24, 1, 1), padding=(1, 1)),  # padding makes a border of bias
        Case((2, 24, 8, 9), (40, 12, 1, 1), groups=2),
        Case((2, 24, 8, 9), (48, 1, 3, 3), groups=24),  # two filters for each channel
        Case((2, 96, 32, 32), (80, 96, 3, 3), dilation=(2, 2)),
        Case((2, 96, 32, 32), (80, 96, 3, 3), stride=(2, 1)),
        Case((2, 96, 32, 32), (80, 96, 3, 3), padding=(3, 3)),
        Case((2, 96, 32, 32), (80, 96, 3, 5)),
        Case((2, 96, 32, 32), (80, 48, 3, 3), groups=2),
    ],
)
def test_what_the_short_cuts_cannot_do_goes_the_general_way(case):
    assert case.algorithm() == "im2col"
    assert max(case.errors()) < 2e-6


@pytest.mark.parametrize("algorithm", TYPICAL)
def test_float32_is_as_exact_as_promised(algorithm):
    assert max(TYPICAL[algorithm].errors()) < (2e-5 if algorithm == "winograd_4x4" else 2e-6)


def test_complex_numbers_pass_through_all_three():
    """The complex step of gradcheck: A (x + i h) = A x + i A h, and no conjugate anywhere."""
    case = Case((2, 4, 7, 8), (6, 2, 3, 2), stride=(2, 1), padding=(1, 2), groups=2)
    x, weight, grad = case.x, case.weight, case.grad
    both = (
        (lambda a: conv2d_forward(a, weight + 0j, None, *case.options), x),
        (lambda a: conv2d_grad_input(a, weight + 0j, x.shape, *case.options), grad),
        (lambda a: conv2d_grad_weight(a, x + 0j, weight.shape, *case.options), grad),
    )
    for kernel, a in both:
        np.testing.assert_allclose(kernel(2j * a), 2j * kernel(a + 0j), rtol=1e-12)


def test_bias_is_added_once():
    case = TYPICAL["pointwise"]
    x, weight = case.x.astype(np.float32), case.weight.astype(np.float32)
    bias = np.arange(40, dtype=np.float32)
    with_bias = conv2d_forward(x, weight, bias, *case.options)
    without = conv2d_forward(x, weight, None, *case.options)
    np.testing.assert_array_equal(with_bias, without + bias[:, None, None])


@pytest.mark.parametrize("algorithm", TYPICAL)
def test_a_plain_convolution_is_one_with_nothing_but_a_shift(algorithm):
    case = TYPICAL[algorithm]
    x, weight = case.x.astype(np.float32), case.weight.astype(np.float32)
    shift = np.linspace(-1, 1, len(weight), dtype=np.float32)
    plain = conv2d_forward(x, weight, shift, *case.options)
    fused = conv2d_norm_relu_forward(x, weight, None, shift, None, None, *case.options)
    np.testing.assert_array_equal(plain, fused)


@pytest.mark.parametrize("algorithm", TYPICAL)
def test_inputs_are_left_alone_and_results_do_not_share_memory(algorithm):
    """Scratch memory is used again by the next call; no result may live in it."""
    case = TYPICAL[algorithm]
    first = case.run(np.float32)
    copies = [array.copy() for array in first]
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    for array in (x, weight, grad):
        array.flags.writeable = False
    conv2d_forward(-x, weight, None, *case.options)
    conv2d_grad_input(-grad, weight, x.shape, *case.options)
    conv2d_grad_weight(grad, -x, weight.shape, *case.options)
    for array, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("algorithm", TYPICAL)
def test_a_batch_of_no_images(algorithm, dtype):
    case = TYPICAL[algorithm]
    empty = Case((0, *case.x.shape[1:]), case.weight.shape, *case.options)
    y, grad_x, grad_weight = empty.run(dtype)
    assert y.shape == empty.y_shape and grad_x.shape == empty.x.shape
    assert grad_weight.shape == case.weight.shape and not grad_weight.any()


@pytest.mark.parametrize("name", ["im2col", "winograd_2x2", "winograd_4x4"])
def test_another_algorithm_gives_the_same_but_for_rounding(name):
    usual = WIDE.run(np.float32)
    with use_conv_algorithm(name):
        assert {WIDE.algorithm(direction=d) for d in get_args(Direction)} == {name}
        for array, other in zip(WIDE.run(np.float32), usual, strict=True):
            assert np.linalg.norm(array - other) <= 2e-5 * np.linalg.norm(other)


def test_every_algorithm_is_taken_where_it_can_and_only_there():
    strided = Case((1, 4, 12, 12), (4, 4, 3, 3), stride=(2, 2))
    with use_conv_algorithm("space_to_depth"):
        assert strided.algorithm() == "space_to_depth"
        assert max(strided.errors()) < 2e-6
        assert WIDE.algorithm() == "winograd_4x4"
    with use_conv_algorithm("winograd_4x4"):
        assert strided.algorithm() == "im2col"
        assert WIDE.algorithm("float64") == "im2col"


def test_the_usual_algorithm_comes_back_after_the_block():
    with pytest.raises(ZeroDivisionError), use_conv_algorithm("im2col"):
        assert WIDE.algorithm() == "im2col"
        raise ZeroDivisionError
    assert WIDE.algorithm() == "winograd_4x4"


def test_three_directions_with_reasons():
    lines = explain_conv(*LAYER, padding=(1, 1)).splitlines()
    assert lines[0].endswith("-> (1, 64, 56, 56), float32: 116 M multiply-adds")
    assert [line.partition(":")[0] for line in lines[1::3]] == [
        "forward", "grad_input", "grad_weight",
    ]  # fmt: skip
    assert all("winograd_4x4" in line for line in lines[1::3])


def test_another_dtype_and_another_algorithm():
    text = explain_conv(*LAYER, padding=1, dtype="float64")
    assert text.count(": im2col") == 3 and "other than float32 are for checking" in text
    with use_conv_algorithm("winograd_2x2"):
        assert explain_conv(*LAYER, padding=1).count(": winograd_2x2") == 3


def test_a_layer_with_one_algorithm_only():
    text = explain_conv((1, 4, 9, 9), (4, 2, 3, 3), dilation=2, groups=2)
    assert text.count(": im2col") == 3 and "estimated against" not in text


@pytest.mark.parametrize(
    ("shapes", "groups"),
    [
        (((1, 3, 8, 8), (4, 2, 3, 3)), 1),
        (((1, 4, 8, 8), (3, 2, 3, 3)), 2),
        (((1, 3, 2, 8), (4, 3, 3, 3)), 1),
    ],
)
def test_shapes_that_do_not_fit(shapes, groups):
    with pytest.raises(ValueError, match="explain_conv: these shapes do not fit together"):
        explain_conv(*shapes, groups=groups)


def digest() -> str:
    """Of every bit of every result of the typical layers, and of the same with one image."""
    results = hashlib.sha256()
    for case in TYPICAL.values():
        for array in case.run(np.float32):
            results.update(np.ascontiguousarray(array).tobytes())
    return results.hexdigest()


def test_results_do_not_depend_on_the_number_of_threads():
    digests = set()
    for threads in ("1", "2", "3"):
        environment = dict(
            os.environ,
            MINICV_NUM_THREADS=threads,
            PYTHONPATH=os.pathsep.join(p for p in sys.path if p),
        )
        command = [sys.executable, __file__]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(run.stdout.strip())
    assert len(digests) == 1 and len(digests.pop()) == 64


if __name__ == "__main__":
    print(digest())


SMALL = [  # one or more for each algorithm, some with padding and with rows no window reaches
    Case((2, 3, 9, 10), (4, 3, 3, 3), padding=(1, 1)),
    Case((2, 3, 16, 17), (4, 3, 3, 3)),
    Case((1, 3, 9, 10), (4, 3, 3, 3), stride=(2, 2), padding=(1, 1)),
    Case((2, 3, 13, 18), (4, 3, 4, 4), stride=(2, 2), padding=(1, 0)),
    Case((1, 2, 20, 21), (3, 2, 5, 5), stride=(3, 2), padding=(2, 1)),
    Case((2, 3, 5, 6), (4, 3, 1, 1), stride=(2, 2)),
    Case((2, 3, 5, 6), (4, 3, 1, 1)),
    Case((2, 4, 9, 10), (4, 1, 3, 3), padding=(1, 1), groups=4),
    Case((2, 4, 9, 11), (4, 1, 3, 3), stride=(2, 2), padding=(1, 1), groups=4),
]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_infinity_and_nan_reach_what_they_reach_in_the_loops(algorithm, value):
    rng = np.random.default_rng(0)
    tried = 0
    for case in SMALL * 3:
        if not ALGORITHMS[algorithm].can_compute(case.layer):
            continue
        tried += 1
        x, weight, grad = case.x.copy(), case.weight, case.grad.copy()
        x[tuple(rng.integers(0, length) for length in x.shape)] = value
        grad[tuple(rng.integers(0, length) for length in grad.shape)] = value
        narrow = [array.astype(np.float32) for array in (x, weight, grad)]
        relu = (None, None, None, np.inf)
        with use_conv_algorithm(algorithm):
            y = conv2d_forward(*narrow[:2], None, *case.options)
            y_relu = conv2d_norm_relu_forward(*narrow[:2], *relu, *case.options)
            with np.errstate(invalid="ignore"):  # where padding meets infinity
                grad_x = conv2d_grad_input(*narrow[:0:-1], x.shape, *case.options)
                of_x = conv2d_grad_weight(
                    case.grad.astype(np.float32), narrow[0], weight.shape, *case.options
                )
        expected = reference.conv2d(x, weight, None, *case.options)
        near = {"rtol": 1e-4, "atol": 1e-4}
        np.testing.assert_allclose(y, expected, **near)
        np.testing.assert_allclose(y_relu, np.maximum(expected, 0), **near)
        # In float64 it is im2col: its columns hold pixels as they are.
        with np.errstate(invalid="ignore"):
            exact = conv2d_grad_input(grad, weight, x.shape, *case.options)
            exact_of_x = conv2d_grad_weight(case.grad, x, weight.shape, *case.options)
        np.testing.assert_allclose(grad_x, exact, **near)
        np.testing.assert_allclose(of_x, exact_of_x, **near)
    assert tried


def test_only_a_call_with_nan_takes_another_way():
    """im2col rounds in another way, so only a call with a NaN takes it: clean calls keep theirs."""
    x, weight = (array.astype(np.float32) for array in (WIDE.x, WIDE.weight))
    clean = conv2d_forward(x, weight, None, *WIDE.options)
    with use_conv_algorithm("winograd_4x4"):
        np.testing.assert_array_equal(conv2d_forward(x, weight, None, *WIDE.options), clean)
    x[0, 3, 10, 10] = np.nan
    y = conv2d_forward(x, weight, None, *WIDE.options)
    assert np.isnan(y[0, 0]).sum() == 9
    with use_conv_algorithm("im2col"):
        np.testing.assert_array_equal(conv2d_forward(x, weight, None, *WIDE.options), y)


def test_large_numbers_that_overflow_in_a_transform_alone():
    """Winograd multiplies a pixel by up to 25; the sum of the window itself is finite."""
    case = Case((1, 16, 16, 16), (16, 16, 3, 3), padding=(1, 1))
    x = np.full(case.x.shape, 3e37, np.float32)
    weight = np.full(case.weight.shape, 1 / 144, np.float32)
    with use_conv_algorithm("winograd_4x4"):
        y = conv2d_forward(x, weight, None, *case.options)
    np.testing.assert_allclose(y[0, :, 1:-1, 1:-1], 3e37, rtol=1e-5)
