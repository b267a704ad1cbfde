"""Four cues that a window holds an object: it stands out, contrasts, has an outline, cuts nothing.

Each cue is computed once for a picture; then integral images let it score any number of windows.

Source: Alexe, Deselaers & Ferrari, "Measuring the objectness of image windows" (2012), section 2.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import ndimage

from minicv.proposals.colour_spaces import lab
from minicv.proposals.edge_map import GradientEdges, thin_edges
from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.proposer import as_picture, resized

SMOOTH = 1.0  # standard deviation of the Gaussian at the end, pixels of the small picture
BLOCK = 1024  # boxes counted at a time
SALIENCY_SCALES = (16, 24, 32, 48, 64)
LAB_BINS = (4, 8, 8)
EDGES = GradientEdges(sigma=1.0)
LEAST_EDGE = 0.1


def spectral_residual(channel: np.ndarray) -> np.ndarray:
    """How much each pixel stands out.

    The log amplitudes in the spectra of photographs are smooth curves. Where a spectrum differs
    from its smooth curve, it belongs to something that stands out in the picture. With F the
    Fourier transform, A its amplitude, P its phase and h the mean over 3 x 3:

        ``S = g * |F^-1[exp(log A - h * log A + i P)]|^2``

    Args:
        channel: (H, W), some 16 to 64 pixels wide: the scale at which things stand out.

    Returns:
        (H, W), at least 0, with a mean of 1; all 0 if the channel is even.

    Source: Hou & Zhang, "Saliency Detection: A Spectral Residual Approach" (2007), equations 4-8.

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


class IntegralHistogram:
    """Counts how many pixels of each label a box has: an integral image for each label.

    So the counts of any box cost four look-ups a label.

    Args:
        labels: (H, W) whole numbers from 0 to ``bins - 1``.
        bins: number of labels.

    Source: Porikli, "Integral Histogram" (2005); for labels of superpixels: Alexe et al. 2012,
    section 2.4.

    Cost: (H + 1) (W + 1) bins numbers, of 2 bytes up to 65,535 pixels, else of 4.

    >>> histogram = IntegralHistogram(np.array([[0, 1, 1], [0, 2, 1]]), 3)
    >>> histogram.counts(np.array([[0, 0, 2, 2], [2, 0, 3, 2]])).tolist()
    [[2, 1, 1], [0, 2, 0]]
    """

    def __init__(self, labels: np.ndarray, bins: int) -> None:
        height, width = labels.shape
        # As short as possible: a sum that wraps around does not change differences of sums.
        kind = np.uint16 if labels.size < 1 << 16 else np.uint32
        self.totals = np.zeros((height + 1, width + 1, bins), kind)
        rows, columns = np.indices(labels.shape)
        self.totals[rows + 1, columns + 1, labels] = 1
        for column in range(1, width + 1):  # whole histograms at once: cumsum would go bin by bin
            self.totals[:, column] += self.totals[:, column - 1]
        for row in range(1, height + 1):
            self.totals[row] += self.totals[row - 1]

    def counts(self, boxes: np.ndarray) -> np.ndarray:
        """(N, 4) whole pixels -> (N, bins)."""
        counts = np.empty((len(boxes), self.totals.shape[2]), np.int32)
        for first in range(0, len(boxes), BLOCK):
            x1, y1, x2, y2 = boxes[first : first + BLOCK].T
            part = self.totals[y2, x2] - self.totals[y1, x2]
            part -= self.totals[y2, x1]
            part += self.totals[y1, x1]
            counts[first : first + BLOCK] = part
        return counts


class Cue(Protocol):
    """Scores windows of one picture."""

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """(N, 4) boxes in whole pixels -> (N,); the higher, the more likely is an object."""
        ...


class MultiScaleSaliency:
    """MS: how salient the salient pixels of a window are, and how densely they lie.

    At each scale the picture is resized to a square, and the saliency of its channels is averaged:

        ``MS = sum of saliency over salient pixels * number of salient pixels / area``

    All three are shares of the whole picture, so that scales can be compared. The largest MS of all
    scales is the score.

    Args:
        image: (3, H, W).
        threshold: a pixel is salient if it has at least so many times the mean saliency.
    """

    def __init__(self, image: np.ndarray, threshold: float) -> None:
        self.size = image.shape[1:]
        picture = as_picture(image)
        self.integrals = []
        for scale in SALIENCY_SCALES:
            small = resized(picture, scale, scale)
            saliency = np.mean([spectral_residual(small[..., c]) for c in range(3)], axis=0)
            salient = saliency >= threshold
            self.integrals.append(
                (_integral(saliency * salient / scale**2), _integral(salient / scale**2))
            )

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """See `Cue.scores`. At each scale corners are rounded to whole pixels."""
        height, width = self.size
        best = np.zeros(len(boxes))
        for scale, (saliency, salient) in zip(SALIENCY_SCALES, self.integrals, strict=True):
            ratio = scale / np.array([width, height, width, height])
            small = np.floor(boxes * ratio + 0.5).astype(np.int64)
            area = np.maximum((small[:, 2:] - small[:, :2]).prod(axis=1), 1) / scale**2
            score = _box_sums(saliency, small) * _box_sums(salient, small) / area
            best = np.maximum(best, score)
        return best


class ColourContrast:
    """CC: how much the colours of a window differ from those around it, by the chi-square distance.

        ``CC = sum_bins (in - out)^2 / (in + out)``, histograms of Lab that each sum to 1

    The surroundings are the pixels of a window ``surround`` times as wide and high that are not in
    the window itself. If there are none in the picture, the contrast is 0.

    Args:
        image: (3, H, W).
        surround: above 1.
    """

    def __init__(self, image: np.ndarray, surround: float) -> None:
        self.size, self.surround = image.shape[1:], surround
        bins = np.zeros(self.size, np.int64)
        for channel, count in zip(lab(image), LAB_BINS, strict=True):
            bins = bins * count + np.clip((channel * count).astype(np.int64), 0, count - 1)
        self.histogram = IntegralHistogram(bins, int(np.prod(LAB_BINS)))

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """See `Cue.scores`."""
        height, width = self.size
        outer = _scaled(boxes, self.surround)
        outer = np.clip(outer, 0, [width, height, width, height])
        inside = self.histogram.counts(boxes).astype(np.float32)  # (N, 256)
        around = self.histogram.counts(outer) - inside
        area = around.sum(axis=1)
        inside /= np.maximum(inside.sum(axis=1), 1)[:, None]
        around /= np.maximum(area, 1)[:, None]
        total = np.maximum(inside + around, 1e-12)
        return np.where(area > 0, ((inside - around) ** 2 / total).sum(axis=1), 0)


class EdgeDensity:
    """ED: the number of edge pixels in the inner ring of a window, over the ring's length.

        ``ED = number of edge pixels / perimeter``

    The inner ring is the window without a window in its middle that is ``shrink`` times smaller.

    Args:
        image: (3, H, W).
        shrink: above 1.
    """

    def __init__(self, image: np.ndarray, shrink: float) -> None:
        self.shrink = shrink
        magnitude, orientation = EDGES.detect(image)
        edges = np.zeros(image.shape[1:])
        edges[thin_edges(magnitude, orientation, LEAST_EDGE)] = 1
        self.integral = _integral(edges)

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """See `Cue.scores`."""
        ring = _box_sums(self.integral, boxes)
        ring -= _box_sums(self.integral, _scaled(boxes, 1 / self.shrink))
        return ring / (2 * (boxes[:, 2:] - boxes[:, :2]).sum(axis=1))


class SuperpixelStraddling:
    """SS: whether superpixels lie on one side of a window's border.

        ``SS = 1 - sum_s min(|s outside|, |s inside|) / area``, over all superpixels s

    Args:
        image: (3, H, W).
        k: of the segmentation; see `felzenszwalb`.
    """

    def __init__(self, image: np.ndarray, k: float) -> None:
        labels = felzenszwalb(image, k=k, sigma=0.5, min_size=20)
        count = int(labels.max()) + 1
        self.sizes = np.bincount(labels.ravel(), minlength=count).astype(np.int32)
        self.histogram = IntegralHistogram(labels, count)

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """See `Cue.scores`."""
        inside = self.histogram.counts(boxes)  # (N, S)
        straddling = np.minimum(self.sizes - inside, inside).sum(axis=1)
        return 1 - straddling / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


def _integral(values: np.ndarray) -> np.ndarray:
    """(H, W) -> (H + 1, W + 1): sums of all values above and to the left."""
    return np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)


def _box_sums(integral: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N, 4) whole pixels -> (N,)."""
    x1, y1, x2, y2 = boxes.T
    return (integral[y2, x2] - integral[y1, x2]) - (integral[y2, x1] - integral[y1, x1])


def _scaled(boxes: np.ndarray, factor: float) -> np.ndarray:
    """Boxes with the same middle, each side times the factor, to the closest whole pixels."""
    grown = (boxes[:, 2:] - boxes[:, :2]) * (factor - 1) / 2  # (N, 2)
    grown = np.floor(grown + 0.5).astype(np.int64)
    return np.concatenate([boxes[:, :2] - grown, boxes[:, 2:] + grown], axis=1)
