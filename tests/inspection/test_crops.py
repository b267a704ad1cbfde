"""crop_of_box: the pixels of the box and no others, whatever its shape and place."""

import numpy as np
import pytest

from minicv.inspection import crop_of_box

HALVES = np.zeros((3, 300, 600), np.float32)  # red at the left, blue at the right
HALVES[0, :, :300] = 1
HALVES[2, :, 300:] = 1


@pytest.mark.parametrize(
    "box, colour", [((10, 20, 200, 60), [255, 0, 0]), ((400, 0, 600, 300), [0, 0, 255])]
)
def test_a_box_of_one_colour_fills_the_square(box, colour):
    pixels = np.asarray(crop_of_box(HALVES, box, 60))
    assert pixels.shape == (60, 60, 3)
    assert (pixels[5:-5, 5:-5] == colour).all()


def test_width_and_height_are_stretched_apart():
    pixels = np.asarray(crop_of_box(HALVES, (200, 0, 400, 20), 80))
    assert (pixels[10:70, 10:35, 0] > 200).all() and (pixels[10:70, 45:70, 2] > 200).all()


@pytest.mark.parametrize("box", [(-50, -50, 4, 4), (599.5, 299.5, 900, 900), (5, 5, 5, 5)])
def test_boxes_at_and_beyond_the_edges(box):
    assert crop_of_box(HALVES, box, 30).size == (30, 30)


def test_a_tiny_square_has_no_frame():
    assert np.asarray(crop_of_box(HALVES, (0, 0, 9, 9), 4))[0, 0].tolist() == [255, 0, 0]
