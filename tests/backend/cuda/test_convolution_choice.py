"""Which algorithm a GPU takes, and how it is overruled."""

import numpy as np
import pytest
from convolution_cases import Case
from convolution_on_cuda import DIRECTIONS, algorithms_of

from minicv.backend import matmul_precision, use_conv_algorithm
from minicv.backend.cuda.convolution import choose_algorithm

pytestmark = pytest.mark.host_only
WIDE = Case((1, 64, 30, 31), (80, 64, 3, 3), padding=(1, 1))
FIRST = Case((1, 3, 30, 31), (64, 3, 7, 7), stride=(2, 2), padding=(3, 3))


def chosen(case, dtype=np.float32, tensor_cores=True):
    layer = case.layer._replace(dtype=np.dtype(dtype))
    return tuple(choose_algorithm(layer, direction, tensor_cores) for direction in DIRECTIONS)


@pytest.mark.host_only
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case((2, 24, 5, 7), (40, 24, 1, 1), stride=(2, 1)), ("pointwise",) * 3),
        (Case((2, 24, 5, 7), (24, 1, 3, 3), groups=24), ("depthwise",) * 3),
        (WIDE, ("winograd_2x2", "winograd_2x2", "im2col")),
        (Case((1, 64, 9, 9), (80, 64, 3, 3)), ("implicit_gemm", "implicit_gemm", "im2col")),
        (Case((1, 64, 9, 9), (128, 64, 3, 3)), ("im2col",) * 3),  # few pixels
        (Case((1, 31, 30, 31), (80, 31, 3, 3)), ("implicit_gemm", "im2col", "im2col")),
        (FIRST, ("implicit_gemm", "im2col", "im2col")),
        (Case((1, 3, 30, 31), (128, 3, 3, 3)), ("implicit_gemm", "im2col", "im2col")),  # few rows
        (Case((1, 64, 30, 31), (128, 64, 3, 3), stride=(2, 2)), ("im2col",) * 3),
        (Case((1, 64, 30, 31), (128, 64, 3, 3), dilation=(2, 2)), ("im2col",) * 3),
        (
            Case((1, 64, 9, 9), (128, 2, 3, 3), groups=32),
            ("implicit_gemm", "implicit_gemm", "im2col"),
        ),
        (
            Case((1, 24, 9, 9), (48, 1, 3, 3), stride=(2, 1), groups=24),
            ("implicit_gemm", "im2col", "im2col"),
        ),
        (Case((1, 128, 30, 31), (128, 128, 3, 3), padding=(3, 1)), ("im2col",) * 3),
        (Case((1, 64, 30, 31), (128, 64, 1, 1), padding=(1, 1)), ("im2col",) * 3),
    ],
)
def test_choice_by_shape(case, expected):
    assert chosen(case) == expected


@pytest.mark.host_only
def test_winograd_is_for_float32():
    assert chosen(WIDE, np.float64) == ("implicit_gemm", "implicit_gemm", "im2col")


TF32 = "implicit_gemm_tf32"


@pytest.mark.host_only
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case((8, 64, 112, 112), (64, 64, 3, 3), padding=(1, 1)), (TF32,) * 3),
        (Case((8, 128, 56, 56), (128, 128, 3, 3), (2, 2), (1, 1)), (TF32, "im2col", TF32)),
        (Case((8, 512, 7, 7), (512, 512, 3, 3), padding=(1, 1)), ("im2col",) * 3),  # too few blocks
        (Case((8, 3, 224, 224), (64, 3, 7, 7), (2, 2), (3, 3)), (TF32, "im2col", "im2col")),
        (Case((8, 64, 56, 56), (64, 4, 3, 3), padding=(1, 1), groups=16), (TF32, TF32, "im2col")),
        (Case((8, 64, 56, 56), (256, 64, 1, 1)), ("pointwise",) * 3),
        (Case((8, 256, 56, 56), (128, 256, 1, 1), (2, 2)), (TF32, TF32, "pointwise")),
        (Case((8, 64, 56, 56), (64, 1, 3, 3), padding=(1, 1), groups=64), ("depthwise",) * 3),
    ],
)
def test_choice_under_tf32(case, expected):
    """Where im2col's columns take longer than the tensor cores with what a tile wastes."""
    with matmul_precision("tf32"):
        assert chosen(case) == expected
        assert TF32 not in chosen(case, np.float64)
        assert TF32 not in chosen(case, tensor_cores=False)
    assert TF32 not in chosen(case)


@pytest.mark.host_only
def test_under_tf32_an_epilogue_belongs_into_the_registers():
    """cuBLAS's products would be read and written again; where there are many, that is less."""
    with matmul_precision("tf32"):
        for channels, with_epilogue, expected in [
            (64, False, "pointwise"),
            (64, True, TF32),
            (2048, True, "pointwise"),
        ]:
            layer = Case((8, channels, 28, 28), (512, channels, 1, 1)).layer
            chosen = choose_algorithm(layer, "forward", with_epilogue=with_epilogue)
            assert chosen == expected


def test_overruling():
    with use_conv_algorithm("im2col"):
        assert chosen(WIDE) == chosen(Case((2, 24, 5, 7), (40, 24, 1, 1))) == ("im2col",) * 3
    with use_conv_algorithm("implicit_gemm"):
        assert chosen(WIDE) == ("implicit_gemm", "implicit_gemm", "im2col")
        assert chosen(FIRST) == ("implicit_gemm", "im2col", "im2col")  # at stride 1 alone
    with use_conv_algorithm("winograd_2x2"), matmul_precision("tf32"):
        assert chosen(WIDE) == ("winograd_2x2", "winograd_2x2", "im2col")
    for of_the_cpu in ("winograd_4x4", "space_to_depth"):
        with use_conv_algorithm(of_the_cpu):
            assert chosen(WIDE) == ("winograd_2x2", "winograd_2x2", "im2col")


@pytest.mark.host_only
def test_what_each_algorithm_can():
    three = Case((1, 4, 9, 9), (4, 4, 3, 3))
    assert algorithms_of(three) == {"im2col", "implicit_gemm", "winograd_2x2"}
    assert algorithms_of(three, direction="grad_weight") == {"im2col"}
    strided = Case((1, 4, 9, 9), (4, 4, 1, 1), stride=(2, 2))
    assert algorithms_of(strided, direction="grad_input") == {"im2col", "pointwise"}
    with matmul_precision("tf32"):
        assert algorithms_of(three, direction="grad_weight") == {"im2col", "implicit_gemm_tf32"}
        assert algorithms_of(three, np.float64) == {"im2col", "implicit_gemm"}
    depthwise = Case((1, 4, 9, 9), (4, 1, 3, 3), groups=4)
    assert algorithms_of(depthwise) == {"im2col", "implicit_gemm", "depthwise"}


def test_in_a_recording_no_choice_needs_cublas(monkeypatch):
    monkeypatch.setattr("minicv.backend.cuda.convolution.is_recording", lambda: True)
    pointwise = Case((2, 24, 5, 7), (40, 24, 1, 1))
    for case in (WIDE, pointwise, Case((1, 128, 30, 31), (128, 128, 3, 3))):
        assert chosen(case)[:2] == ("implicit_gemm", "implicit_gemm")
    assert chosen(Case((2, 24, 5, 7), (24, 1, 3, 3), groups=24))[:2] == ("depthwise",) * 2
    assert chosen(FIRST)[:2] == ("implicit_gemm", "im2col")  # its products are our own then
    with matmul_precision("tf32"):
        assert chosen(WIDE)[:2] == ("implicit_gemm_tf32",) * 2
