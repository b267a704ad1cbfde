"""RoIAlign on CUDA is RoIAlign on the CPU, for any region, in both forms of the gradient."""

import numpy as np
import pytest
from cuda_kernels import check_in_order, check_kernel, cupy, needs_compiler
from hypothesis import given
from hypothesis import strategies as st
from region_cases import regions

from minicv.backend import cpu, cuda, to_numpy

pytestmark = needs_compiler


@given(regions(), st.sampled_from([-1, 0, 1, 2, 3]), st.booleans())
def test_any_region(case, sampling_ratio, aligned):
    x, boxes, images, size, scale = case
    options = (boxes, images, size, scale, sampling_ratio, aligned)
    close = {"rtol": 1e-5, "atol": 1e-5} if x.dtype == np.float32 else {"rtol": 1e-11}
    check_kernel("roi_align", x, *options, **close)
    shape = (len(boxes), x.shape[1], *size)
    grad = np.random.default_rng(1).normal(size=shape).astype(x.dtype)
    for check in (check_kernel, check_in_order):
        check("roi_align_backward", grad, x.shape, *options, **close)


@pytest.mark.parametrize("aligned", [True, False])
def test_maps_wider_and_higher_than_a_tile(aligned):
    """In order, the map is cut; regions lie within tiles, on their edges, and over all."""
    rng = np.random.default_rng(0)
    shape = (2, 5, 19, 70)
    corners = np.array(
        [[-3.0, -2, 75, 21], [30, 6, 34, 10], [31.5, 7.5, 32.5, 8.5], [64, 16, 70, 19]]
    )
    boxes, images = np.concatenate([corners, corners]), np.repeat([1, 0], 4)
    grad = rng.normal(size=(8, 5, 2, 3))
    for check in (check_kernel, check_in_order):
        check("roi_align_backward", grad, shape, boxes, images, (2, 3), 1.0, 2, aligned)


def test_more_regions_than_a_block_looks_at_once():
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.uniform(0, 4, (300, 2, 2)), axis=1).reshape(300, 4)
    images = rng.integers(0, 2, 300)
    grad = rng.normal(size=(300, 1, 1, 2))
    check_in_order("roi_align_backward", grad, (2, 1, 4, 3), boxes, images, (1, 2), 1.0, 1, True)


def test_nan_reaches_only_bins_that_take_something_of_it():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    x[0, 0, 1, 1] = np.nan
    box = np.array([[0.0, 0, 4, 4]])
    check_kernel("roi_align", x, box, np.array([0]), (4, 4), 1.0, 1, True)
    y = cpu.roi_align(x, box, np.array([0]), (4, 4), 1.0, 1, True)
    assert np.isnan(y).sum() == 1


def test_more_channels_and_bins_than_one_block_has_threads_for():
    rng = np.random.default_rng(0)
    options = (np.array([[0.0, 0, 3, 2], [1, 1, 2, 2]]), np.array([1, 0]), (5, 7), 1.0, 2, False)
    check_kernel("roi_align", rng.normal(size=(2, 42, 3, 4)), *options)
    check_kernel("roi_align_backward", rng.normal(size=(2, 42, 5, 7)), (2, 42, 3, 4), *options)


def test_a_box_that_is_no_number_ends_as_zeros():
    """Nobody looks at the boxes of a device: their kernel must come to an end with any."""
    x, box = cupy.asarray(np.ones((1, 2, 5, 6))), cupy.asarray(np.full((1, 4), np.nan))
    y = cuda.roi_align(x, box, cupy.asarray(np.array([0])), (2, 2), 1.0, 0, True)
    assert not to_numpy(y).any()


def test_integer_boxes_and_arrays_with_gaps():
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).transpose(3, 2, 1, 0)
    boxes = np.array([[0, 0, 3, 2], [1, 1, 2, 2], [0, 1, 2, 2]])[::2]
    images = np.array([1, 0, 1], np.int32)[::2]
    options = (boxes, images, (2, 2), 1.0, -1, True)
    check_kernel("roi_align", x, *options)
    grad = np.asfortranarray(np.random.default_rng(1).normal(size=(2, 3, 2, 2)))
    for check in (check_kernel, check_in_order):
        check("roi_align_backward", grad, x.shape, *options)
