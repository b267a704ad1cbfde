"""Warped boxes against a loop over every pixel, and where a box leaves the image."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicv.vision.warp import warp_boxes


def warp_by_loops(image, box, size, context):
    channels, height, width = image.shape
    result = np.zeros((channels, size, size))
    x1, y1, x2, y2 = (float(side) for side in box)

    def pixel(c, row, column):
        return image[c, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]

    for i in range(size):
        for j in range(size):
            y = y1 + (i + 0.5 - context) * (y2 - y1) / (size - 2 * context)
            x = x1 + (j + 0.5 - context) * (x2 - x1) / (size - 2 * context)
            if not (0 <= y < height and 0 <= x < width):
                continue
            row, column = math.floor(y - 0.5), math.floor(x - 0.5)
            down, across = y - 0.5 - row, x - 0.5 - column
            for c in range(channels):
                upper = (1 - across) * pixel(c, row, column) + across * pixel(c, row, column + 1)
                lower = (1 - across) * pixel(c, row + 1, column) + across * pixel(
                    c, row + 1, column + 1
                )
                result[c, i, j] = (1 - down) * upper + down * lower
    return result


sides = st.tuples(st.integers(-40, 120), st.integers(0, 100)).map(
    lambda pair: (pair[0] / 8, (pair[0] + pair[1]) / 8)
)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 12),
    st.lists(st.tuples(sides, sides), max_size=3),
    st.sampled_from([(1, 0), (5, 1), (8, 3), (9, 4)]),
)
def test_is_the_loop(height, width, pairs, size_and_context):
    image = np.random.default_rng(height * 100 + width).normal(size=(2, height, width))
    boxes = np.array([[x[0], y[0], x[1], y[1]] for x, y in pairs]).reshape(-1, 4)
    size, context = size_and_context
    found = warp_boxes(image, boxes, size, context)
    assert found.shape == (len(boxes), 2, size, size)
    for one, box in zip(found, boxes, strict=True):
        np.testing.assert_allclose(one, warp_by_loops(image, box, size, context), atol=1e-12)


def test_box_of_the_target_size_is_copied():
    image = np.random.default_rng(0).random((3, 20, 30), dtype=np.float32)
    found = warp_boxes(image, np.array([[6.0, 4.0, 14.0, 12.0]]), 12, context=2)[0]
    np.testing.assert_allclose(found, image[:, 2:14, 4:16], rtol=1e-6)
    assert found.dtype == np.float32


def test_many_boxes_are_each_alone():
    rng = np.random.default_rng(1)
    image = rng.random((3, 40, 50), dtype=np.float32)
    corners = rng.uniform(-5, 30, size=(70, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, size=(70, 2))], axis=1)
    together = warp_boxes(image, boxes, 20, 3)
    for r in (0, 17, 69):
        np.testing.assert_array_equal(together[r], warp_boxes(image, boxes[r : r + 1], 20, 3)[0])


def test_what_cannot_be_warped_is_refused():
    image, boxes = np.zeros((3, 4, 4)), np.zeros((1, 4))
    with pytest.raises(ValueError, match="leave no room for the box in size=32"):
        warp_boxes(image, boxes, 32)
    with pytest.raises(ValueError, match=r"image expects floats of shape \(C, H, W\)"):
        warp_boxes(image[0], boxes, 64)
    with pytest.raises(ValueError, match="boxes expects shape"):
        warp_boxes(image, np.zeros(4), 64)


def test_float16_is_widened():
    image = np.linspace(0, 1, 48, dtype=np.float16).reshape(3, 4, 4)
    boxes = np.array([[0, 0, 4, 4]], np.uint8)
    warped = warp_boxes(image, boxes, 9, context=1)
    assert warped.dtype == np.float32
    np.testing.assert_array_equal(warped, warp_boxes(image.astype(np.float32), boxes, 9, context=1))
