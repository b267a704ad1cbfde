"""Saliency by the spectral residual: what in a picture's spectrum is not as in any other's.

Source: Hou & Zhang, "Saliency Detection: A Spectral Residual Approach" (2007), equations 4 to 8.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SMOOTH = 1.0  # standard deviation of the Gaussian at the end, pixels of the small picture


def spectral_residual(channel: np.ndarray) -> np.ndarray:
    """How much each pixel stands out.

    Spectra of photographs have log amplitudes that are smooth curves; what sticks out of the curve
    belongs to what sticks out of the picture. With F the Fourier transform, A its amplitude, P its
    phase and h the mean over 3 x 3:

        ``S = g * |F^-1[exp(log A - h * log A + i P)]|^2``

    Args:
        channel: (H, W), some 16 to 64 pixels wide: the scale at which things stand out.

    Returns:
        (H, W), at least 0, with a mean of 1; all 0 if the channel is even.

    >>> channel = np.zeros((16, 16))
    >>> channel[5, 9] = 1
    >>> channel[::2] += 0.3  # stripes, which do not stand out
    >>> np.unravel_index(spectral_residual(channel).argmax(), (16, 16)) == (5, 9)
    True
    """
    if np.ptp(channel) < 1e-6:
        return np.zeros(channel.shape)
    spectrum = np.fft.fft2(channel)
    log_amplitude = np.log(np.abs(spectrum) + 1e-8)
    residual = log_amplitude - ndimage.uniform_filter(log_amplitude, 3, mode="wrap")
    back = np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    saliency = ndimage.gaussian_filter(np.abs(back) ** 2, SMOOTH, mode="nearest")
    return saliency / saliency.mean()
