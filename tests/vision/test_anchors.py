"""Anchors: where they stand, how they are shaped, in which order."""

import math
from pathlib import Path

import numpy as np
import pytest

from minicv.backend import to_numpy
from minicv.vision import AnchorGrid, CornerAnchorGrid, generate_anchors


@pytest.mark.parametrize("stride", [16, 7.5, (4, 10)])
def test_against_loops(stride):
    height, width, sizes, ratios = 2, 3, (32, 50.5), (0.5, 1, 3)
    stride_y, stride_x = stride if isinstance(stride, tuple) else (stride, stride)
    expected = []
    for row in range(height):
        for column in range(width):
            cx, cy = (column + 0.5) * stride_x, (row + 0.5) * stride_y
            for ratio in ratios:
                for size in sizes:
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    expected.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    anchors = generate_anchors(height, width, stride, sizes, ratios)
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(anchors, expected, rtol=1e-6)


def test_a_ratio_is_height_over_width_and_keeps_the_area():
    wide, tall = generate_anchors(1, 1, 16, [128], [0.5, 2])
    assert wide[2] - wide[0] > wide[3] - wide[1]
    assert tall[2] - tall[0] < tall[3] - tall[1]
    for anchor in (wide, tall):
        np.testing.assert_allclose(
            (anchor[2] - anchor[0]) * (anchor[3] - anchor[1]), 128**2, rtol=1e-5
        )
    assert wide[2] - wide[0] != round(float(wide[2] - wide[0]))  # 181.02: sides are not rounded


def test_the_order_is_that_of_transposed_scores():
    """Scores (A, H, W) of which one cell is marked must pick an anchor of that cell."""
    grid = AnchorGrid(stride=8, sizes=(4,), aspect_ratios=(1.0, 2.0))
    scores = np.zeros((2, 3, 5))
    scores[1, 2, 4] = 1  # tall anchor, row 2, column 4
    index = scores.transpose(1, 2, 0).reshape(-1).argmax()
    x1, y1, x2, y2 = grid.generate(3, 5)[index]
    np.testing.assert_allclose([(x1 + x2) / 2, (y1 + y2) / 2], [36, 20], rtol=1e-6)
    assert y2 - y1 > x2 - x1


def test_like_decides_device_and_type(xp):
    feature_map = xp.zeros((1, 2), dtype=xp.float64)
    anchors = generate_anchors(2, 2, 4, [4], [1], like=feature_map)
    assert type(anchors) is type(feature_map)
    assert anchors.dtype == np.float64
    image = xp.zeros((1, 2), dtype=xp.uint8)  # pixels, not coordinates: no rounding to its type
    assert generate_anchors(2, 2, 4, [4], [1], like=image).dtype == np.float32


def test_an_empty_feature_map_has_no_anchors():
    grid = AnchorGrid(stride=16, sizes=(32, 64))
    assert grid.generate(0, 7).shape == (0, 4)
    assert grid.generate(7, 0).shape == (0, 4)
    assert grid.generate(3, 2).shape == (6 * grid.anchors_per_cell, 4)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((1, 1, 0, [8], [1]), "stride"),
        ((1, 1, 16, [], [1]), "sizes"),
        ((1, 1, 16, [8, -8], [1]), "sizes"),
        ((1, 1, 16, [8], [0]), "aspect_ratios"),
    ],
)
def test_bad_settings_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"generate_anchors: {name} expects"):
        generate_anchors(*arguments)


def test_float16_would_lose_odd_pixels_so_anchors_are_float32(xp):
    like = xp.zeros(1, dtype=np.float16)
    anchors = generate_anchors(1, 400, 10, sizes=[7], aspect_ratios=[1], like=like)
    assert anchors.dtype == np.float32
    assert to_numpy(anchors)[-1].tolist() == [3991.5, 1.5, 3998.5, 8.5]


def test_stride_may_be_a_list_and_sizes_an_array_of_few_bits():
    anchors = generate_anchors(1, 1, [16, 8], np.array([200], np.uint8), np.array([1], np.int8))
    assert anchors.tolist() == [[-96.0, -92.0, 104.0, 108.0]]


# The lattice of torchvision's published detectors


def test_corner_anchors_against_loops():
    grid = CornerAnchorGrid(sizes=(33.0, 50.5), aspect_ratios=(0.5, 1.0, 3.0))
    expected = []
    for row in range(2):
        for column in range(3):
            x, y = column * (50 // 3), row * (37 // 2)
            for ratio in (0.5, 1.0, 3.0):
                for size in (33.0, 50.5):
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    left, top = round(w / 2), round(h / 2)
                    expected.append([x - left, y - top, x + left, y + top])
    anchors = grid.generate(2, 3, image_size=(37, 50))
    assert anchors.dtype == np.float32
    assert anchors.tolist() == expected
    assert len(anchors) == 2 * 3 * grid.anchors_per_cell


def test_corner_anchors_equal_torchvision():
    """Three levels of a padded batch; 5 / 2 and 7 / 2 round to even."""
    fixture = np.load(Path(__file__).parent.parent / "fixtures" / "masks_and_joints.npz")
    levels = zip(((32.0, 45.0), (5.0, 7.0), (128.0, 91.5)), ((5, 7), (3, 4), (2, 2)), strict=True)
    anchors = [
        CornerAnchorGrid(sizes, (0.5, 1.0, 2.0)).generate(*shape, image_size=(43, 60))
        for sizes, shape in levels
    ]
    np.testing.assert_array_equal(np.concatenate(anchors), fixture["anchors"])


def test_corner_anchors_take_device_and_type_and_no_map(xp):
    grid = CornerAnchorGrid(sizes=(32.0,))
    anchors = grid.generate(2, 1, image_size=(8, 8), like=xp.zeros(1))
    assert isinstance(anchors, xp.ndarray)
    assert anchors.dtype == np.float64
    assert grid.generate(0, 3, image_size=(8, 8)).shape == (0, 4)
    assert grid.generate(3, 0, image_size=(8, 8)).shape == (0, 4)


@pytest.mark.parametrize(
    ("grid", "name"),
    [
        (CornerAnchorGrid(sizes=()), "sizes"),
        (CornerAnchorGrid(sizes=(8.0,), aspect_ratios=(0.0,)), "aspect_ratios"),
    ],
)
def test_bad_settings_of_corner_anchors_are_named(grid, name):
    with pytest.raises(ValueError, match=f"CornerAnchorGrid: {name} expects"):
        grid.generate(1, 1, image_size=(8, 8))
