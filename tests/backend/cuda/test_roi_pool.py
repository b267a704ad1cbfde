"""RoIPool on CUDA is RoIPool on the CPU, for any region, in both forms of the gradient."""

import numpy as np
import pytest
from cuda_kernels import check_in_order, check_kernel, needs_compiler
from hypothesis import given
from hypothesis import strategies as st
from region_cases import regions

from minicv.backend import cpu

pytestmark = needs_compiler


@given(regions(), st.booleans())
def test_any_region(case, with_nan):
    x, boxes, images, size, scale = case
    if with_nan:
        x[np.random.default_rng(0).random(x.shape) < 0.3] = np.nan
    check_kernel("roi_pool", x, boxes, images, size, scale, rtol=0, atol=0)
    y, positions = cpu.roi_pool(x, boxes, images, size, scale)
    grad = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
    for check in (check_kernel, check_in_order):
        check("roi_pool_backward", grad, positions, images, x.shape, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("far", [1e3, 1e9, 1e30])
def test_corners_far_away(far):
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 5))
    boxes = far * np.array([[-1, -1, 1, 1], [0, 0, 1, 1], [-1, 0, 0, 1], [1, 1, -1, -1.0]])
    for size in ((1, 1), (2, 3), (3, 2)):
        check_kernel("roi_pool", x, boxes, np.zeros(4, np.int64), size, 0.5, rtol=0, atol=0)


def test_corners_are_rounded_as_on_the_host():
    """0.1 x 5 is a half once it is rounded to a double, and less than one before."""
    x = np.arange(9.0).reshape(1, 1, 1, 9)
    corners = np.array([5.0, 15, 25, 35, 45, 55])
    boxes = np.stack([corners, 0 * corners, corners, 0 * corners], axis=1)
    for scale in (0.1, 0.1 + 2e-17, 0.1 - 2e-17):
        check_kernel("roi_pool", x, boxes, np.zeros(6, np.int64), (1, 1), scale, rtol=0, atol=0)


def test_more_channels_and_bins_than_one_block_has_threads_for():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 42, 3, 4))
    boxes, images = np.array([[0.0, 0, 3, 2], [1, 1, 2, 2]]), np.array([1, 0])
    check_kernel("roi_pool", x, boxes, images, (5, 7), 1.0)
    y, positions = cpu.roi_pool(x, boxes, images, (5, 7), 1.0)
    check_in_order("roi_pool_backward", rng.normal(size=y.shape), positions, images, x.shape)


def test_integer_boxes_and_arrays_with_gaps():
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).transpose(3, 2, 1, 0)
    boxes = np.array([[0, 0, 3, 2], [1, 1, 2, 2], [0, 1, 2, 2]])[::2]
    images = np.array([1, 0, 1], np.int32)[::2]
    check_kernel("roi_pool", x, boxes, images, (2, 2), 1.0)
    y, positions = cpu.roi_pool(x, boxes, images, (2, 2), 1.0)
    grad, positions = (np.asfortranarray(array) for array in (np.ones(y.shape), positions))
    check_kernel("roi_pool_backward", grad, positions, images, x.shape)
