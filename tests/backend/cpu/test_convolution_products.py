"""Products in pieces equal products as a whole, wherever the pieces end."""

import numpy as np
import pytest
from hypothesis import given

from minicv.backend.cpu import convolution_products as products
from minicv.backend.cpu.blas import Blas
from minicv.backend.cpu.convolution_products import SMALL, multiply, multiply_rows, pieces
from minicv.testing import strategies

SHAPES = [(70, 40, 700), (9, 300, 500), (130, 500, 33), (100, 30, 1001)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("small", [True, False])
def test_pieces_cover_the_product_whatever_the_layout(shape, stack, small, monkeypatch):
    monkeypatch.setattr(products, "packs_no_small_product", lambda: small)
    m, k, n = shape
    rng = np.random.default_rng(0)
    a = rng.normal(size=(*stack, m, k)).astype(np.float32)
    b = rng.normal(size=(*stack, k, n)).astype(np.float32)
    exact = a.astype(float) @ b.astype(float)
    for left in (a, np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)):
        for right in (b, np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)):
            wide = np.full((*stack, m + 1, n + 3), np.nan, np.float32)
            multiply(left, right, wide[..., 1:, 3:])
            np.testing.assert_allclose(wide[..., 1:, 3:], exact, atol=1e-3)
            assert np.isnan(wide[..., 0, :]).all() and np.isnan(wide[..., :3]).all()


@pytest.mark.parametrize(
    "shape", [(70, 300, 40), (64, 3001, 33), (27, 976, 64), (40, 60, 50), (8, 500, 8)]
)
@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("small", [True, False])
def test_rows_times_rows(shape, stack, small, monkeypatch):
    monkeypatch.setattr(products, "packs_no_small_product", lambda: small)
    m, k, n = shape
    rng = np.random.default_rng(0)
    a = rng.normal(size=(*stack, m, k + 5)).astype(np.float32)[..., 5:]
    b = rng.normal(size=(*stack, n, k)).astype(np.float32)
    exact = a.astype(float) @ b.swapaxes(-1, -2).astype(float)
    wide = np.full((*stack, m + 1, n + 3), np.nan, np.float32)
    multiply_rows(a, b, wide[..., 1:, 3:])
    assert np.linalg.norm(wide[..., 1:, 3:] - exact) < 1e-6 * np.linalg.norm(exact)
    assert np.isnan(wide[..., 0, :]).all() and np.isnan(wide[..., :3]).all()


@given(strategies.distinct_sizes(3, low=1, high=5000))
def test_a_piece_is_small_and_within_the_product(sizes):
    m, k, n = sizes
    piece = pieces(m, k, n)
    if piece is None:
        return
    rows, columns = piece
    assert m * k * n > SMALL
    assert 1 <= rows <= m and 1 <= columns <= n and rows * columns * k <= SMALL


@pytest.mark.parametrize("shape", SHAPES)
def test_these_shapes_are_cut(shape):
    rows, columns = pieces(*shape)
    assert rows < shape[0] or columns < shape[2]


@pytest.mark.parametrize(
    ("library", "small"),
    [
        (Blas("openblas", "0.3.31", "SkylakeX"), True),
        (Blas("openblas", "0.3.31", "Haswell"), False),
        (Blas("mkl", "2024.2", ""), False),
        (Blas("", "", ""), False),
    ],
)
def test_only_some_libraries_take_small_products(library, small, monkeypatch):
    monkeypatch.setattr(products, "blas", lambda: library)
    assert products.packs_no_small_product.__wrapped__() is small


def test_other_dtypes_are_left_to_numpy():
    a, b = np.ones((200, 300)), np.ones((300, 400))
    out = np.empty((200, 400))
    multiply(a, b, out)
    np.testing.assert_array_equal(out, 300)
