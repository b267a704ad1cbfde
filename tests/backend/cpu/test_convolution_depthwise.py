"""Depthwise convolution by windows with channels last, its gradients by planes laid flat."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import use_conv_algorithm
from minicv.backend.cpu import convolution_depthwise as depthwise
from minicv.testing import strategies


@st.composite
def cases(draw):
    n, c = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    kernel = draw(st.sampled_from([(3, 3), (5, 5), (1, 4), (3, 2), (1, 1)]))
    stride = draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 2)]))
    dilation = draw(st.sampled_from([(1, 1), (2, 1), (2, 3)]))
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    extra = draw(strategies.distinct_sizes(2, low=0, high=9))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p + e)
        for d, k, p, e in zip(dilation, kernel, padding, extra, strict=True)
    )
    return Case((n, c, *size), (c, 1, *kernel), stride, padding, dilation, groups=c)


def agrees(case):
    """In absolute terms: a sum of few terms may cancel, and then no relative error is small."""
    with use_conv_algorithm("depthwise"):  # some of these layers are too small for the choice
        assert case.algorithm() == "depthwise"
        for fast, exact in zip(case.run(np.float32), case.run(np.float64), strict=True):
            np.testing.assert_allclose(fast, exact, rtol=1e-4, atol=1e-4)


@given(cases())
def test_all_three_kernels(case):
    agrees(case)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_the_layers_of_mobile_networks(kernel, stride):
    half = kernel // 2
    options = {"stride": (stride, stride), "padding": (half, half), "groups": 12}
    case = Case((2, 12, 40, 47), (12, 1, kernel, kernel), **options)
    assert case.algorithm() == "depthwise"
    assert max(case.errors()) < 2e-6


def test_long_sums_stay_exact():
    """The gradient of a weight sums over all pixels of all images."""
    assert max(Case((2, 3, 200, 210), (3, 1, 3, 3), padding=(1, 1), groups=3).errors()) < 2e-6


@pytest.mark.parametrize("images", [1, 2])
def test_more_blocks_than_one(images, monkeypatch):
    case = Case((images, 7, 9, 8), (7, 1, 3, 3), padding=(1, 1), groups=7)
    usual = case.run(np.float32)
    monkeypatch.setattr(depthwise, "FRAME_ELEMENTS", 1)  # one row of the result at a time
    monkeypatch.setattr(depthwise, "PLANE_ELEMENTS", 1)  # one channel at a time
    for cut, whole in zip(case.run(np.float32), usual, strict=True):
        np.testing.assert_array_equal(cut, whole)


def test_a_single_image_is_shared_by_two_cores_unless_it_is_small():
    def blocks(images, size):
        return depthwise.Frames(Case((images, 64, size, size), (64, 1, 3, 3), groups=64).layer)

    assert len(blocks(1, 50).blocks()) == 2 and len(blocks(2, 50).blocks()) == 2
    assert len(blocks(1, 14).blocks()) == 1


def test_memory_that_is_not_contiguous():
    case = Case((2, 5, 8, 9), (5, 1, 3, 3), padding=(1, 1), groups=5)
    case.x = np.asfortranarray(case.x)
    case.weight = case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, :, ::-1, ::-1]
    agrees(case)
