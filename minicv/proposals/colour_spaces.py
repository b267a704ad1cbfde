"""The colour spaces of Selective Search: each is invariant to other changes of light.

All functions take (3, H, W) RGB in 0..1 and return (C, H, W) float32 with every channel in 0..1, so
that distances, histograms and thresholds mean the same in all of them. What is not (3, H, W) float
in 0..1 they refuse with a ValueError.

Source: Uijlings et al. 2013, section 3.2 and table 1 (which changes of light leave which channels
as they are).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minicv.proposals.channels import checked_channels

# sRGB's primaries and white (D65), as in IEC 61966-2-1: linear RGB to X, Y, Z.
RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ],
    dtype=np.float32,
)
WHITE = RGB_TO_XYZ.sum(axis=1)


def hsv(image: np.ndarray) -> np.ndarray:
    """Hue, saturation and value. Hue is an angle over 360 degrees, 0 for greys.

    >>> red, grey = [1.0, 0.0, 0.0], [0.5, 0.5, 0.5]
    >>> hsv(np.array([[red, grey]]).transpose(2, 0, 1))[:, 0].T.tolist()
    [[0.0, 1.0, 1.0], [0.0, 0.0, 0.5]]
    """
    red, green, blue = checked_channels(image, "hsv", channels=3)
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    divisor = np.where(chroma > 0, chroma, 1)
    sector = np.where(
        value == red,
        (green - blue) / divisor % 6,
        np.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )  # 0..6, 60 degrees each
    saturation = chroma / np.where(value > 0, value, 1)
    return np.stack([sector / 6, saturation, value]).astype(np.float32)


def lab(image: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of an sRGB picture: L / 100, (a + 128) / 255, (b + 128) / 255.

    >>> black, white = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    >>> lab(np.array([[black, white]]).transpose(2, 0, 1))[:, 0].T.round(2).tolist()
    [[0.0, 0.5, 0.5], [1.0, 0.5, 0.5]]
    """
    image = checked_channels(image, "lab", channels=3)
    linear = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** np.float32(2.4))
    xyz = np.tensordot(RGB_TO_XYZ / WHITE[:, None], linear, axes=1)  # (3, H, W) -> (3, H, W)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255]
    ).astype(np.float32)


def normalised_rg_and_intensity(image: np.ndarray) -> np.ndarray:
    """rgI: red and green as shares of the sum, 1/3 for black, and the mean of the three.

    >>> normalised_rg_and_intensity(np.array([0.6, 0.2, 0.2]).reshape(3, 1, 1)).ravel().round(2)
    array([0.6 , 0.2 , 0.33], dtype=float32)
    """
    image = checked_channels(image, "normalised_rg_and_intensity", channels=3)
    total = image.sum(axis=0)
    shares = np.where(total > 0, image[:2] / np.where(total > 0, total, 1), np.float32(1 / 3))
    return np.concatenate([shares, total[None] / 3]).astype(np.float32)


def hue(image: np.ndarray) -> np.ndarray:
    """H: the hue of `hsv` alone.

    >>> hue(np.array([0.0, 1.0, 0.0]).reshape(3, 1, 1)).shape
    (1, 1, 1)
    """
    return hsv(image)[:1]


def intensity(image: np.ndarray) -> np.ndarray:
    """I: the grey-scale picture, with the weights of television (ITU-R BT.601).

    >>> intensity(np.ones((3, 1, 1))).round(3).item()
    1.0
    """
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    image = checked_channels(image, "intensity", channels=3)
    return np.tensordot(weights, image, axes=1)[None]


COLOUR_SPACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "HSV": hsv,
    "Lab": lab,
    "rgI": normalised_rg_and_intensity,
    "H": hue,
    "I": intensity,
}
