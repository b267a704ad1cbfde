"""BING: objects have closed outlines, which look alike when shrunk to 8 x 8 pixels.

1. normed gradients of the image, shrunk so that windows of one size become 8 x 8 (`gradient_maps`);
2. stage one: the same linear template for all sizes, in bits (`BinaryTemplate`);
3. of windows close to each other only the best, and of each size only some;
4. stage two: a scale and an offset for each size make scores of different sizes comparable.

An 8 x 8 template and 8 x 8 windows in bits are 64-bit numbers, so a score takes a few bitwise
operations. `minicv.proposals.bing_training.train_bing` learns template, scales and offsets.

Source: Cheng et al., "BING: Binarized Normed Gradients for Objectness Estimation at 300fps" (2014);
the bases: Hare et al., "Efficient online structured output learning" (2012).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minicv.backend import Array, descending
from minicv.proposals.proposer import as_picture, best_first, checked_image, resized

WINDOW = 8
SIDES = (16, 32, 64, 128, 256, 512)  # of windows in the image, pixels
SIZES = tuple((width, height) for width in SIDES for height in SIDES)
BITS = 8  # of a normed gradient


@dataclass(frozen=True)
class GradientMap:
    """Normed gradients of the image, shrunk so that windows of one size become 8 x 8 pixels.

    Attributes:
        size: number of the window's size in `SIZES`.
        values: (H', W') uint8, H' and W' at least 8.
        image_size: (height, width) of the image, pixels.
    """

    size: int
    values: np.ndarray
    image_size: tuple[int, int]

    @property
    def places(self) -> tuple[int, int]:
        """Rows and columns of the places that an 8 x 8 window can take."""
        return self.values.shape[0] - WINDOW + 1, self.values.shape[1] - WINDOW + 1

    def boxes(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(M,) places of windows -> (M, 4) boxes in the image, pixels.

        >>> one = GradientMap(0, np.zeros((8, 10), np.uint8), (16, 20))
        >>> one.boxes(np.array([0]), np.array([1])).tolist()
        [[2.0, 0.0, 18.0, 16.0]]
        """
        down, right = (
            length / small for length, small in zip(self.image_size, self.values.shape, strict=True)
        )
        return np.stack(
            [columns * right, rows * down, (columns + WINDOW) * right, (rows + WINDOW) * down],
            axis=1,
        )


def normed_gradients(picture: np.ndarray) -> np.ndarray:
    """``min(|gx| + |gy|, 255)``: (H, W, 3) uint8 -> (H, W) uint8.

    The gradients are differences of the two neighbours, of the channel that differs most; at the
    border the pixel itself stands for the neighbour that is missing.

    >>> ramp = np.repeat(np.array([[[0], [10], [30]]], np.uint8), 3, axis=2)
    >>> normed_gradients(ramp).tolist()
    [[10, 30, 20]]
    """
    padded = np.pad(picture.astype(np.int16), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = np.abs(padded[1:-1, 2:] - padded[1:-1, :-2]).max(axis=2)
    down = np.abs(padded[2:, 1:-1] - padded[:-2, 1:-1]).max(axis=2)
    return np.minimum(across + down, 255).astype(np.uint8)


def gradient_maps(image: np.ndarray) -> Iterator[GradientMap]:
    """A map for each quantised size of windows that the image has room for.

    Sizes are a factor of 2 apart, so a size stands for all sizes within a factor of sqrt(2). A size
    that exceeds the image by more is left out; one that exceeds it by less becomes as large as the
    image.

    Args:
        image: (3, H, W) float in 0..1.

    >>> [SIZES[one.size] for one in gradient_maps(np.zeros((3, 20, 40), np.float32))]
    [(16, 16), (32, 16)]
    """
    height, width = image.shape[1:]
    picture = as_picture(image)
    for number, (wide, high) in enumerate(SIZES):
        if wide * wide > 2 * width * width or high * high > 2 * height * height:
            continue
        shrunk = tuple(
            max(WINDOW, int(WINDOW * length / side + 0.5))
            for length, side in ((width, wide), (height, high))
        )
        yield GradientMap(number, normed_gradients(resized(picture, *shrunk)), (height, width))


def binary_bases(template: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Approximate a template by signs: ``w ~ sum_j beta_j a_j`` with ``a_j`` of -1 and +1.

    Greedy: a_j is the signs of the remainder, beta_j the best weight for these signs.

    Args:
        template: (64,).
        count: number of bases.

    Returns:
        ``(beta, a)``: (count,), and (count, 64) of -1 and +1.

    >>> beta, a = binary_bases(np.array([3.0, -1.0]), 2)
    >>> (beta @ a).tolist()
    [3.0, -1.0]
    """
    remainder = np.asarray(template, np.float64)
    weights, bases = [], []
    for _ in range(count):
        signs = np.where(remainder > 0, 1.0, -1.0)
        weight = signs @ remainder / len(remainder)
        remainder = remainder - weight * signs
        weights.append(weight)
        bases.append(signs)
    return np.array(weights), np.array(bases).reshape(count, -1)


def count_ones(numbers: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set: in pairs, in fours, in bytes, then all bytes at once.

    >>> count_ones(np.array([0, 5, 2**64 - 1], np.uint64)).tolist()
    [0, 2, 64]
    """
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    pairs = numbers - ((numbers >> one) & np.uint64(0x5555555555555555))
    nibbles = np.uint64(0x3333333333333333)
    fours = (pairs & nibbles) + ((pairs >> two) & nibbles)
    each_byte = (fours + (fours >> four)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (each_byte * np.uint64(0x0101010101010101) >> np.uint64(56)).astype(np.int64)


def window_codes(plane: np.ndarray) -> np.ndarray:
    """Each 8 x 8 window of a plane of bits as one number; pixel (y, x) is bit 8 y + x.

    Neighbours are combined: two pixels to a pair, two pairs to four pixels, two fours to a row of
    eight; then rows likewise. So 64 bits take six steps.

    Args:
        plane: (H, W) of 0 and 1, at least 8 x 8.

    Returns:
        (H - 7, W - 7) uint64.

    >>> plane = np.zeros((8, 9), np.uint8)
    >>> plane[1, 1] = 1
    >>> window_codes(plane).tolist() == [[1 << 9, 1 << 8]]
    True
    """
    codes = plane.astype(np.uint64)
    for step in (1, 2, 4):
        codes = codes[:, :-step] | (codes[:, step:] << np.uint64(step))
    for step in (1, 2, 4):
        codes = codes[:-step] | (codes[step:] << np.uint64(8 * step))
    return codes


class BinaryTemplate:
    """A template that scores a window with a few bitwise operations.

    Of the gradients the highest bits are kept, ``g ~ sum_k 2^(8 - k) b_k``, and the template is
    approximated by signs, so the score is

        ``<w, g> ~ sum_j beta_j sum_k 2^(8 - k) (2 |a_j+ and b_k| - |b_k|)``

    with |.| the number of bits and a_j+ the bits where a_j is +1.

    Args:
        template: (64,), row by row.
        bases: number of a_j.
        bits: number of b_k, from 1 to 8.
    """

    def __init__(self, template: np.ndarray, bases: int, bits: int) -> None:
        self.beta, signs = binary_bases(template, bases)
        place = np.uint64(1) << np.arange(signs.shape[1], dtype=np.uint64)
        self.positive = [np.bitwise_or.reduce(place[row > 0]) for row in signs]
        self.bits = bits

    def scores(self, values: np.ndarray) -> np.ndarray:
        """(H, W) uint8 -> (H - 7, W - 7): the score of each 8 x 8 window.

        >>> template = BinaryTemplate(np.ones(64), bases=1, bits=8)
        >>> template.scores(np.full((8, 9), 3, np.uint8)).tolist()
        [[192.0, 192.0]]
        """
        total = np.zeros((values.shape[0] - 7, values.shape[1] - 7))
        for k in range(1, self.bits + 1):
            shift = BITS - k
            codes = window_codes((values >> np.uint8(shift)) & np.uint8(1))
            ones = count_ones(codes)
            for beta, positive in zip(self.beta, self.positive, strict=True):
                total += (beta * 2**shift) * (2 * count_ones(codes & positive) - ones)
        return total


@dataclass(frozen=True)
class BingModel:
    """What BING has learnt, in plain numbers, so that its ``repr`` shows all of them.

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
        boxes: list[np.ndarray] = [np.zeros((0, 4))]
        scores: list[np.ndarray] = [np.zeros(0)]
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
    """Greedy non-maximum suppression on a grid: a place is removed if a better one is close to it.

    A place that stays removes at most ``(2 radius + 1)^2 - 1`` others, so only the best
    ``most (2 radius + 1)^2`` places need to be looked at.

    Args:
        scores: (H, W). Of equal scores the first is the better.
        radius: in places.
        most: number of places that are returned, at most.

    Returns:
        ``(rows, columns)`` of the places that stay, best first.

    >>> rows, columns = suppress_close(np.array([[1.0, 3.0, 2.0, 0.5, 0.7]]), 1, 10)
    >>> columns.tolist()
    [1, 4]
    """
    width = scores.shape[1]
    flat = scores.ravel()
    enough = min(most * (2 * radius + 1) ** 2, flat.size)
    good = np.flatnonzero(flat >= np.partition(flat, flat.size - enough)[flat.size - enough])
    order = good[descending(flat[good])]
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
