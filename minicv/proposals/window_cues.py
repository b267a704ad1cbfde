"""Four cues that a window holds an object: it stands out, contrasts, has an outline, cuts nothing.

Each cue is made once for a picture and then scores any number of windows, by integral images.

Source: Alexe, Deselaers & Ferrari, "Measuring the objectness of image windows" (2012), section 2.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from minicv.proposals.colour_spaces import lab
from minicv.proposals.edge_map import GradientEdges, thin_edges
from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.integral_histogram import IntegralHistogram
from minicv.proposals.saliency import spectral_residual
from minicv.proposals.shrinking import as_picture, resized

SALIENCY_SCALES = (16, 24, 32, 48, 64)
LAB_BINS = (4, 8, 8)
EDGES = GradientEdges(sigma=1.0)
LEAST_EDGE = 0.1


class Cue(Protocol):
    """Scores windows of one picture."""

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """(N, 4) boxes in whole pixels -> (N,); more says that an object is more likely."""
        ...


class MultiScaleSaliency:
    """MS: the salient pixels of a window, and how densely they lie.

    At each scale the picture is squeezed into a square, and its three channels' saliency added:

        ``MS = sum of saliency over salient pixels * number of salient pixels / area``

    Scales are comparable by the share of the picture's saliency; the largest counts.

    Args:
        image: (3, H, W).
        threshold: a pixel is salient from so many times the mean on.
    """

    def __init__(self, image: np.ndarray, threshold: float) -> None:
        self.size = image.shape[1:]
        picture = as_picture(image)
        self.integrals = []
        for scale in SALIENCY_SCALES:
            small = resized(picture, scale, scale)
            saliency = sum(spectral_residual(small[..., c]) for c in range(3)) / 3
            salient = saliency >= threshold
            self.integrals.append(
                (_integral(saliency * salient / scale**2), _integral(salient / scale**2))
            )

    def scores(self, boxes: np.ndarray) -> np.ndarray:
        """See `Cue.scores`. Corners go to the closest corner of a pixel at each scale."""
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

    Around it is what a window ``surround`` times as wide and high has more, as far as it lies in
    the picture. Without any surrounding the contrast is 0.

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
    """ED: edge pixels in the inner ring of a window, over the ring's length.

        ``ED = number of edge pixels / perimeter``

    The inner ring is what the window has more than one ``shrink`` times as small.

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
    """SS: whether superpixels keep to one side of a window's border.

        ``SS = 1 - sum_s min(|s outside|, |s inside|) / area``, over all superpixels s

    Args:
        image: (3, H, W).
        k: of the segmentation, `felzenszwalb`.
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
    """(H, W) -> (H + 1, W + 1): sums of all that lies above and to the left."""
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
