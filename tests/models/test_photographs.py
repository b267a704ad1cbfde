"""Photographs before a network: sizes, what is refused, and the batch in which they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.photographs import check_image, normalised_batch, resize_image, resized_size
from minicv.testing import strategies

sides = st.integers(1, 90)
limits = st.integers(1, 120)


def random_image(seed, height, width):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


@given(sides, sides, limits, limits)
def test_resized_size_is_as_large_as_both_limits_allow(height, width, min_size, max_size):
    new = resized_size(height, width, min_size, max_size)
    assert min(new) >= 1 and max(new) <= max_size
    # One of the limits is reached, and both sides have the same scale up to half a pixel.
    assert min(new) == min_size or max(new) == max_size
    scale = min(min_size / min(height, width), max_size / max(height, width))
    for side, old in zip(new, (height, width), strict=True):
        assert abs(side - old * scale) <= 0.5 or side == 1


def test_half_a_pixel_is_rounded_up():
    assert resized_size(2, 5, min_size=1, max_size=99) == (1, 3)  # 2.5, which round() makes 2
    assert resized_size(9, 2, min_size=1, max_size=99) == (5, 1)


@pytest.mark.parametrize(("new", "margin"), [(12, 1), (96, 2), (36, 1)])
def test_pixels_and_boxes_are_moved_alike(new, margin):
    """The centre of pixel i is at i + 0.5 before and after: a ramp of coordinates stays one."""
    ramp = np.broadcast_to(np.arange(24, dtype=np.float32) + 0.5, (3, 24, 24))
    for image in (ramp, ramp.transpose(0, 2, 1)):
        resized = resize_image(image, new, new)
        centres = (np.arange(new) + 0.5) * 24 / new
        along = resized[0] if image is ramp else resized[0].T
        inside = slice(margin, new - margin)
        np.testing.assert_allclose(along[3, inside], centres[inside], rtol=1e-5)


def test_images_of_the_right_size_are_not_touched():
    image = random_image(0, 12, 20)
    assert resize_image(image, 12, 20) is image


@given(strategies.seeds(), st.lists(st.tuples(sides, sides), min_size=1, max_size=3), limits)
def test_each_image_stands_in_its_corner_of_the_batch(seed, shapes, multiple_of):
    images = [random_image(seed + i, *shape) for i, shape in enumerate(shapes)]
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    batch = normalised_batch(images, mean, std, multiple_of)
    assert batch.dtype == np.float32 and batch.shape[:2] == (len(images), 3)
    for side, lengths in zip(batch.shape[2:], zip(*shapes, strict=True), strict=True):
        assert side % multiple_of == 0 and max(lengths) <= side < max(lengths) + multiple_of
    for image, pixels, (h, w) in zip(images, batch, shapes, strict=True):
        expected = [(image[colour] - mean[colour]) / std[colour] for colour in range(3)]
        np.testing.assert_allclose(pixels[:, :h, :w], expected, rtol=1e-5, atol=1e-6)
        assert not pixels[:, h:].any() and not pixels[:, :, w:].any()


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (3, 0, 8), (1, 8, 8), (2, 3, 8, 8)])
def test_other_shapes_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"^SegNet: image 'a' has shape \(.*expected \(3, height"):
        check_image(np.zeros(shape, np.float32), "SegNet: image 'a'")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.complex64])
def test_what_is_not_0_to_1_is_refused(dtype):
    with pytest.raises(ValueError, match=r"expected floats in 0\.\.1"):
        check_image(np.zeros((3, 8, 8), dtype), "image")
    check_image(np.zeros((3, 1, 1), np.float16), "image")
