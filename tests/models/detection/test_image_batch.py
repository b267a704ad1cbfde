"""Photographs of any size into one batch, and boxes there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.detection.image_batch import make_batch
from minicv.models.photographs import resize_image, resized_size
from minicv.testing import strategies

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "multiple_of": 1}
sides = st.integers(1, 90)


def random_image(seed, height, width):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


shapes_of_a_batch = st.lists(st.tuples(sides, sides), min_size=1, max_size=3)


@given(strategies.seeds(), shapes_of_a_batch, st.sampled_from([1, 8, 16]))
def test_every_image_lies_in_the_corner_and_the_rest_is_zero(seed, shapes, multiple_of):
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
    assert batch.original_sizes == shapes
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
def test_what_is_no_image_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        make_batch([random_image(0, 4, 4), image], min_size=8, max_size=8, **PLAIN)
