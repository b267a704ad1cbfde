"""4x4 convolution at stride 2 by Winograd's algorithm, against im2col in double precision."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.convolution_layer import Epilogue
from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_winograd_strided as winograd
from minicv.testing import strategies


def kernels(case):
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    return (
        winograd.forward(case.layer, x, weight),
        winograd.grad_input(case.layer, grad, weight),
        winograd.grad_weight(case.layer, grad, x),
    )


def agrees(case):
    for array, exact in zip(kernels(case), case.run(np.float64), strict=True):
        assert array.shape == exact.shape and array.dtype == np.float32
        assert np.linalg.norm(array - exact) <= 3e-6 * np.linalg.norm(exact)


@given(st.data())
def test_all_three_kernels(data):
    n, c, o = (data.draw(st.integers(1, high)) for high in (9, 3, 3))
    padding = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    extra = data.draw(strategies.distinct_sizes(2, low=0, high=19))
    size = (max(1, 4 - 2 * p + e) for p, e in zip(padding, extra, strict=True))
    agrees(Case((n, c, *size), (o, c, 4, 4), stride=(2, 2), padding=padding))


@pytest.mark.parametrize(("few_weights", "many_tiles"), [(0, 0), (4 << 20, 0), (4 << 20, 1000)])
@pytest.mark.parametrize("band_tiles", [1, 3, 14])
def test_several_bands(few_weights, many_tiles, band_tiles, monkeypatch):
    """Of one image, and of several; with U in the cache or in blocks; with sums of several runs."""
    monkeypatch.setattr(winograd, "FEW_WEIGHTS", few_weights)
    monkeypatch.setattr(winograd, "MANY_TILES", many_tiles)
    monkeypatch.setattr(winograd, "SUMMED_BYTES", 4 * 25 * 11 * band_tiles)
    monkeypatch.setattr(winograd, "BAND_TILES", band_tiles)
    monkeypatch.setattr(winograd, "IMAGE_BYTES", 4 * 25 * 11 * band_tiles)
    monkeypatch.setattr(winograd, "CHANNELS", 2)
    monkeypatch.setattr(winograd, "MOST_SUMS", 2)
    agrees(Case((1, 2, 40, 26), (3, 2, 4, 4), stride=(2, 2), padding=(1, 1)))
    agrees(Case((11, 2, 17, 9), (3, 2, 4, 4), stride=(2, 2), padding=(1, 0)))


def test_rows_that_no_window_reaches_have_no_gradient():
    """A transposed convolution with output padding gives x more rows than its windows need."""
    case = Case((2, 3, 11, 15), (4, 3, 4, 4), stride=(2, 2), padding=(0, 0))
    grad_x = kernels(case)[1]
    assert case.y_shape[2:] == (4, 6)
    reached = np.zeros(grad_x.shape, bool)
    reached[:, :, :10, :14] = True
    assert np.abs(grad_x[~reached]).max() < 1e-5 < np.abs(grad_x[reached]).min()


@pytest.mark.parametrize("with_shortcut", [False, True])
def test_the_epilogue(with_shortcut):
    case = Case((3, 5, 18, 22), (6, 5, 4, 4), stride=(2, 2), padding=(1, 1))
    rng = np.random.default_rng(0)
    scale, shift = rng.normal(size=(2, 6)).astype(np.float32)
    shortcut = rng.normal(size=case.y_shape).astype(np.float32) if with_shortcut else None
    epilogue = Epilogue(scale, shift, shortcut, 6.0)
    operands = case.x.astype(np.float32), case.weight.astype(np.float32), epilogue
    y, exact = (way.forward(case.layer, *operands) for way in (winograd, im2col))
    assert y.min() >= 0 and y.max() <= 6
    np.testing.assert_allclose(y, exact, atol=1e-4)


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 12, 15), (4, 3, 4, 4), stride=(2, 2), padding=(1, 1))
    case.x, case.weight = np.asfortranarray(case.x), case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, ::-1]
    agrees(case)


def test_a_polynomial_of_five_terms_is_known_from_its_values():
    """Bᵀ has the property from which the algorithm follows: Aᵀ [(G g) ⊙ (Bᵀ d)] = d ⋆ g."""
    rng = np.random.default_rng(1)
    d, g = rng.normal(size=5), rng.normal(size=2)
    results, kernel = winograd._values(4), winograd._values(2)
    y = results.T @ ((kernel @ g) * (winograd._BT @ d))
    np.testing.assert_allclose(y, [d[i] * g[0] + d[i + 1] * g[1] for i in range(4)])
