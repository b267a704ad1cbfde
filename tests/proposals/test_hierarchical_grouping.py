"""Hierarchical grouping, held against a twin that looks at the pixels anew at every step."""

import numpy as np
import pytest

from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.hierarchical_grouping import group, group_until, regions_of
from minicv.proposals.region_histograms import colour_bins, texture_bins


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
