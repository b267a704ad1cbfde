"""Objectness: four cues say how likely a window holds an object, of whatever class.

1. the image is shrunk, and all windows of a grid are laid on it;
2. windows are drawn at random, more often where things stand out (`MultiScaleSaliency`);
3. the drawn ones are scored by all four cues (`window_cues`), which naive Bayes combines;
4. non-maximum suppression.

`train_objectness` learns the parameter of each cue, and what its scores mean.

Source: Alexe, Deselaers & Ferrari, "Measuring the objectness of image windows" (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array
from minicv.proposals.proposer import as_picture, best_first, checked_image, nms_of_best, resized
from minicv.proposals.sliding_window import window_grids
from minicv.proposals.window_cues import (
    ColourContrast,
    Cue,
    EdgeDensity,
    MultiScaleSaliency,
    SuperpixelStraddling,
)
from minicv.vision.boxes import box_iou

CUES: tuple[Callable[[np.ndarray, float], Cue], ...] = (
    MultiScaleSaliency,
    ColourContrast,
    EdgeDensity,
    SuperpixelStraddling,
)
LONGER_SIDE = 200  # of the image that the cues look at, pixels
ALPHA, MOST_ASPECT = 0.65, 3.0  # of the grid of windows
OBJECT_IOU = 0.5  # a window that overlaps an object by this holds it
# What is tried for each of CUES: thresholds (times the mean), surrounds, shrinks, and k.
CHOICES = ((1.0, 2.0, 4.0), (1.5, 2.0, 3.0), (1.3, 2.0, 3.0), (50.0, 150.0, 450.0))
BINS = 20


@dataclass(frozen=True)
class CueModel:
    """One cue and what its scores mean, in plain numbers, so that its ``repr`` shows all of them.

    Attributes:
        parameter: of the cue: threshold, surround, shrink or k.
        edges: B - 1 ascending limits between B bins of scores.
        log_ratios: B numbers ``log(p(bin | object) / p(bin | background))``.
    """

    parameter: float
    edges: tuple[float, ...]
    log_ratios: tuple[float, ...]

    def evidence(self, scores: np.ndarray) -> np.ndarray:
        """(N,) scores -> (N,) log ratios: above 0 is evidence for an object.

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
        prior: ``log(p(object) / p(background))`` of any window, before the cues look at it.
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

    A window's score is the probability that it holds an object. Naive Bayes assumes that the cues
    are independent given whether there is an object, so their evidence adds up:

        ``log odds = log prior odds + sum_cues log(p(cue | object) / p(cue | background))``.

    Args:
        model: from `train_objectness`.
        least_area: of a window, square pixels of the image.
        drawn: number of windows that are drawn by saliency and scored.
        beta: IoU above which a worse box is suppressed.
        most_boxes: number of boxes that are returned, at most.

    The paper's cues look at the whole image; here they look at a version of 200 pixels. That is
    enough for what they measure, and the corners of windows are still accurate to half a percent of
    the image's side.

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
                cue = make_cue(small, cue_model.parameter)
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
    """Windows of all grids on the shrunk image, and the (4,) factors from it to the image.

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
    """Indices drawn without replacement, each time in proportion to the weights that are left.

    The ``count`` largest of ``log weight + Gumbel noise`` have that distribution. Indices with the
    weight 0 are drawn only after all others.

    >>> draw(np.array([0.0, 2.0, 1.0]), 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    keys = np.log(weights + 1e-12) + rng.gumbel(size=len(weights))
    if count >= len(keys):
        return np.arange(len(keys))
    return np.sort(np.argpartition(-keys, count)[:count])


def train_objectness(
    images: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    rng: np.random.Generator,
    positives: int = 50,
    negatives: int = 100,
    least_area: float = 1000.0,
) -> ObjectnessModel:
    """Learn from windows that hold objects and windows that do not.

    From the windows of an image some that overlap an object by an IoU of 0.5 are drawn, and some
    that do not. For each cue and each choice of its parameter the scores of both kinds are counted
    in bins; the ratio of the two histograms is the evidence of a score. The choice is taken that
    makes the drawn objects most probable, by this cue alone and with both kinds equally frequent.
    (The paper chooses so for three cues; for saliency it takes the threshold that localises best.)

    Args:
        images: each (3, H, W), float in 0..1.
        boxes: for each image the (N, 4) boxes of its objects.
        rng: draws the windows.
        positives, negatives: most windows of either kind that are drawn from an image.
        least_area: of a window, square pixels of the image.

    Raises:
        ValueError: images and boxes differ in number, or one of the two kinds has no window.

    Source: Alexe et al. 2012, sections 3 and 4, equations 7 to 9.
    """
    if len(images) != len(boxes):
        raise ValueError(f"train_objectness: {len(images)} images but boxes for {len(boxes)}")
    scores: list[list[list[np.ndarray]]] = [[[] for _ in choices] for choices in CHOICES]
    holds: list[np.ndarray] = []
    seen = seen_positive = 0
    for image, objects in zip(images, boxes, strict=True):
        image = checked_image(image, "train_objectness")
        small = shrunk(image)
        windows, ratio = all_windows(image.shape[1:], small.shape[1:], least_area)
        overlaps = box_iou(windows * ratio, objects).max(axis=1, initial=0)
        is_object = overlaps >= OBJECT_IOU
        seen, seen_positive = seen + len(windows), seen_positive + int(np.count_nonzero(is_object))
        drawn = np.concatenate(
            [
                _some(np.flatnonzero(is_object), positives, rng),
                _some(np.flatnonzero(~is_object), negatives, rng),
            ]
        )
        if len(drawn) == 0:
            continue
        holds.append(is_object[drawn])
        for make_cue, choices, parts in zip(CUES, CHOICES, scores, strict=True):
            for parameter, part in zip(choices, parts, strict=True):
                part.append(make_cue(small, parameter).scores(windows[drawn]))
    is_object = np.concatenate([np.zeros(0, bool), *holds])
    if not 0 < np.count_nonzero(is_object) < len(is_object):
        raise ValueError(
            f"train_objectness: of {len(is_object)} windows drawn from {len(images)} images "
            f"{np.count_nonzero(is_object)} hold an object; both kinds are needed"
        )
    cues = tuple(
        max(
            (
                _fit(parameter, np.concatenate(part), is_object)
                for parameter, part in zip(choices, parts, strict=True)
            ),
            key=lambda fitted: fitted[1],
        )[0]
        for choices, parts in zip(CHOICES, scores, strict=True)
    )
    return ObjectnessModel(cues, float(np.log(seen_positive / (seen - seen_positive))))


def _some(indices: np.ndarray, at_most: int, rng: np.random.Generator) -> np.ndarray:
    if len(indices) <= at_most:
        return indices
    return rng.choice(indices, size=at_most, replace=False)


def _fit(parameter: float, scores: np.ndarray, is_object: np.ndarray) -> tuple[CueModel, float]:
    """The cue's evidence, and the mean log probability of the objects by this cue alone.

    Bins hold equally many windows. Each bin counts one window more of either kind than were seen,
    so that no bin excludes an object for certain.
    """
    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS))
    bins = np.searchsorted(edges, scores, side="right")
    counts = [
        np.bincount(bins[kind], minlength=len(edges) + 1) + 1.0 for kind in (is_object, ~is_object)
    ]
    shares = [count / count.sum() for count in counts]
    ratios = np.log(shares[0] / shares[1])
    quality = -np.logaddexp(0, -ratios[bins[is_object]]).mean()
    return CueModel(parameter, tuple(edges.tolist()), tuple(ratios.tolist())), float(quality)
