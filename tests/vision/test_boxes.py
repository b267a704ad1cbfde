"""Boxes against loops over pixels and pairs, on both array modules, and down to nothing."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend import to_numpy
from minicv.vision import (
    box_area,
    box_intersection_over_area,
    box_iou,
    clip_boxes_to_image,
    flip_boxes,
    remove_small_boxes,
    scale_boxes,
)
from minicv.vision import boxes as boxes_module

coordinate = st.integers(-3, 9)


def box_lists(max_size=6):
    """Whole-numbered boxes, some of them degenerate or inside out."""
    box = st.tuples(coordinate, coordinate, coordinate, coordinate)
    return st.lists(box, max_size=max_size).map(
        lambda rows: np.array(rows, dtype=np.float64).reshape(-1, 4)
    )


def pixels_of(box):
    """The pixels that a half-open box with whole corners covers."""
    x1, y1, x2, y2 = (int(value) for value in box)
    return {(x, y) for x in range(x1, x2) for y in range(y1, y2)}


@given(boxes=box_lists())
def test_area_counts_pixels(xp, boxes):
    expected = [len(pixels_of(box)) for box in boxes]
    assert to_numpy(box_area(xp.asarray(boxes))).tolist() == expected


@given(boxes1=box_lists(), boxes2=box_lists())
def test_iou_and_intersection_over_area_count_pixels(xp, boxes1, boxes2):
    iou = np.zeros((len(boxes1), len(boxes2)))
    share = np.zeros_like(iou)
    for row, first in enumerate(map(pixels_of, boxes1)):
        for column, second in enumerate(map(pixels_of, boxes2)):
            common = len(first & second)
            iou[row, column] = common / len(first | second) if common else 0
            share[row, column] = common / len(first) if common else 0
    on_device = xp.asarray(boxes1), xp.asarray(boxes2)
    np.testing.assert_allclose(to_numpy(box_iou(*on_device)), iou, rtol=1e-15)
    np.testing.assert_allclose(to_numpy(box_intersection_over_area(*on_device)), share, rtol=1e-15)


def test_iou_has_no_plus_one():
    """Two 8-pixel boxes two pixels apart: 0.6; with widths of x2 - x1 + 1 it would be 0.556."""
    boxes = np.array([[0.0, 0.0, 8.0, 8.0], [2.0, 0.0, 10.0, 8.0]])
    assert box_iou(boxes[:1], boxes[1:]).item() == 0.6


def test_iou_in_blocks_equals_iou_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (37, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, (37, 2))], axis=1)
    at_once = box_iou(boxes, boxes[:11]), box_intersection_over_area(boxes, boxes[:11])
    monkeypatch.setattr(boxes_module, "BLOCK_ELEMENTS", 25)
    in_blocks = box_iou(boxes, boxes[:11]), box_intersection_over_area(boxes, boxes[:11])
    np.testing.assert_array_equal(at_once[0], in_blocks[0])
    np.testing.assert_array_equal(at_once[1], in_blocks[1])


def test_iou_needs_little_memory_beside_its_result():
    boxes = np.tile(np.array([[0, 0, 4, 4]], dtype=np.float32), (24_000, 1))
    tracemalloc.start()
    result = box_iou(boxes[:500], boxes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.dtype == np.float32
    assert peak < result.nbytes + 16 * 2**20


def test_unsigned_integer_boxes_do_not_wrap(xp):
    boxes = xp.asarray(np.array([[2, 0, 6, 4], [9, 0, 3, 4]], dtype=np.uint16))
    assert to_numpy(box_area(boxes)).tolist() == [16, 0]
    assert to_numpy(flip_boxes(boxes, 4)).tolist() == [[-2, 0, 2, 4], [1, 0, -5, 4]]


@given(boxes=box_lists())
def test_clip_keeps_exactly_the_pixels_inside(xp, boxes):
    height, width = 5, 7
    clipped = to_numpy(clip_boxes_to_image(xp.asarray(boxes), (height, width)))
    image = pixels_of((0, 0, width, height))
    for box, cut in zip(boxes, clipped, strict=True):
        assert pixels_of(cut) == pixels_of(box) & image
        assert min(cut) >= 0
        assert cut[0] <= width and cut[2] <= width and cut[1] <= height and cut[3] <= height


def test_clip_takes_boxes_of_every_class():
    boxes = np.array([[[-1.0, -1.0, 9.0, 9.0], [1.0, 1.0, 2.0, 2.0]]], dtype=np.float32)
    clipped = clip_boxes_to_image(boxes, (3, 4))
    assert clipped.tolist() == [[[0, 0, 4, 3], [1, 1, 2, 2]]]
    assert clipped.dtype == np.float32


@given(boxes=box_lists(), min_size=st.integers(0, 4))
def test_remove_small_boxes(xp, boxes, min_size):
    kept = to_numpy(remove_small_boxes(xp.asarray(boxes), min_size)).tolist()
    least = max(min_size, 1)  # corners are whole numbers: a side above 0 is at least 1
    assert kept == [i for i, b in enumerate(boxes) if min(b[2] - b[0], b[3] - b[1]) >= least]


def test_boxes_without_area_are_too_small_for_any_size():
    boxes = np.array([[0.0, 0.0, 0.0, 5.0], [0.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.1, 0.1]])
    assert remove_small_boxes(boxes, 0).tolist() == [2]


@given(boxes=box_lists())
def test_flip_mirrors_every_pixel_and_undoes_itself(xp, boxes):
    width = 6
    flipped = flip_boxes(xp.asarray(boxes), width)
    for box, mirrored in zip(boxes, to_numpy(flipped), strict=True):
        assert pixels_of(mirrored) == {(width - 1 - x, y) for x, y in pixels_of(box)}
    np.testing.assert_array_equal(to_numpy(flip_boxes(flipped, width)), boxes)


def test_scale(xp):
    boxes = xp.asarray(np.array([[1, 2, 3, 4]], dtype=np.float32))
    scaled = scale_boxes(boxes, 2, 0.5)
    assert to_numpy(scaled).tolist() == [[2, 1, 6, 2]]
    assert scaled.dtype == np.float32


def test_no_boxes_at_all(xp):
    none, some = xp.zeros((0, 4)), xp.asarray(np.array([[0.0, 0.0, 1.0, 1.0]]))
    assert box_area(none).shape == (0,)
    assert box_iou(none, some).shape == (0, 1)
    assert box_iou(some, none).shape == (1, 0)
    assert box_intersection_over_area(none, none).shape == (0, 0)
    assert clip_boxes_to_image(none, (4, 4)).shape == (0, 4)
    assert remove_small_boxes(none, 1).shape == (0,)
    assert flip_boxes(none, 4).shape == (0, 4)
    assert scale_boxes(none, 2, 2).shape == (0, 4)


@pytest.mark.parametrize(
    "operation",
    [
        box_area,
        lambda boxes: box_iou(np.zeros((1, 4)), boxes),
        lambda boxes: box_intersection_over_area(boxes, np.zeros((1, 4))),
        lambda boxes: clip_boxes_to_image(boxes, (4, 4)),
        lambda boxes: remove_small_boxes(boxes, 1),
        lambda boxes: flip_boxes(boxes, 4),
        lambda boxes: scale_boxes(boxes, 1, 1),
    ],
)
def test_wrong_shapes_are_named(operation):
    with pytest.raises(ValueError, match=r"expects shape \(.*4\).* but has shape \(3, 5\)"):
        operation(np.zeros((3, 5)))
