"""What follows a convolution at once, in the memory of its result.

    y  ←  min(max(scale · y + shift + shortcut, 0), ceiling)

Each of the steps alone would read and write a whole activation, and into fresh memory at that. Done
to one block after the other while the block lies in the cache, all of them together cost little.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from minicv.backend.parallel import parallel_for, split

BLOCK_ELEMENTS = 1 << 18  # 1 MiB: finer blocks cost more to hand out than the nearer cache saves
WHOLE = slice(None)


class Finish(NamedTuple):
    """The steps; those that are None are left out.

    Attributes:
        scale, shift: (O,), one number for each channel.
        shortcut: (N, O, OH, OW).
        ceiling: of the ReLU: infinity for the usual one, None for no ReLU at all.
    """

    scale: np.ndarray | None = None
    shift: np.ndarray | None = None
    shortcut: np.ndarray | None = None
    ceiling: float | None = None

    def apply(self, y: np.ndarray) -> np.ndarray:
        """To all of ``y`` (N, O, OH, OW), in its own memory if that is in one piece; the result.

        >>> y = np.array([[[[-1.0, 1.0]], [[2.0, 3.0]]]])
        >>> Finish(scale=np.array([1.0, 2.0]), ceiling=5.0).apply(y).tolist()
        [[[[0.0, 1.0]], [[4.0, 5.0]]]]
        """
        if all(step is None for step in self):
            return y
        n, o, oh, ow = y.shape
        y = np.ascontiguousarray(y)
        pixels = y.reshape(n, o, oh * ow)

        def one_block(block: tuple[int, slice]) -> None:
            image, channels = block
            self.apply_to_block(pixels[image, channels], image, channels)

        at_once = BLOCK_ELEMENTS // max(1, oh * ow)
        parallel_for(one_block, itertools.product(range(n), split(o, at_once)))
        return y

    def apply_to_block(
        self, y: np.ndarray, image: int, channels: slice, columns: slice = WHOLE
    ) -> None:
        """To some channels of an image, and of its pixels in a row to some ``columns``.

        >>> y = np.array([[1.0, 2.0]])
        >>> Finish(shift=np.array([0.0, 5.0])).apply_to_block(y, 0, slice(1, 2))
        >>> y.tolist()
        [[6.0, 7.0]]
        """
        if self.scale is not None:
            y *= self.scale[channels, None]
        if self.shift is not None:
            y += self.shift[channels, None]
        if self.shortcut is not None:
            n, o = self.shortcut.shape[:2]
            y += self.shortcut.reshape(n, o, -1)[image, channels, columns]
        if self.ceiling is not None:
            np.clip(y, 0, self.ceiling, out=y)  # twice as fast as np.maximum(y, 0)


NOTHING = Finish()
