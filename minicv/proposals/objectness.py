"""Objectness: four cues say how likely a window holds an object, of whatever class.

1. the image shrunk, and all windows of a grid on it;
2. windows drawn at random, more often where things stand out (`MultiScaleSaliency`);
3. the drawn ones scored by all four cues (`window_cues`), put together by naive Bayes;
4. non-maximum suppression.

`minicv.proposals.objectness_training.train_objectness` learns the cues' parameters and what their
scores mean.

Source: Alexe, Deselaers & Ferrari, "Measuring the objectness of image windows" (2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.backend import Array
from minicv.proposals.nms_of_best import nms_of_best
from minicv.proposals.proposer import best_first, checked_image
from minicv.proposals.shrinking import as_picture, resized
from minicv.proposals.window_cues import (
    ColourContrast,
    Cue,
    EdgeDensity,
    MultiScaleSaliency,
    SuperpixelStraddling,
)
from minicv.proposals.window_grids import window_grids

CUES = (MultiScaleSaliency, ColourContrast, EdgeDensity, SuperpixelStraddling)
LONGER_SIDE = 200  # of the image that the cues look at, pixels
ALPHA, MOST_ASPECT = 0.65, 3.0  # of the grid of windows


@dataclass(frozen=True)
class CueModel:
    """One cue and what its scores mean; plain numbers, so that its ``repr`` says all of it.

    Attributes:
        parameter: of the cue: threshold, surround, shrink or k.
        edges: B - 1 ascending limits between B bins of scores.
        log_ratios: B numbers ``log(p(bin | object) / p(bin | background))``.
    """

    parameter: float
    edges: tuple[float, ...]
    log_ratios: tuple[float, ...]

    def evidence(self, scores: np.ndarray) -> np.ndarray:
        """(N,) scores -> (N,) log ratios: above 0 speaks for an object.

        >>> CueModel(1.0, (0.5,), (-1.0, 2.0)).evidence(np.array([0.1, 0.5, 0.9])).tolist()
        [-1.0, 2.0, 2.0]
        """
        bins = np.searchsorted(np.array(self.edges), scores, side="right")
        return np.array(self.log_ratios)[bins]


@dataclass(frozen=True)
class ObjectnessModel:
    """What objectness has learnt.

    Attributes:
        cues: one for each of `CUES`, in their order.
        prior: ``log(p(object) / p(background))`` of a window before it is looked at.
    """

    cues: tuple[CueModel, ...]
    prior: float

    def __post_init__(self) -> None:
        if len(self.cues) != len(CUES):
            raise ValueError(
                f"ObjectnessModel: expected {len(CUES)} cues but there are {len(self.cues)}; "
                "train_objectness makes a model"
            )


@dataclass(frozen=True)
class Objectness:
    """Windows by saliency, contrast of colours, density of edges and superpixels that they cut.

    A window's score is the probability that it holds an object. Naive Bayes: given the answer, cues
    are taken as independent, so evidence adds up,

        ``log odds = log prior odds + sum_cues log(p(cue | object) / p(cue | background))``.

    Args:
        model: from `train_objectness`.
        least_area: of a window, square pixels of the image.
        drawn: number of windows that are drawn by saliency and scored.
        beta: IoU above which a worse box is suppressed.
        most_boxes: number of boxes that are returned, at most.

    The paper works on the whole image; here the cues look at one of 200 pixels, which is enough for
    what they measure and makes a window's corners accurate to a fraction of a percent of the
    image's side.

    Source: Alexe et al. 2012, sections 2, 4 and 5.
    """

    model: ObjectnessModel
    least_area: float = 1000.0
    drawn: int = 10_000
    beta: float = 0.75
    most_boxes: int = 2000

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """See `Proposer.propose`; ``rng`` draws the windows."""
        image = checked_image(image, "Objectness")
        small = shrunk(image)
        windows, ratio = all_windows(image.shape[1:], small.shape[1:], self.least_area)
        saliency, *others = self.model.cues
        saliency_scores = CUES[0](small, saliency.parameter).scores(windows)
        drawn = draw(saliency_scores, self.drawn, rng)
        windows = windows[drawn]
        log_odds = self.model.prior + saliency.evidence(saliency_scores[drawn])
        if len(windows):
            for cue_model, make_cue in zip(others, CUES[1:], strict=True):
                cue: Cue = make_cue(small, cue_model.parameter)
                log_odds += cue_model.evidence(cue.scores(windows))
        boxes, scores = best_first(windows * ratio, 1 / (1 + np.exp(-log_odds)))
        kept = nms_of_best(boxes, scores, self.beta, self.most_boxes)
        return boxes[kept], scores[kept]


def shrunk(image: np.ndarray) -> np.ndarray:
    """(3, H, W) -> (3, h, w) float32, the longer side at most `LONGER_SIDE` pixels.

    >>> shrunk(np.zeros((3, 300, 400), np.float32)).shape
    (3, 150, 200)
    """
    height, width = image.shape[1:]
    scale = LONGER_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, int(length * scale + 0.5)) for length in (width, height))
    return resized(as_picture(image), *size).transpose(2, 0, 1).astype(np.float32) / 255


def all_windows(
    size: tuple[int, int], small_size: tuple[int, int], least_area: float
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of all grids on the shrunk image, and (4,) what leads from it back to the image.

    Args:
        size, small_size: (height, width) of the image and of the shrunk one.
        least_area: square pixels of the image.
    """
    down, right = (length / small for length, small in zip(size, small_size, strict=True))
    grids = window_grids(*small_size, ALPHA, max(4.0, least_area / (down * right)), MOST_ASPECT)
    windows = [grid.boxes(np.arange(len(grid.x) * len(grid.y))) for grid in grids]
    return np.concatenate([np.zeros((0, 4), np.int64), *windows]), np.array(
        [right, down, right, down]
    )


def draw(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices drawn without replacement, each time with probabilities as the weights left.

    The ``count`` largest of ``log weight + Gumbel noise`` are distributed like that. Windows
    without weight come only after all others.

    >>> draw(np.array([0.0, 2.0, 1.0]), 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    keys = np.log(weights + 1e-12) + rng.gumbel(size=len(weights))
    if count >= len(keys):
        return np.arange(len(keys))
    return np.sort(np.argpartition(-keys, count)[:count])
