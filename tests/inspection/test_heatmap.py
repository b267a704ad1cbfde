"""Colours of numbers: their order, and where each cell of a map lies on the image."""

import numpy as np
import pytest

from minicv.inspection.heatmap import (
    colour_bar,
    colour_map,
    feature_tiles,
    heat_picture,
    overlay_heatmap,
    strongest_channels,
)
from minicv.inspection.palette import GREY, relative_luminance


def test_lightness_rises_evenly():
    """CIE L* of the map, in 60 equal steps."""
    colours = colour_map(np.linspace(0, 1, 61))
    luminance = np.array([relative_luminance(tuple(c.tolist())) for c in colours])
    steps = np.diff(116 * np.cbrt(luminance) - 16)
    assert steps.min() > 0.5 * steps.mean() and steps.max() < 1.7 * steps.mean()


def test_range_clipping_and_unknown_values():
    colours = colour_map(np.array([[-1.0, 0.0], [2.0, 9.0]]), 0, 2)
    assert colours.dtype == np.uint8 and colours.shape == (2, 2, 3)
    assert np.array_equal(colours[0, 0], colours[0, 1])
    assert np.array_equal(colours[1, 0], colours[1, 1])
    odd = colour_map(np.array([0.0, np.nan, np.inf, -np.inf, 1.0]))
    assert odd[1].tolist() == list(GREY)
    assert np.array_equal(odd[2], odd[4]) and np.array_equal(odd[3], odd[0])


def test_constant_all_unknown_and_empty():
    assert len(np.unique(colour_map(np.full((3, 3), 7.0)).reshape(-1, 3), axis=0)) == 1
    assert (colour_map(np.full(2, np.nan)) == GREY).all()
    assert colour_map(np.zeros((0, 4))).shape == (0, 4, 3)


def test_heat_picture_has_plain_cells():
    pixels = np.asarray(heat_picture(np.array([[0.0, 1.0]]), (20, 10)))
    assert (pixels[:, :10] == colour_map(np.array(0.0), 0, 1)).all()
    assert (pixels[:, 10:] == colour_map(np.array(1.0), 0, 1)).all()


def test_overlay_is_the_map_over_a_grey_image():
    image = np.random.default_rng(0).uniform(size=(3, 6, 8)).astype(np.float32)
    heat = np.array([[0.0, 1.0]])
    pixels = np.asarray(overlay_heatmap(image, heat, opacity=1.0))
    assert (pixels[:, 0] == colour_map(0.0, 0, 1)).all()
    assert (pixels[:, -1] == colour_map(1.0, 0, 1)).all()
    grey = np.asarray(overlay_heatmap(image, heat, opacity=0.0))
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()


def test_overlay_places_cells_by_their_size():
    """Two cells of 16 pixels on 24: the second is cut at its middle. On 48, it goes on."""
    heat = np.array([[0.0, 1.0]])
    full = np.asarray(overlay_heatmap(np.zeros((3, 16, 32), np.float32), heat))
    cut = overlay_heatmap(np.zeros((3, 16, 24), np.float32), heat, cell_size=(16, 16))
    assert np.array_equal(np.asarray(cut), full[:, :24])
    longer = overlay_heatmap(np.zeros((3, 16, 48), np.float32), heat, cell_size=(16, 16))
    assert np.array_equal(np.asarray(longer)[:, :32], full)
    assert (np.asarray(longer)[:, 32:] == full[:, -1:]).all()


def test_overlay_of_one_pixel_and_of_unknown_values():
    assert overlay_heatmap(np.zeros((3, 1, 1), np.float32), np.zeros((1, 1))).size == (1, 1)
    black = np.zeros((3, 4, 4), np.float32)
    for unknown in (np.array([[np.nan, 1.0]]), np.full((1, 2), np.nan)):
        pixels = np.asarray(overlay_heatmap(black, unknown, 0, 1, opacity=1.0))
        assert (pixels[:, 0] == colour_map(0.0, 0, 1)).all()  # unknown is drawn as the lowest


def test_strongest_channels_come_first_and_ties_in_order():
    features = np.zeros((4, 1, 4))
    features[range(4), 0, range(4)] = [1.0, -5.0, 5.0, 0.5]  # channel k differs in column k
    for count, order in ((2, [1, 2]), (9, [1, 2, 0, 3])):
        sheet = np.asarray(feature_tiles(features, count, tile_size=40, columns=1)).astype(int)
        assert sheet.shape == (14 * len(order) - 4, 40, 3)
        for row, channel in enumerate(order):
            tile = sheet[14 * row : 14 * row + 10]
            other = tile[5, 5 if channel else 15]
            differs = (tile != other).any(axis=2)
            assert differs.all(axis=0).nonzero()[0].tolist() == [
                *range(10 * channel, 10 * channel + 10)
            ]


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 40), (20, 40, 3)])
def test_feature_tiles_of_any_shape(shape):
    sheet = feature_tiles(np.random.default_rng(0).normal(size=shape), count=16, tile_size=70)
    assert min(sheet.size) >= 1 and max(sheet.size) <= 4 * 74


def test_colour_bar_runs_from_low_to_high():
    pixels = np.asarray(colour_bar(200, "0", "1"))
    assert np.array_equal(pixels[8, 0], colour_map(0.0, 0, 1))
    assert np.array_equal(pixels[8, -1], colour_map(1.0, 0, 1))


def test_refuses():
    with pytest.raises(ValueError, match=r"heat expects the shape \(h, w\).*\(2,\)"):
        overlay_heatmap(np.zeros((3, 4, 4), np.float32), np.zeros(2))
    with pytest.raises(ValueError, match=r"feature_map expects .*\(0, 4, 4\)"):
        feature_tiles(np.zeros((0, 4, 4)))


def test_strong_channels_that_say_the_same_are_shown_once():
    rng = np.random.default_rng(0)
    sky, cow = np.zeros((6, 8)), np.zeros((6, 8))
    sky[:2], cow[4, 3:5] = 1, 1
    noise = 1e-3 * rng.random((6, 6, 8))
    maps = np.stack([5 * sky, 4.9 * sky, 9 + 0 * sky, -4.8 * sky, 2 * cow, 0 * sky]) + noise
    first, second = strongest_channels(maps, 2)
    assert first == 0 and second == 4  # neither the sky again nor the channel that is always strong
    assert sorted(strongest_channels(maps, 99)) == list(range(6))


def test_channels_with_nan_or_without_a_difference_have_a_place_too():
    maps = np.zeros((3, 2, 2))
    maps[1, 0, 0] = np.nan
    maps[2, 0, 0] = 1
    assert strongest_channels(maps, 3)[0] == 2
    assert sorted(strongest_channels(np.ones((3, 1, 1)), 2)) == [0, 1]


def test_tiles_of_chosen_channels():
    maps = np.zeros((3, 2, 2))
    maps[1, 0, 0] = 1
    chosen = feature_tiles(maps, tile_size=20, channels=[1], columns=1)
    assert chosen.size == (20, 20)
    assert np.asarray(chosen)[5, 5].tolist() == colour_map(1.0, 0, 1).tolist()
