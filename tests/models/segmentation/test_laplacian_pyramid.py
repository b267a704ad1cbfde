"""Laplacian pyramid: it can be undone, nothing is shifted, and flat images have no details."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.segmentation.laplacian_pyramid import expand, laplacian_pyramid


@given(height=st.integers(1, 17), width=st.integers(1, 17), levels=st.integers(1, 5))
def test_adding_up_gives_the_image_back(height, width, levels):
    image = np.random.default_rng(0).normal(size=(3, height, width))
    pyramid = laplacian_pyramid(image, levels)
    sizes = [(3, -(-height // 2**n), -(-width // 2**n)) for n in range(levels)]
    assert [level.shape for level in pyramid] == sizes
    total = pyramid[-1]
    for level in pyramid[-2::-1]:
        total = level + expand(total, level.shape[1:])
    np.testing.assert_allclose(total, image, rtol=1e-10, atol=1e-12)


@given(height=st.integers(1, 9), width=st.integers(1, 9), value=st.floats(-2, 2))
def test_a_flat_image_has_no_details(height, width, value):
    *details, rest = laplacian_pyramid(np.full((1, height, width), value), 3)
    for level in details:
        np.testing.assert_allclose(level, 0, atol=1e-14)
    np.testing.assert_allclose(rest, value, atol=1e-14)


def test_a_ramp_shows_that_nothing_is_shifted():
    """Pixel i has the value i + 1/2, its own place: a cell of level l has that of its middle."""
    ramp = np.broadcast_to(np.arange(64) + 0.5, (1, 4, 64))
    details, _, rest = laplacian_pyramid(ramp, 3)
    np.testing.assert_allclose(rest[0, 0, 2:-2], 4 * (np.arange(16) + 0.5)[2:-2])
    np.testing.assert_allclose(details[:, :, 8:-8], 0, atol=1e-12)


def test_levels_below_one_are_refused():
    with pytest.raises(ValueError, match="levels is 0"):
        laplacian_pyramid(np.zeros((3, 4, 4)), 0)
