"""Histograms of regions, and their grouping, against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.hierarchical_grouping import (
    colour_bins,
    group,
    group_until,
    region_histograms,
    regions_of,
    texture_bins,
)


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


def box_of(mask):
    y, x = np.nonzero(mask)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


def histogram_of(mask, bins, bin_count):
    counts = [np.bincount(m[mask], minlength=bin_count) for m in bins]
    return np.concatenate(counts) / (len(bins) * mask.sum())


def similarity(a, b, colour, texture, letters):
    area, both, total = a.size, a.sum() + b.sum(), 0.0
    for letter, bins, bin_count in (("C", colour, 25), ("T", texture, 10)):
        if letter in letters:
            histograms = (histogram_of(mask, bins, bin_count) for mask in (a, b))
            total += np.minimum(*histograms).sum()
    if "S" in letters:
        total += 1 - both / area
    if "F" in letters:
        x1, y1, x2, y2 = box_of(a | b)
        total += 1 - ((x2 - x1) * (y2 - y1) - both) / area
    return total


def touch(a, b):
    return any(
        (np.roll(a, 1, axis) & b)[cut].any() or (np.roll(b, 1, axis) & a)[cut].any()
        for axis, cut in ((0, np.s_[1:]), (1, np.s_[:, 1:]))
    )


def group_by_pixels(labels, colour, texture, letters):
    masks = {int(r): labels == r for r in np.unique(labels)}
    boxes = [box_of(mask) for mask in masks.values()]
    while len(masks) > 1:
        pairs = [(a, b) for a in masks for b in masks if a < b and touch(masks[a], masks[b])]
        alike = [similarity(masks[a], masks[b], colour, texture, letters) for a, b in pairs]
        best = max(alike)
        # Rounding may order what is equal: of those the lowest numbers.
        a, b = min(pair for pair, s in zip(pairs, alike, strict=True) if s > best - 1e-6)
        merged = masks.pop(a) | masks.pop(b)
        masks[len(boxes)] = merged
        boxes.append(box_of(merged))
    return np.array(boxes, dtype=float)


@pytest.mark.parametrize("letters", ["CTSF", "TSF", "F", "S", "C", "TF"])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_grouping_by_pixels(letters, seed):
    image = np.random.default_rng(seed).random((3, 15, 19), dtype=np.float32)
    labels = felzenszwalb(image, k=10, sigma=0.8, min_size=9)
    assert labels.max() >= 8
    bins = colour_bins(image), texture_bins(image)
    found = group(regions_of(labels, *bins), letters)
    np.testing.assert_array_equal(found, group_by_pixels(labels, *bins, letters))


@pytest.mark.parametrize("letters", ["CTSF", "F"])
def test_levels_of_the_hierarchy_have_its_boxes(letters):
    image = np.random.default_rng(2).random((3, 15, 19), dtype=np.float32)
    labels = felzenszwalb(image, k=10, sigma=0.8, min_size=9)
    regions = regions_of(labels, colour_bins(image), texture_bins(image))
    boxes, given = group(regions, letters), len(regions.size)
    np.testing.assert_array_equal(group_until(labels, regions, letters, given + 3), labels)
    finer = labels
    for count in range(given - 1, 0, -1):
        level = group_until(labels, regions, letters, count)
        assert len(np.unique(level)) == count
        assert level.max() == 2 * given - 1 - count  # what was merged last
        assert all(box_of(level == region) == boxes[region].tolist() for region in np.unique(level))
        pairs = np.unique(np.stack([finer.ravel(), level.ravel()]), axis=1)
        assert pairs.shape[1] == count + 1  # every region of the finer level lies in one of these
        finer = level
    with pytest.raises(ValueError, match="count=0, expected one region or more"):
        group_until(labels, regions, letters, 0)


def test_one_region_is_its_own_hierarchy():
    image = np.zeros((3, 4, 5), np.float32)
    labels = np.zeros((4, 5), np.int32)
    regions = regions_of(labels, colour_bins(image), texture_bins(image))
    assert regions.neighbours.shape == (0, 2)
    assert group(regions, "CTSF").tolist() == [[0, 0, 5, 4]]


def test_neighbours_touch_by_a_side_and_not_by_a_corner():
    labels = np.array([[0, 0, 1], [2, 2, 1], [3, 4, 4]])
    image = np.zeros((1, 3, 3), np.float32)
    regions = regions_of(labels, colour_bins(image), texture_bins(image))
    expected = [[0, 1], [0, 2], [1, 2], [1, 4], [2, 3], [2, 4], [3, 4]]
    assert regions.neighbours.tolist() == expected
    assert regions.size.tolist() == [2, 2, 2, 1, 2]
