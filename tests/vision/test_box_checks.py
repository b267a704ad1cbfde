"""Boxes that are not what they say are named."""

import numpy as np
import pytest

from minicv.vision import validate_boxes
from minicv.vision.boxes import as_float_boxes, check_last_axis


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        ([3, 1, 3, 4], "box 1 is (3, 1, 3, 4), which has no width"),
        ([3, 5, 4, 4], "box 1 is (3, 5, 4, 4), which has no height"),
        ([0, 0, np.nan, 4], "is not finite"),
        ([0, 0, np.inf, 4], "is not finite"),
        ([-0.5, 0, 3, 4], "leaves the image of height 8 and width 10"),
        ([0, 0, 3, 8.5], "leaves the image of height 8 and width 10"),
    ],
)
def test_validate_names_the_box_at_fault(xp, box, fault):
    boxes = xp.asarray(np.array([[0, 0, 10, 8], box], dtype=np.float64))
    with pytest.raises(ValueError) as caught:
        validate_boxes(boxes, (8, 10), source="cow.xml: bndbox")
    assert str(caught.value).startswith("cow.xml: bndbox: box 1 is ")
    assert fault in str(caught.value)


def test_validate_without_a_size_lets_boxes_leave_the_image():
    validate_boxes(np.array([[-5.0, 0.0, 1e4, 1.0]]))


def test_no_boxes_are_fine(xp):
    validate_boxes(xp.zeros((0, 4)), (4, 4))


def test_floats_keep_their_type_and_integers_become_float64(xp):
    for given_type, kept in [("float32", "float32"), ("float64", "float64"), ("uint16", "float64")]:
        boxes = xp.zeros((2, 4), dtype=given_type)
        assert as_float_boxes(boxes, "test", "boxes").dtype == np.dtype(kept)


@pytest.mark.parametrize("shape", [(3, 5), (4,), (0,), (1, 2, 4)])
def test_wrong_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"test: boxes expects shape \(N, 4\).* has shape"):
        as_float_boxes(np.zeros(shape), "test", "boxes")


@pytest.mark.parametrize("shape", [(), (3,), (4, 3)])
def test_a_wrong_last_axis_is_named(shape):
    with pytest.raises(ValueError, match=r"test: boxes expects shape \(..., 4\).* has shape"):
        check_last_axis(np.zeros(shape), "test", "boxes")
