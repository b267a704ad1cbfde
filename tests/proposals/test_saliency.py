"""The spectral residual: what repeats does not stand out, what does not does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from minicv.proposals.saliency import spectral_residual


@given(row=st.integers(2, 29), column=st.integers(2, 29), seed=st.integers(0, 10_000))
def test_the_odd_one_out(row, column, seed):
    channel = np.random.default_rng(seed).normal(0, 0.02, (32, 32))
    channel += np.tile([[0, 0.5], [0.5, 0]], (16, 16))  # a chessboard
    channel[row, column] = 1
    saliency = spectral_residual(channel)
    y, x = np.unravel_index(saliency.argmax(), saliency.shape)
    assert max(abs(y - row), abs(x - column)) <= 2


@given(seed=st.integers(0, 10_000))
def test_against_the_formula(seed):
    """The transform by its definition, and the mean over 3 x 3 by shifts."""
    rng = np.random.default_rng(seed)
    channel = rng.random((6, 6))
    wave = np.exp(-2j * np.pi * np.outer(np.arange(6), np.arange(6)) / 6)
    spectrum = wave @ channel @ wave
    log_amplitude = np.log(np.abs(spectrum) + 1e-8)
    shifts = [np.roll(log_amplitude, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    residual = log_amplitude - sum(shifts) / 9
    inverse = wave.conj() / 6
    raw = np.abs(inverse @ np.exp(residual + 1j * np.angle(spectrum)) @ inverse) ** 2
    saliency = spectral_residual(channel)
    smooth = ndimage.gaussian_filter(raw, 1.0, mode="nearest")
    np.testing.assert_allclose(saliency, smooth / smooth.mean(), rtol=1e-6)


def test_even_channels_have_none():
    assert (spectral_residual(np.full((16, 16), 0.3)) == 0).all()
