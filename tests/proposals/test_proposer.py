"""What all proposers share: the check of the image, and the order of the answer."""

import numpy as np
import pytest

from minicv.proposals.proposer import best_first, checked_image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 5, 3), np.float32), r"shape \(3, H, W\)"),
        (np.zeros((3, 0, 4), np.float32), "at least one pixel"),
        (np.zeros((3, 4, 4), np.uint8), "divide an 8-bit image by 255"),
        (np.full((3, 4, 4), np.nan, np.float32), "NaN"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=f"^somebody: .*{message}"):
        checked_image(image, "somebody")


def test_best_first_keeps_the_order_of_equals_and_takes_empty_lists():
    boxes, scores = best_first(np.arange(16).reshape(4, 4), np.array([1, 2, 1, 3]), most=3)
    assert scores.tolist() == [3, 2, 1]
    assert boxes[:, 0].tolist() == [12, 4, 0]
    assert boxes.dtype == scores.dtype == np.float32
    boxes, scores = best_first([], [])
    assert boxes.shape == (0, 4) and scores.shape == (0,)
