"""An 8 x 8 template and 8 x 8 windows in bits, so that a window is one 64-bit number.

Source: Cheng et al., "BING: Binarized Normed Gradients for Objectness Estimation at 300fps" (2014),
section 3.2; the bases: Hare et al., "Efficient online structured output learning" (2012).
"""

from __future__ import annotations

import numpy as np

BITS = 8  # of a normed gradient


def binary_bases(template: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Approximate a template by signs: ``w ~ sum_j beta_j a_j`` with ``a_j`` of -1 and +1.

    Greedy: a_j takes the signs of what is left, beta_j is the best weight for it.

    Args:
        template: (64,).
        count: number of bases.

    Returns:
        ``(beta, a)``: (count,), and (count, 64) of -1 and +1.

    >>> beta, a = binary_bases(np.array([3.0, -1.0]), 2)
    >>> (beta @ a).tolist()
    [3.0, -1.0]
    """
    left = np.asarray(template, np.float64)
    weights, bases = [], []
    for _ in range(count):
        signs = np.where(left > 0, 1.0, -1.0)
        weight = signs @ left / len(left)
        left = left - weight * signs
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

    Neighbours share: two pixels make a pair, two pairs four pixels, two fours a row of eight; rows
    combine likewise, which is six steps for 64 bits.

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
    """A template whose scores are made of a few bitwise operations a window.

    The gradients keep their highest bits, ``g ~ sum_k 2^(8 - k) b_k``, and the template becomes
    signs, so the score is

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
