"""Sizes of a layer, the layer that is its transpose, and what an epilogue leaves out."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import use_conv_algorithm
from minicv.backend.convolution_layer import (
    NO_EPILOGUE,
    Epilogue,
    output_size,
    turn_weight,
    wanted_algorithm,
)
from minicv.backend.cpu import conv2d_forward
from minicv.backend.windows import Windows


@given(
    st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3)
)
def test_output_size_counts_windows(size, kernel, stride, padding, dilation):
    starts = range(-padding, size + padding - dilation * (kernel - 1), stride)
    assert max(0, output_size(size, kernel, stride, padding, dilation)) == len(starts)


def test_sizes_of_a_layer():
    layer = Case((2, 6, 11, 14), (9, 2, 3, 4), (2, 1), (1, 0), (1, 3), groups=3).layer
    assert layer.y_shape == (2, 9, 6, 5)
    assert layer.kernel == (3, 4) and layer.reach == (2, 9)
    assert layer.windows == Windows((3, 4), (2, 1), (1, 0), (1, 3), (6, 5))


@pytest.mark.parametrize("groups", [1, 3])
def test_the_turned_layer_is_the_transpose(groups):
    """<A x, u> = <x, Aᵀ u>, where Aᵀ is the turned layer with the turned weight."""
    case = Case((2, 6, 7, 9), (9, 6 // groups, 3, 2), (1, 1), (2, 1), (1, 2), groups)
    turned = case.layer.turned()
    y = conv2d_forward(case.x, case.weight, None, *case.options)
    weight = turn_weight(case.weight, groups)
    options = (turned.stride, turned.padding, turned.dilation, turned.groups)
    x = conv2d_forward(case.grad, weight, None, *options)
    assert weight.shape == turned.weight_shape and x.shape == turned.y_shape == case.x.shape
    np.testing.assert_allclose((y * case.grad).sum(), (case.x * x).sum(), rtol=1e-12)


def test_an_empty_epilogue():
    assert NO_EPILOGUE.is_empty
    for step in (
        {"scale": np.ones(2)},
        {"shift": np.zeros(2)},
        {"shortcut": np.zeros((1, 2, 1, 1))},
        {"ceiling": 0.0},
    ):
        assert not Epilogue(**step).is_empty


def test_blocks_nest_and_end_with_an_error():
    with pytest.raises(ZeroDivisionError), use_conv_algorithm("im2col"):
        with use_conv_algorithm("winograd_2x2"):
            assert wanted_algorithm() == "winograd_2x2"
        assert wanted_algorithm() == "im2col"
        raise ZeroDivisionError
    assert wanted_algorithm() is None


def test_a_name_that_is_none():
    message = "no algorithm 'fft'; choose one of im2col, shifted, interleaved, pointwise"
    with pytest.raises(ValueError, match=message), use_conv_algorithm("fft"):
        pass
