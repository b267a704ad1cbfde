"""BING: objects have closed outlines, which in 8 x 8 pixels all look alike.

1. normed gradients of the image, shrunk so that windows of one size become 8 x 8 (`gradient_maps`);
2. stage one: the same linear template for all sizes, in bits (`BinaryTemplate`);
3. of windows close to each other only the best, and of each size only some;
4. stage two: a scale and an offset for each size make scores of different sizes comparable.

`minicv.proposals.bing_training.train_bing` learns template, scales and offsets.

Source: Cheng et al., "BING: Binarized Normed Gradients for Objectness Estimation at 300fps" (2014).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array
from minicv.proposals.binary_template import BinaryTemplate
from minicv.proposals.normed_gradients import SIZES, WINDOW, GradientMap, gradient_maps
from minicv.proposals.proposer import best_first, checked_image


@dataclass(frozen=True)
class BingModel:
    """What BING has learnt; plain numbers, so that its ``repr`` says all of it.

    Attributes:
        template: 64 weights of stage one, row by row.
        scales, offsets: one for each of the 36 sizes: the score of stage two is ``scale s +
            offset``.
    """

    template: tuple[float, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = len(self.template), len(self.scales), len(self.offsets)
        if lengths != (WINDOW * WINDOW, len(SIZES), len(SIZES)):
            raise ValueError(
                f"BingModel: template, scales and offsets expect {WINDOW * WINDOW}, {len(SIZES)} "
                f"and {len(SIZES)} numbers but have {lengths}; train_bing makes a model"
            )


@dataclass(frozen=True)
class Bing:
    """Windows of 36 sizes, scored by a learnt template of normed gradients.

    Args:
        model: from `train_bing`.
        bases: number of sign patterns that approximate the template.
        bits: number of highest bits of the gradients that are used, from 1 to 8.
        radius: windows of one size within so many places of a better one are suppressed.
        most_per_size: number of boxes of each size, at most.
        most_boxes: number of boxes that are returned, at most.

    Source: Cheng et al. 2014; the constants are those of its section 3.

    >>> model = BingModel((1.0,) * 64, (1.0,) * 36, (0.0,) * 36)
    >>> image = np.zeros((3, 20, 40), np.float32)
    >>> image[:, 4:, 24:] = 1
    >>> boxes, scores = Bing(model).propose(image, np.random.default_rng(0))
    >>> boxes[0].tolist()
    [22.0, 2.0, 38.0, 18.0]
    """

    model: BingModel
    bases: int = 2
    bits: int = 4
    radius: int = 2
    most_per_size: int = 130
    most_boxes: int = 2000

    def propose(self, image: Array, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """See `Proposer.propose`; ``rng`` is not used. Images below 12 pixels have no window."""
        template = BinaryTemplate(np.array(self.model.template), self.bases, self.bits)
        boxes, scores = [np.zeros((0, 4))], [np.zeros(0)]
        for one, rows, columns, score in stage_one(
            checked_image(image, "Bing"), template, self.radius, self.most_per_size
        ):
            boxes.append(one.boxes(rows, columns))
            scores.append(self.model.scales[one.size] * score + self.model.offsets[one.size])
        return best_first(np.concatenate(boxes), np.concatenate(scores), self.most_boxes)


def stage_one(
    image: np.ndarray, template: BinaryTemplate, radius: int, most_per_size: int
) -> Iterator[tuple[GradientMap, np.ndarray, np.ndarray, np.ndarray]]:
    """The best windows of each size: map, rows and columns of the places, scores, best first."""
    for one in gradient_maps(image):
        scores = template.scores(one.values)
        rows, columns = suppress_close(scores, radius, most_per_size)
        yield one, rows, columns, scores[rows, columns]


def suppress_close(scores: np.ndarray, radius: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Greedy non-maximum suppression on a grid: a place falls if a better one stands close to it.

    A place that stands makes at most ``(2 radius + 1)^2`` fall, itself included, so only the best
    ``most`` times as many need to be looked at.

    Args:
        scores: (H, W). Of equal scores the first is the better.
        radius: in places.
        most: number of places that are returned, at most.

    Returns:
        ``(rows, columns)`` of those that stand, best first.

    >>> rows, columns = suppress_close(np.array([[1.0, 3.0, 2.0, 0.5, 0.7]]), 1, 10)
    >>> columns.tolist()
    [1, 4]
    """
    width = scores.shape[1]
    flat = scores.ravel()
    enough = min(most * (2 * radius + 1) ** 2, flat.size)
    good = np.flatnonzero(flat >= np.partition(flat, flat.size - enough)[flat.size - enough])
    order = good[np.argsort(-flat[good], kind="stable")]
    fell = np.zeros(scores.shape, bool)
    stand: list[tuple[int, int]] = []
    for place in order.tolist():
        row, column = divmod(place, width)
        if fell[row, column]:
            continue
        stand.append((row, column))
        if len(stand) == most:
            break
        fell[
            max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1
        ] = True
    rows, columns = np.array(stand, np.int64).reshape(-1, 2).T
    return rows, columns
