"""The identity that Winograd's algorithm stands on, and cutting images into tiles and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu.convolution_winograd_tiles import (
    ONE_DIMENSION,
    TRANSFORMS,
    Band,
    cut,
    put_together,
)


@pytest.mark.parametrize("m", ONE_DIMENSION)
def test_the_identity_in_one_dimension(m):
    """Aᵀ [(G g) ⊙ (Bᵀ d)] is the 3-tap filter g on the m + 2 numbers d."""
    image, kernel, result = ONE_DIMENSION[m]
    rng = np.random.default_rng(0)
    d, g = rng.normal(size=m + 2), rng.normal(size=3)
    y = result @ ((kernel @ g) * (image @ d))
    np.testing.assert_allclose(y, np.correlate(d, g, "valid"), rtol=1e-12)


@pytest.mark.parametrize("m", TRANSFORMS)
def test_the_identity_in_two_dimensions(m):
    f = TRANSFORMS[m]
    rng = np.random.default_rng(0)
    d, g = rng.normal(size=(m + 2, m + 2)), rng.normal(size=(3, 3))
    windows = np.lib.stride_tricks.sliding_window_view(d, (3, 3))
    y = f.result @ ((f.kernel @ g.ravel()) * (f.image @ d.ravel()))
    np.testing.assert_allclose(y, (windows * g).sum(axis=(2, 3)).ravel(), rtol=1e-5, atol=1e-5)


@given(st.data())
def test_tiles_hold_the_pixels_they_stand_for(data):
    n, c = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    h, w, step = (data.draw(st.integers(1, 9)) for _ in range(3))
    size = step + data.draw(st.integers(0, 2))
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    rows = slice(data.draw(st.integers(0, 2)), data.draw(st.integers(3, 4)))
    band = Band(slice(0, n), rows, data.draw(st.integers(1, 4)))
    x = np.random.default_rng(0).normal(size=(n, c, h, w))
    tiles = cut(x, slice(0, c), band, size, step, padding)
    assert tiles.shape == (c, size * size, band.tiles)
    wide = np.pad(x, [(0, 0), (0, 0), (padding[0], 99), (padding[1], 99)])
    expected = [
        wide[image, :, step * row : step * row + size, step * column : step * column + size]
        for image in range(n)
        for row in range(rows.start, rows.stop)
        for column in range(band.across)
    ]
    np.testing.assert_array_equal(tiles, np.stack(expected, -1).reshape(tiles.shape))


@pytest.mark.parametrize("m", TRANSFORMS)
@pytest.mark.parametrize(("height", "width"), [(9, 10), (12, 12), (9, 12), (1, 3)])
def test_cutting_and_putting_together_is_nothing(m, height, width):
    """Also where the last tiles reach beyond the border, and where none does."""
    x = np.random.default_rng(0).normal(size=(2, 3, height, width)).astype(np.float32)
    band = Band(slice(0, 2), slice(0, -(-height // m)), -(-width // m))
    y = np.empty_like(x)
    tiles = cut(x, slice(0, 3), band, m, m, (0, 0)).swapaxes(1, 2)  # (C, tiles, m²)
    put_together(np.ascontiguousarray(tiles), y, slice(0, 3), band, m)
    np.testing.assert_array_equal(x, y)
