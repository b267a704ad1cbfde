"""What proposers share: checked images, the order of boxes, suppression, shrinking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.proposer import as_picture, best_first, checked_image, nms_of_best, resized
from minicv.vision import nms


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


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    most=st.integers(1, 20),
    threshold=st.sampled_from([0, 0.3, 0.7, 1]),
)
def test_nms_of_best_is_the_beginning_of_nms_of_all(seed, count, most, threshold):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 8, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 8, (count, 2))], axis=1).astype(float)
    scores = np.sort(rng.integers(0, 9, count) / 8)[::-1]
    kept = nms_of_best(boxes, scores, threshold, most)
    assert kept.tolist() == nms(boxes, scores, threshold)[:most].tolist()


def test_a_step_stays_where_it_is_in_a_shrunk_picture():
    image = np.zeros((3, 60, 90), np.float32)
    image[1, :, 30:] = 0.5
    small = resized(as_picture(image), 9, 6)
    assert small.shape == (6, 9, 3)
    assert (small[..., [0, 2]] == 0).all()
    assert (small[:, :2, 1] <= 1).all() and (small[:, 4:, 1] == 128).all()


def test_values_are_rounded_and_clipped():
    image = np.array([-0.2, 0.5 / 255, 1.3]).reshape(3, 1, 1)
    assert np.asarray(as_picture(image)).ravel().tolist() == [0, 1, 255]
