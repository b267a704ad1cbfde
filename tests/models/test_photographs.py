"""Photographs before a network: sizes, what is refused, one batch, and boxes there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.backbones import SmallBackbone
from minicv.models.photographs import (
    batch_for,
    check_image,
    denormalised,
    make_batch,
    normalised_batch,
    resize_image,
    resized_size,
)
from minicv.testing import strategies

sides = st.integers(1, 90)
limits = st.integers(1, 120)
shapes_of_a_batch = st.lists(st.tuples(sides, sides), min_size=1, max_size=3)
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "multiple_of": 1}


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


@given(strategies.seeds(), shapes_of_a_batch, limits)
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


# A batch of images of any size


@given(strategies.seeds(), shapes_of_a_batch, st.sampled_from([1, 8, 16]))
def test_images_are_resized_into_the_corner_and_the_rest_is_zero(seed, shapes, multiple_of):
    images = [random_image(seed + i, *shape) for i, shape in enumerate(shapes)]
    before = [image.copy() for image in images]
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    batch = make_batch(
        images, min_size=20, max_size=50, mean=mean, std=std, multiple_of=multiple_of
    )
    n, c, height, width = batch.pixels.shape
    assert (n, c) == (len(images), 3) and batch.pixels.dtype == np.float32
    for side, needed in ((height, 0), (width, 1)):
        longest = max(size[needed] for size in batch.sizes)
        assert side % multiple_of == 0 and longest <= side < longest + multiple_of
    assert all(kept is image for kept, image in zip(batch.images, images, strict=True))
    for image, untouched, pixels, (h, w) in zip(
        images, before, batch.pixels, batch.sizes, strict=True
    ):
        assert (h, w) == resized_size(*image.shape[1:], 20, 50)
        resized = resize_image(image, h, w)
        for colour in range(3):
            expected = (resized[colour] - mean[colour]) / std[colour]
            np.testing.assert_allclose(pixels[colour, :h, :w], expected, rtol=1e-5, atol=1e-6)
        assert not pixels[:, h:].any() and not pixels[:, :, w:].any()
        np.testing.assert_array_equal(image, untouched)


@given(strategies.seeds(), sides, sides)
def test_boxes_there_and_back(seed, height, width):
    images = [random_image(0, 30, 40), random_image(0, height, width)]
    batch = make_batch(images, min_size=37, max_size=61, **PLAIN)
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(-0.2, 1.2, (7, 4)) * [width, height, width, height]
    there = batch.boxes_to_batch(1, boxes)
    back = batch.boxes_to_image(1, there)
    clipped = np.clip(boxes, 0, [width, height, width, height])
    np.testing.assert_allclose(back, clipped, rtol=1e-9, atol=1e-9)
    # The whole image is the whole image there, though its new sides were rounded.
    whole = batch.boxes_to_batch(1, np.array([[0.0, 0, width, height]]))
    h, w = batch.sizes[1]
    np.testing.assert_allclose(whole, [[0, 0, w, h]], rtol=1e-12)
    assert batch.boxes_to_batch(1, np.zeros((0, 4))).shape == (0, 4)
    assert batch.boxes_to_image(1, np.zeros((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1, 1), (64, 64)), ((1, 5000), (1, 96)), ((5000, 1), (96, 1)), ((3, 200), (1, 96))],
)
def test_one_pixel_and_oblong_images(shape, expected):
    batch = make_batch([np.full((3, *shape), 0.5, np.float32)], min_size=64, max_size=96, **PLAIN)
    assert batch.sizes == [expected]
    np.testing.assert_allclose(batch.pixels, 0.5, atol=1e-6)
    box = np.array([[0.0, 0.0, shape[1], shape[0]]])
    np.testing.assert_allclose(batch.boxes_to_image(0, batch.boxes_to_batch(0, box)), box)


def test_other_layouts_and_float64():
    image = random_image(1, 12, 20)
    options = {"min_size": 17, "max_size": 40, **PLAIN}
    expected = make_batch([image], **options).pixels
    pixels_last = np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
    for other in (image.astype(np.float64), np.asfortranarray(image), pixels_last):
        np.testing.assert_allclose(make_batch([other], **options).pixels, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), np.float32), r"image 1 has shape \(8, 8\); expected \(3, height, width"),
        (np.zeros((8, 8, 3), np.float32), r"image 1 has shape \(8, 8, 3\)"),
        (np.zeros((3, 0, 8), np.float32), r"image 1 has shape \(3, 0, 8\).*at least one pixel"),
        (np.zeros((3, 8, 8), np.uint8), "image 1 is uint8; expected floats in 0..1"),
    ],
)
def test_what_is_no_image_is_refused_in_a_batch(image, message):
    with pytest.raises(ValueError, match=message):
        make_batch([random_image(0, 4, 4), image], min_size=8, max_size=8, **PLAIN)


def test_no_images_are_no_batch():
    with pytest.raises(ValueError, match="expected at least one image but got none"):
        make_batch([], min_size=8, max_size=8, **PLAIN)


def test_the_backbone_says_how_to_normalise_and_what_it_saw_is_shown():
    backbone = SmallBackbone(4, rng=np.random.default_rng(0))
    images = [random_image(0, 20, 30), random_image(1, 40, 20)]
    batch = batch_for(backbone, images, min_size=20, max_size=40)
    assert batch.pixels.shape == (2, 3, 40, 32)  # multiples of the stride, 8
    np.testing.assert_allclose(batch.pixels[0, :, :20, :30], (images[0] - 0.5) / 0.25, atol=1e-5)
    for index, image in enumerate(images):
        np.testing.assert_allclose(batch.input_image(index, backbone), image, atol=1e-6)


@given(strategies.seeds(), sides, sides)
def test_denormalised_undoes_the_normalisation(seed, height, width):
    image, mean, std = random_image(seed, height, width), (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    pixels = normalised_batch([image], mean, std)
    np.testing.assert_allclose(denormalised(pixels, mean, std)[0], image, atol=1e-6)
    assert denormalised(100 * np.ones_like(pixels), mean, std).max() == 1  # no brighter than white
