"""Winograd's F(4x4, 3x3): the identity it stands on, and both kernels against the exact path."""

import numpy as np
import pytest
from convolution_cases import Case
from hypothesis import given
from hypothesis import strategies as st

from minicv.backend.cpu import convolution_im2col as im2col
from minicv.backend.cpu import convolution_winograd as winograd


def test_the_identity_in_one_dimension():
    """Aᵀ [(G g) ⊙ (Bᵀ d)] is the 3-tap filter g on the 6 numbers d."""
    rng = np.random.default_rng(0)
    d, g = rng.normal(size=6), rng.normal(size=3)
    y = winograd.AT @ ((winograd.G @ g) * (winograd.BT @ d))
    np.testing.assert_allclose(y, np.correlate(d, g, "valid"), rtol=1e-12)


def agrees(case):
    """Called directly, whatever the chooser would say of so small a layer."""
    x, weight, grad = (a.astype(np.float32) for a in (case.x, case.weight, case.grad))
    padding = case.options[1]
    fast = (
        winograd.forward(x, weight, padding, case.y_shape),
        winograd.grad_input(grad, weight, x.shape, padding),
    )
    exact = (
        im2col.forward(case.x, case.weight, *case.options, case.y_shape),
        im2col.grad_input(case.grad, case.weight, x.shape, *case.options),
    )
    for f, e in zip(fast, exact, strict=True):
        assert f.dtype == np.float32
        assert np.linalg.norm(f - e) <= 2e-5 * np.linalg.norm(e) + 1e-5


@given(st.data())
def test_forward_and_gradient_of_the_input(data):
    n, c, o = (data.draw(st.integers(1, 5)) for _ in range(3))
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(data.draw(st.integers(max(1, 3 - 2 * p), 14)) for p in padding)
    agrees(Case((n, c, *size), (o, c, 3, 3), padding=padding))


@pytest.mark.parametrize("block_bytes", [1, 36 * 4 * 7 * 100])
def test_several_blocks(block_bytes, monkeypatch):
    monkeypatch.setattr(winograd, "BLOCK_BYTES", block_bytes)
    agrees(Case((3, 4, 50, 45), (3, 4, 3, 3), padding=(1, 1)))
    agrees(Case((1, 4, 50, 45), (3, 4, 3, 3), padding=(1, 1)))


@pytest.mark.parametrize("channels", [(96, 128), (256, 96)])
def test_wide_layers_stay_exact_enough(channels):
    c, o = channels
    case = Case((1, c, 36, 39), (o, c, 3, 3), padding=(1, 1))
    assert case.algorithm() == "winograd"
    forward, grad_input, grad_weight = case.errors()
    assert forward < 2e-5 and grad_input < 2e-5 and grad_weight < 2e-6


def test_memory_that_is_not_contiguous():
    case = Case((2, 3, 9, 10), (4, 3, 3, 3), padding=(1, 1))
    case.x, case.weight = np.asfortranarray(case.x), case.weight[::-1, :, ::-1]
    case.grad = case.grad[:, ::-1]
    agrees(case)
