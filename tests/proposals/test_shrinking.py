"""Shrinking keeps colours and places."""

import numpy as np

from minicv.proposals.shrinking import as_picture, resized


def test_a_step_stays_where_it_is():
    image = np.zeros((3, 60, 90), np.float32)
    image[1, :, 30:] = 0.5
    small = resized(as_picture(image), 9, 6)
    assert small.shape == (6, 9, 3)
    assert (small[..., [0, 2]] == 0).all()
    assert (small[:, :2, 1] <= 1).all() and (small[:, 4:, 1] == 128).all()


def test_values_are_rounded_and_clipped():
    image = np.array([-0.2, 0.5 / 255, 1.3]).reshape(3, 1, 1)
    assert np.asarray(as_picture(image)).ravel().tolist() == [0, 1, 255]
