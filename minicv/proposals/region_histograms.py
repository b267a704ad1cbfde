"""What Selective Search remembers of a region: histograms of its colours and of its texture.

Source: Uijlings et al. 2013, section 3.2: 25 bins for each colour channel; for texture the Gaussian
derivatives (sigma 1) in 8 orientations of each channel, in 10 bins each.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

COLOUR_BINS = 25
TEXTURE_BINS = 10
ORIENTATIONS = 8
# The Gaussian derivative of a step from 0 to 1 is 1 / (sqrt(2 pi) sigma) where it is steepest.
STEEPEST = 1 / np.sqrt(2 * np.pi)


def colour_bins(channels: np.ndarray) -> np.ndarray:
    """The number of the bin that each value falls into.

    Args:
        channels: (C, H, W), 0..1.

    Returns:
        (C, H, W) uint8, 0..24.

    >>> colour_bins(np.array([0.0, 0.5, 1.0]).reshape(1, 1, 3)).ravel().tolist()
    [0, 12, 24]
    """
    return _binned(channels, COLOUR_BINS)


def texture_bins(channels: np.ndarray) -> np.ndarray:
    """The bins of the derivatives in 8 directions, each 45 degrees from the next.

    Directions that are opposite share a derivative but for its sign: each keeps what rises along
    it and has 0 where the picture falls.

    Args:
        channels: (C, H, W), 0..1.

    Returns:
        (8 C, H, W) uint8, 0..9.

    >>> texture_bins(np.zeros((3, 4, 5))).shape
    (24, 4, 5)
    """
    channels = np.asarray(channels, dtype=np.float32)
    across = gaussian_filter(channels, (0, 1, 1), order=(0, 0, 1))
    down = gaussian_filter(channels, (0, 1, 1), order=(0, 1, 0))
    angles = 2 * np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS
    bins = [
        _binned((np.cos(angle) * across + np.sin(angle) * down) / STEEPEST, TEXTURE_BINS)
        for angle in angles
    ]
    return np.concatenate(bins)


def region_histograms(labels: np.ndarray, bins: np.ndarray, bin_count: int) -> np.ndarray:
    """A histogram of each region in each map; the values of a region sum to 1.

    Args:
        labels: (H, W), regions 0..R-1, none of them empty.
        bins: (M, H, W), 0..bin_count-1.

    Returns:
        (R, M * bin_count) float32.

    >>> labels, bins = np.array([[0, 0, 1]]), np.array([[[1, 1, 0]]])
    >>> region_histograms(labels, bins, 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    regions = int(labels.max()) + 1
    start = labels.ravel().astype(np.intp) * bin_count
    counts = np.stack(
        [np.bincount(start + m.ravel(), minlength=regions * bin_count) for m in bins]
    )  # (M, R bins)
    counts = counts.reshape(len(bins), regions, bin_count).transpose(1, 0, 2)
    flat = counts.reshape(regions, -1).astype(np.float32)  # (M, R, bins) -> (R, M bins)
    return flat / flat.sum(axis=1, keepdims=True)


def _binned(values: np.ndarray, count: int) -> np.ndarray:
    return np.clip(values * np.float32(count), 0, count - 1).astype(np.uint8)
