"""roi_align against its twin, its adjoint, and what a plane must give."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.backend import cpu
from minicv.testing import adjoint_check, gradcheck, strategies


@st.composite
def regions(draw):
    """Sizes N, C, H, W, R, PH, PW all different, boxes in a map scaled by 1/4, and options."""
    n, c, h, w, r, ph, pw = draw(strategies.distinct_sizes(7, high=8))
    boxes = draw(strategies.boxes(r, 4.0 * w, 4.0 * h))
    images = draw(strategies.arrays((r,), 0, n)).astype(np.int64)
    ratio, aligned = draw(st.sampled_from([-1, 1, 2, 3])), draw(st.booleans())
    return (n, c, h, w), (boxes, images, (ph, pw), 0.25, ratio, aligned)


@given(regions(), st.data())
def test_equals_the_loops(case, data):
    shape, arguments = case
    x = data.draw(strategies.arrays(shape))
    expected = reference.roi_align(x, *arguments)
    y = F.roi_align(data.draw(strategies.layouts(x)), *arguments)
    np.testing.assert_allclose(y.data, expected, atol=1e-12)
    single = F.roi_align(x.astype(np.float32), *arguments)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.data, expected, atol=1e-5)


@given(regions(), st.data())
def test_backward_is_the_transpose(case, data):
    shape, arguments = case
    adjoint_check(lambda t: F.roi_align(t, *arguments), data.draw(strategies.arrays(shape)))


@given(regions(), st.data())
def test_what_forward_keeps_changes_no_bit_of_the_gradient(case, data):
    shape, arguments = case
    x, kept = data.draw(strategies.arrays(shape)), {}
    y = cpu.roi_align(x, *arguments, kept)
    anew = cpu.roi_align_backward(y, shape, *arguments)
    np.testing.assert_array_equal(cpu.roi_align_backward(y, shape, *arguments, kept), anew)


def test_every_element_of_the_gradient():
    x = np.random.default_rng(0).normal(size=(2, 1, 4, 5))
    boxes, images = np.array([[0.3, 0.4, 3.2, 3.9], [1.0, 1.0, 4.0, 2.0]]), np.array([1, 0])
    gradcheck(lambda t: F.roi_align(t, boxes, images, (2, 3), 1.0, 2), x, mode="full")


def test_a_plane_is_sampled_exactly():
    rows, columns = np.mgrid[:12, :15]
    plane = (2.0 * rows - 3.0 * columns + 1.0)[None, None]
    box = np.array([[2.25, 3.5, 11.75, 9.5]])
    # The mean of a plane over a bin is its value in the middle; position i is centred at i + 1/2.
    down = 3.5 + 6.0 * (np.arange(3) + 0.5) / 3 - 0.5
    along = 2.25 + 9.5 * (np.arange(4) + 0.5) / 4 - 0.5
    for ratio in (-1, 1, 3):
        y = F.roi_align(plane, box, np.array([0]), (3, 4), sampling_ratio=ratio)
        np.testing.assert_allclose(y.data[0, 0], 2 * down[:, None] - 3 * along + 1, atol=1e-10)


def test_aligned_shifts_by_half_a_position():
    x = np.random.default_rng(0).normal(size=(1, 2, 9, 9))
    box, image = np.array([[2.0, 3.0, 7.0, 8.0]]), np.array([0])
    y = F.roi_align(x, box, image, 3, sampling_ratio=2, aligned=False)
    shifted = F.roi_align(x, box + 0.5, image, 3, sampling_ratio=2, aligned=True)
    np.testing.assert_allclose(y.data, shifted.data, atol=1e-12)


def test_unaligned_regions_are_at_least_one_position():
    x = np.random.default_rng(0).normal(size=(1, 1, 6, 6))
    point, square = np.array([[2.0, 3.0, 2.0, 3.0]]), np.array([[2.0, 3.0, 3.0, 4.0]])
    image = np.array([0])
    y = F.roi_align(x, point, image, 2, aligned=False)
    np.testing.assert_array_equal(y.data, F.roi_align(x, square, image, 2, aligned=False).data)
    assert not F.roi_align(x, point, image, 2, aligned=True).data.any()


def test_whole_map_with_one_sample_a_position_is_the_map():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 7))
    boxes = np.array([[0.0, 0.0, 70.0, 50.0], [0.0, 0.0, 70.0, 50.0]])
    y = F.roi_align(x, boxes, np.array([1, 0]), (5, 7), 0.1, sampling_ratio=1)
    np.testing.assert_allclose(y.data, x[::-1], atol=1e-12)
    mean = F.roi_align(x, boxes, np.array([0, 1]), 1, 0.1)
    np.testing.assert_allclose(mean.data, F.adaptive_avg_pool2d(x, 1).data, atol=1e-12)


def test_boxes_outside_of_the_map_are_zero():
    x = Tensor(np.ones((1, 1, 4, 4)), requires_grad=True)
    boxes = np.array([[50.0, 0.0, 60.0, 4.0], [-60.0, 0.0, -50.0, 4.0]])
    y = F.roi_align(x, boxes, np.array([0, 0]), 2)
    assert not y.data.any()
    y.backward(np.ones(y.shape))
    assert not x.grad.any()


def test_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(2, 130, 6, 7)).astype(np.float32)
    boxes = np.sort(rng.uniform(0, 7, (40, 2, 2)), axis=1).reshape(40, 4)
    images = rng.integers(0, 2, 40)
    grad = rng.normal(size=(40, 130, 2, 2)).astype(np.float32)
    results = []
    for threads in ("1", "2"):
        monkeypatch.setenv("MINICV_NUM_THREADS", threads)
        x = Tensor(data, requires_grad=True)
        y = F.roi_align(x, boxes, images, 2)
        y.backward(grad)
        results.append((y.data, x.grad))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_no_regions_and_no_images():
    x = Tensor(np.ones((2, 3, 5, 7)), requires_grad=True)
    y = F.roi_align(x, np.zeros((0, 4)), np.zeros(0, np.int64), (2, 4))
    assert y.shape == (0, 3, 2, 4)
    y.backward(np.zeros(y.shape))
    assert not x.grad.any()
    empty = F.roi_align(np.ones((0, 3, 5, 7)), np.zeros((0, 4)), np.zeros(0, np.int64), 2)
    assert empty.shape == (0, 3, 2, 2)
