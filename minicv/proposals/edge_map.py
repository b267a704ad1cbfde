"""Edge maps: for each pixel how strongly an edge runs through it, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import ndimage

from minicv.proposals.channels import checked_channels


class EdgeDetector(Protocol):
    """Anything that finds edges: the gradient below, or a learnt detector."""

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(3, H, W) -> magnitude (H, W) in 0..1, and orientation (H, W) in 0..pi.

        The orientation is that of the edge itself, not of its normal: 0 runs along x, pi / 2 along
        y, and pi / 4 from the upper left to the lower right (y points down).
        """
        ...


@dataclass(frozen=True)
class GradientEdges:
    """Magnitude and direction of the gradient of the smoothed image, as an edge map.

    At each pixel the channel with the steepest gradient is taken. Magnitudes are divided by the
    ``full`` quantile of those in the image, and cut at 1, so that contrast does not matter.

    Args:
        sigma: of the Gaussian that smooths the image first, in pixels: 3 takes the texture out of
            photographs of about 500 pixels; 1 or 2 suits pictures of 128 pixels.
        full: the quantile of the magnitudes that counts as a full edge.

    Source: Canny 1986, sections on the directional derivative of a Gaussian.

    >>> step = np.zeros((3, 8, 8), np.float32)
    >>> step[:, :, 4:] = 1
    >>> magnitude, orientation = GradientEdges().detect(step)
    >>> np.flatnonzero(magnitude[4] > 0.95).tolist()
    [3, 4]
    >>> round(float(orientation[4, 4]), 2)
    1.57
    """

    sigma: float = 3.0
    full: float = 0.99

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `EdgeDetector.detect`. An image of one pixel has no edges.

        Raises:
            ValueError: the image is not (3, H, W) float in 0..1.
        """
        image = checked_channels(image, "GradientEdges", channels=3)
        smooth = ndimage.gaussian_filter(
            image, (0, self.sigma, self.sigma), mode="nearest", truncate=3
        )
        difference = np.array([-0.5, 0, 0.5], smooth.dtype)
        down = ndimage.correlate1d(smooth, difference, axis=1, mode="nearest")  # (3, H, W)
        right = ndimage.correlate1d(smooth, difference, axis=2, mode="nearest")
        steepness = down * down + right * right
        steepest = steepness.argmax(axis=0)[None]  # (1, H, W)
        down, right, steepness = (
            np.take_along_axis(values, steepest, axis=0)[0] for values in (down, right, steepness)
        )  # (3, H, W) -> (H, W)
        magnitude = np.sqrt(steepness)
        full = np.quantile(magnitude, self.full)
        if full == 0:  # nearly the whole image is even: divide by the largest magnitude
            full = max(magnitude.max(), 1e-6)
        orientation = (np.arctan2(down, right) + np.pi / 2) % np.pi
        return np.minimum(magnitude / full, 1), orientation


def thin_edges(
    magnitude: np.ndarray, orientation: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels on the ridge of an edge: above ``least``, and no less than both neighbours across it.

    The neighbours lie one pixel away along the normal, where the magnitude is interpolated. Of two
    equal pixels next to each other the first stays.

    Args:
        magnitude, orientation: (H, W), as from `EdgeDetector.detect`.
        least: magnitude that an edge must exceed.

    Returns:
        ``(y, x)``: rows and columns of the E pixels that stay, in the image's order.

    Source: Canny 1986; Zitnick & Dollár 2014, section 3 ("edge NMS").

    >>> ridge = np.zeros((3, 5))
    >>> ridge[:, 1:4] = 0.4, 0.9, 0.5
    >>> thin_edges(ridge, np.full((3, 5), np.pi / 2), 0.1)[1].tolist()
    [2, 2, 2]
    """
    y, x = np.nonzero(magnitude > least)
    here = magnitude[y, x]
    dy, dx = -np.cos(orientation[y, x]), np.sin(orientation[y, x])  # the normal
    before, after = (
        ndimage.map_coordinates(magnitude, [y + s * dy, x + s * dx], order=1, mode="nearest")
        for s in (-1, 1)
    )
    ridge = (here > before) & (here >= after)
    return y[ridge], x[ridge]
