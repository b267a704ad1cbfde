"""Patches: the border, the cut, the pyramid, the draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.models.segmentation.patches import (
    bordered_pyramid,
    cut_patches,
    draw_pixels,
    expand,
    laplacian_pyramid,
    mirror_border,
)
from minicv.vision.label_maps import VOID


def mirrored(position, length):
    """Where a position beyond the edge comes from: walk on, turning round at each edge."""
    position %= 2 * length
    return position if position < length else 2 * length - 1 - position


@given(
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    size=st.integers(1, 9),
    data=st.data(),
)
def test_a_patch_is_what_lies_around_its_centre(height, width, size, data):
    image = np.random.default_rng(0).normal(size=(2, height, width))
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bordered = mirror_border(image, size)
    assert bordered.shape == (2, height + size - 1, width + size - 1)
    patches = cut_patches(bordered, np.array([row]), np.array([column]), size)
    assert patches.shape == (1, 2, size, size)
    for u in range(size):
        for v in range(size):
            i = mirrored(row + u - size // 2, height)
            j = mirrored(column + v - size // 2, width)
            np.testing.assert_array_equal(patches[0, :, u, v], image[:, i, j])


def test_no_pixels_no_patches():
    none = np.zeros(0, int)
    assert cut_patches(np.zeros((3, 7, 8)), none, none, 4).shape == (0, 3, 4, 4)


def test_the_pyramid_has_a_border_at_every_level():
    image = np.random.default_rng(0).normal(size=(3, 9, 4))
    (only,) = bordered_pyramid(image, 1, patch_size=6)
    np.testing.assert_array_equal(only, mirror_border(image, 6))
    levels = bordered_pyramid(image, 3, patch_size=6)
    assert [level.shape for level in levels] == [(3, 14, 9), (3, 10, 7), (3, 8, 6)]


def drawn_labels(label_maps, positions):
    pairs = zip(label_maps, positions, strict=True)
    return np.concatenate([labels[place] for labels, place in pairs])


def make_label_maps(seed=0):
    rng = np.random.default_rng(seed)
    sizes = [(30, 40), (7, 5), (20, 10)]
    maps = [rng.choice([0, 1, 3, VOID], size=size, p=[0.9, 0.08, 0.01, 0.01]) for size in sizes]
    maps[1][:] = VOID  # one without any class
    maps[2][0, 0] = 3
    return maps


def test_classes_are_drawn_equally_often_and_void_never():
    maps = make_label_maps()
    drawn = drawn_labels(maps, draw_pixels(maps, 6000, np.random.default_rng(1)))
    assert len(drawn) == 6000
    counts = np.bincount(drawn, minlength=256)
    assert set(np.flatnonzero(counts)) == {0, 1, 3}
    np.testing.assert_allclose(counts[[0, 1, 3]] / 6000, 1 / 3, atol=0.03)


def test_within_a_class_all_pixels_of_all_images_are_alike():
    maps = [np.array([[0, 0, 1]]), np.array([[0], [VOID]])]
    positions = draw_pixels(maps, 9000, np.random.default_rng(0))
    first, second = (np.bincount(rows * m.shape[1] + columns, minlength=m.size)
                     for m, (rows, columns) in zip(maps, positions, strict=True))  # fmt: skip
    np.testing.assert_allclose(first / 9000, [1 / 6, 1 / 6, 1 / 2], atol=0.03)
    np.testing.assert_allclose(second / 9000, [1 / 6, 0], atol=0.03)


def test_with_weights_the_draw_follows_weight_times_frequency():
    """So the mean of a loss over the draws is the weighted mean over all pixels."""
    maps = make_label_maps()
    weights = np.float32([0.5, 4.0, 1.0, 9.0])
    flat = np.concatenate([m.ravel() for m in maps])
    flat = flat[flat != VOID]
    losses = np.array([2.0, 3.0, 0.0, 7.0])  # of each class
    expected = (weights[flat] * losses[flat]).sum() / weights[flat].sum()
    drawn = drawn_labels(maps, draw_pixels(maps, 20000, np.random.default_rng(2), weights))
    assert losses[drawn].mean() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("weights", [None, np.zeros(2, np.float32)])
def test_where_nothing_counts_nothing_is_drawn(weights):
    label = VOID if weights is None else 1
    positions = draw_pixels([np.full((3, 4), label)] * 2, 10, np.random.default_rng(0), weights)
    assert [len(rows) + len(columns) for rows, columns in positions] == [0, 0]


def test_same_rng_same_draw():
    maps = make_label_maps()
    first, second = (draw_pixels(maps, 50, np.random.default_rng(3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


# The Laplacian pyramid


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
