"""Rasterising: coverage, clipping at the border, mirroring, painting over."""

from __future__ import annotations

import numpy as np

from minicv.data.farmyard_drawing.figure import Figure
from minicv.data.farmyard_drawing.raster import rasterise


def block(colour=(255, 0, 0)):
    """Two units wide and one high, standing on the ground right of the origin."""
    figure = Figure()
    figure.polygon([(0, -1), (2, -1), (2, 0), (0, 0)], colour)
    return figure


def test_block_covers_its_pixels():
    layer = rasterise(block(), (40, 60), scale=10, offset=(5, 30), supersample=4)
    alpha = np.zeros((40, 60))
    alpha[layer.window] = layer.alpha
    assert layer.inside == 1.0
    assert alpha[20:30, 5:25].min() > 0.7  # Pillow draws the rim half a fine pixel too wide
    assert alpha[21:29, 6:24].min() == 1.0
    np.testing.assert_allclose(alpha.sum(), 200, rtol=0.03)
    assert layer.mask.sum() == 200


def test_colour_is_multiplied_by_alpha():
    layer = rasterise(block((200, 100, 50)), (40, 60), scale=7.3, offset=(5.2, 30.6))
    expected = layer.alpha[..., None] * np.array([200, 100, 50]) / 255
    np.testing.assert_allclose(layer.colour, expected, atol=1.5 / 255)
    assert ((layer.alpha > 0) & (layer.alpha < 1)).any()  # the rim is anti-aliased


def test_mirror_faces_left():
    layer = rasterise(block(), (40, 60), scale=10, offset=(30, 30), mirror=True)
    assert layer.left == 10 and layer.left + layer.alpha.shape[1] == 30


def test_part_outside_is_cut_and_told():
    layer = rasterise(block(), (40, 60), scale=10, offset=(-10, 30))
    assert layer.left == 0 and layer.alpha.shape == (10, 10)
    np.testing.assert_allclose(layer.inside, 0.5)


def test_nothing_in_the_picture():
    assert rasterise(block(), (40, 60), scale=10, offset=(60, 30)) is None
    assert rasterise(block(), (40, 60), scale=10, offset=(5, -1)) is None


def test_pattern_shows_only_on_its_bed():
    figure = block((255, 255, 255))
    figure.pattern([(1.5, -2), (3, -2), (3, 1), (1.5, 1)], (0, 0, 255), [0])
    layer = rasterise(figure, (40, 60), scale=10, offset=(5, 30))
    whole = np.zeros((40, 60, 3))
    whole[layer.window] = layer.colour
    np.testing.assert_allclose(whole[25, 8], [1, 1, 1])
    np.testing.assert_allclose(whole[25, 22], [0, 0, 1])
    assert not whole[:19].any() and not whole[:, 26:].any()


def test_pattern_outside_of_the_picture_is_left_out():
    figure = block()
    figure.pattern([(5, -1), (6, -1), (6, 0)], (0, 0, 255), [0])
    layer = rasterise(figure, (40, 12), scale=10, offset=(5, 30))
    assert layer is not None and layer.colour[..., 2].max() == 0


def test_light_from_above_brightens_the_top():
    figure = Figure()
    figure.oval((0, -1), (1, 1), (120, 120, 120))
    lit = rasterise(figure, (64, 64), 30, (32, 62), light=(0.0, 0.6), relief=0.2)
    flat = rasterise(figure, (64, 64), 30, (32, 62))
    gain = lit.colour[..., 0] / np.maximum(flat.colour[..., 0], 1e-6)
    column = gain.shape[1] // 2
    assert gain[4, column] > 1.03 > 0.97 > gain[-5, column]
    from_left = rasterise(figure, (64, 64), 30, (32, 62), light=(0.6, 0.0), relief=0.2)
    assert from_left.colour[30, 4, 0] > from_left.colour[30, -5, 0]


def test_layer_paints_over():
    layer = rasterise(block((255, 0, 0)), (40, 60), scale=10, offset=(5, 30))
    picture = np.full((40, 60, 3), 0.5, np.float32)
    layer.lay_on(picture)
    np.testing.assert_allclose(picture[25, 15], [1, 0, 0])
    np.testing.assert_allclose(picture[5, 5], [0.5, 0.5, 0.5])
