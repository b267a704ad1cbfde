"""The choice among algorithms, how to overrule it, and that each cost is that of the arithmetic."""

from typing import get_args

import numpy as np
import pytest
from convolution_cases import Case

from minicv.backend import use_conv_algorithm
from minicv.backend.cpu.convolution_choice import IDEAS, Algorithm, Direction, costs

WIDE = Case((1, 64, 30, 30), (64, 64, 3, 3), padding=(1, 1))


def test_each_algorithm_has_its_idea():
    assert set(IDEAS) == set(get_args(Algorithm))


@pytest.mark.parametrize("name", ["im2col", "winograd_2x2", "winograd_4x4"])
def test_another_algorithm_gives_the_same_but_for_rounding(name):
    usual = WIDE.run(np.float32)
    with use_conv_algorithm(name):
        assert {WIDE.algorithm(direction=d) for d in get_args(Direction)} == {name}
        for array, other in zip(WIDE.run(np.float32), usual, strict=True):
            assert np.linalg.norm(array - other) <= 2e-5 * np.linalg.norm(other)


def test_every_algorithm_is_taken_where_it_can_and_only_there():
    strided = Case((1, 4, 12, 12), (4, 4, 3, 3), stride=(2, 2))
    with use_conv_algorithm("cells"):
        assert strided.algorithm() == "cells"
        assert max(strided.errors()) < 2e-6
        assert WIDE.algorithm() == "winograd_4x4"
    with use_conv_algorithm("winograd_4x4"):
        assert strided.algorithm() == "im2col"
        assert WIDE.algorithm("float64") == "im2col"


def test_blocks_nest_and_end_with_an_error():
    with pytest.raises(ZeroDivisionError), use_conv_algorithm("im2col"):
        with use_conv_algorithm("winograd_2x2"):
            assert WIDE.algorithm() == "winograd_2x2"
        assert WIDE.algorithm() == "im2col"
        raise ZeroDivisionError
    assert WIDE.algorithm() == "winograd_4x4"


def test_a_name_that_is_none():
    message = "no algorithm 'fft'; choose one of im2col, pointwise"
    with pytest.raises(ValueError, match=message), use_conv_algorithm("fft"):
        pass


@pytest.mark.parametrize("direction", get_args(Direction))
def test_multiply_adds_by_hand(direction):
    # 2 images of 8x8, 3 -> 5 channels
    of = costs(Case((2, 3, 8, 8), (5, 3, 3, 3), padding=(1, 1)).layer, direction)
    assert of["im2col"].multiply_adds == 2 * 64 * 3 * 5 * 9
    products, images, results, kernels = 8 * 36 * 15, 8 * 3 * 36**2, 8 * 5 * 36 * 16, 15 * 36 * 9
    assert of["winograd_4x4"].multiply_adds == products + images + results + kernels
    products, images, results, kernels = 32 * 16 * 15, 32 * 3 * 16**2, 32 * 5 * 16 * 4, 15 * 16 * 9
    assert of["winograd_2x2"].multiply_adds == products + images + results + kernels
    of = costs(Case((2, 3, 8, 8), (5, 3, 1, 1)).layer, direction)
    assert of["pointwise"].multiply_adds == of["im2col"].multiply_adds == 2 * 64 * 15
    of = costs(Case((2, 3, 8, 8), (3, 1, 3, 3), padding=(1, 1), groups=3).layer, direction)
    assert of["depthwise"].multiply_adds == of["im2col"].multiply_adds == 2 * 64 * 3 * 9
    of = costs(Case((2, 3, 8, 8), (5, 3, 4, 4), stride=(2, 2), padding=(1, 1)).layer, direction)
    assert of["im2col"].multiply_adds == 2 * 16 * 15 * 16
    assert of["cells"].multiply_adds == 2 * 25 * 15 * 16
