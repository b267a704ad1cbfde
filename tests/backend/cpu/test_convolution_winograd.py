"""Winograd's identity, tiles, and three kernels, F(2x2, 3x3) and F(4x4, 3x3), against im2col."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_winograd as winograd
from minicv.backend.cpu.convolution_winograd import (
    ONE_DIMENSION,
    TRANSFORMS,
    Band,
    cut,
    put_together,
)

BOUNDS = {2: 2e-6, 4: 2e-5}


def errors(case, m):
    """Called directly, whatever the chooser would say of so small a layer."""
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    layer = case.layer
    bias = np.random.default_rng(1).normal(size=weight.shape[0])
    fast = (
        winograd.forward(layer, x, weight, Epilogue(shift=bias.astype(np.float32)), m=m),
        winograd.grad_input(layer, grad, weight, m=m),
        winograd.grad_weight(layer, grad, x, m=m),
    )
    exact = (
        im2col.forward(layer, case.x, case.weight) + bias[:, None, None],
        im2col.grad_input(layer, case.grad, case.weight),
        im2col.grad_weight(layer, case.grad, case.x),
    )
    relative = []
    for f, e in zip(fast, exact, strict=True):
        assert f.dtype == np.float32 and f.shape == e.shape
        relative.append(np.linalg.norm(f - e) / (np.linalg.norm(e) + 1))
    return relative


@given(st.sampled_from([2, 4]), st.data())
def test_all_three_kernels(m, data):
    n, c, o = (data.draw(st.integers(1, 5)) for _ in range(3))
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(data.draw(st.integers(max(1, 3 - 2 * p), 14)) for p in padding)
    assert max(errors(Case((n, c, *size), (o, c, 3, 3), padding=padding), m)) < BOUNDS[m]


SEVERAL = [Case((n, 5, 50, 45), (6, 5, 3, 3), padding=(1, 1)) for n in (3, 1, 4)]


@pytest.mark.parametrize("case", SEVERAL)
@pytest.mark.parametrize("few_weights", [0, 1 << 30])  # V stays, or U stays
def test_several_blocks(case, few_weights, monkeypatch):
    monkeypatch.setattr(winograd, "FEW_WEIGHTS", few_weights)
    monkeypatch.setattr(winograd, "MANY_TILES", 0)
    monkeypatch.setattr(winograd, "BAND_TILES", 30)
    monkeypatch.setattr(winograd, "IMAGE_BYTES", 36 * 4 * 5 * 100)
    monkeypatch.setattr(winograd, "CHANNELS", 2)
    assert max(errors(case, 4)) < BOUNDS[4]


def test_few_weights_of_few_tiles_are_multiplied_at_once(monkeypatch):
    """As many tiles as fit the memory for them, where bands would add up more than they are."""
    monkeypatch.setattr(winograd, "BAND_TILES", 30)
    monkeypatch.setattr(winograd, "MANY_TILES", 1000)
    monkeypatch.setattr(winograd, "SUMMED_BYTES", 36 * 4 * (5 + 6) * 200)
    at_once = []
    multiply_rows = winograd.products.multiply_rows
    monkeypatch.setattr(
        winograd.products,
        "multiply_rows",
        lambda a, b, out: (at_once.append(a.shape[2]), multiply_rows(a, b, out)),
    )
    assert max(errors(SEVERAL[0], 4)) < BOUNDS[4]
    assert max(at_once) > 30


@pytest.mark.parametrize("m", [2, 4])
@pytest.mark.parametrize("shape", [(1, 96, 36, 39), (3, 256, 14, 15), (2, 32, 90, 85)])
def test_wide_layers_are_as_exact_as_promised(shape, m):
    case = Case(shape, (shape[1] + 30, shape[1], 3, 3), padding=(1, 1))
    assert max(errors(case, m)) < BOUNDS[m]


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 9, 10), (4, 3, 3, 3), padding=(1, 1))
    case.x, case.weight = np.asfortranarray(case.x), case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, ::-1]
    assert max(errors(case, 4)) < BOUNDS[4]


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
    together = data.draw(st.sampled_from([1, 2, 4]))
    n *= together
    band = Band(slice(0, n), rows, data.draw(st.integers(1, 4)), together)
    x = np.random.default_rng(0).normal(size=(n, c, h, w)).astype(np.float32)
    tiles = cut(x, slice(0, c), band, size, step, padding)
    assert tiles.shape == (c, size * size, band.tiles)
    wide = np.pad(x, [(0, 0), (0, 0), (padding[0], 99), (padding[1], 99)])
    expected = [
        wide[image, :, step * row : step * row + size, step * column : step * column + size]
        for first in range(0, n, together)
        for row in range(rows.start, rows.stop)
        for column in range(band.across)
        for image in range(first, first + together)
    ]
    np.testing.assert_array_equal(tiles, np.stack(expected, -1).reshape(tiles.shape))


@pytest.mark.parametrize("m", TRANSFORMS)
@pytest.mark.parametrize("together", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), [(9, 10), (12, 12), (9, 12), (1, 3)])
def test_cutting_and_putting_together_is_nothing(m, height, width, together):
    """Also where the last tiles reach beyond the border, and where none does."""
    x = np.random.default_rng(0).normal(size=(8, 3, height, width)).astype(np.float32)
    band = Band(slice(0, 8), slice(0, -(-height // m)), -(-width // m), together)
    y = np.empty_like(x)
    tiles = cut(x, slice(0, 3), band, m, m, (0, 0)).swapaxes(1, 2)  # (C, tiles, m²)
    put_together(np.ascontiguousarray(tiles), y, slice(0, 3), band, m)
    np.testing.assert_array_equal(x, y)
