"""Histograms of regions: loops over pixels, derivatives of known pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.region_histograms import colour_bins, region_histograms, texture_bins


def segmentation(rng, shape, regions):
    """Random labels, each of 0..regions-1 at least once."""
    labels = rng.integers(0, regions, shape)
    labels.ravel()[rng.permutation(labels.size)[:regions]] = np.arange(regions)
    return labels


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 3), st.integers(1, 5))
def test_histograms_equal_the_loops(seed, regions, maps, bin_count):
    rng = np.random.default_rng(seed)
    labels = segmentation(rng, (3, 4), regions)
    bins = rng.integers(0, bin_count, (maps, 3, 4), dtype=np.uint8)
    expected = np.zeros((regions, maps * bin_count))
    for m, y, x in np.ndindex(bins.shape):
        expected[labels[y, x], m * bin_count + bins[m, y, x]] += 1
    for r in range(regions):
        expected[r] /= maps * (labels == r).sum()
    found = region_histograms(labels, bins, bin_count)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_colour_bins_are_equally_wide_and_hold_1():
    values = (np.arange(25) + 0.5) / 25
    assert colour_bins(values.reshape(1, 5, 5)).ravel().tolist() == list(range(25))
    assert colour_bins(np.array([-1e-6, 1.0, 1.00001]).reshape(1, 1, 3)).ravel().tolist() == [
        0,
        24,
        24,
    ]


@pytest.mark.parametrize("direction", range(8))
def test_a_step_shows_where_it_rises_and_not_where_it_falls(direction):
    angle = direction * np.pi / 4
    y, x = np.mgrid[:21, :21] - 10
    step = (np.cos(angle) * x + np.sin(angle) * y > 0.1).astype(np.float32)
    at_the_step = texture_bins(step[None])[:, 8:13, 8:13].max(axis=(1, 2))  # (8, H, W) -> (8,)
    assert at_the_step.argmax() == direction
    assert at_the_step[direction] >= 8
    opposite = [(direction + turn) % 8 for turn in (3, 4, 5)]
    assert not at_the_step[opposite].any()


def test_maps_of_all_channels_stand_side_by_side():
    image = np.zeros((2, 9, 9), np.float32)
    image[1, :, 4:] = 1  # the second channel alone rises, to the right
    bins = texture_bins(image)
    assert bins.shape == (16, 9, 9)
    assert {int(m) for m in np.flatnonzero(bins.any(axis=(1, 2)))} == {1, 3, 15}
