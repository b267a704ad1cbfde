"""From a matrix product to images, and all that follows at once; see convolution_finish.cu."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type
from minicv.backend.device import Array, xp_of

FINISH = CudaFile("convolution_finish.cu")
CHANNELS_EACH = 4  # for one thread: enough to hide the division that finds its pixel
MOST_BLOCKS_Y = 65535  # that CUDA allows


class Finish(NamedTuple):
    """min(max(scale · y + shift + shortcut, 0), ceiling); the steps that are None are left out.

    Attributes:
        scale, shift: (O,), one number for each channel.
        shortcut: (N, O, OH, OW).
        ceiling: of the ReLU: infinity for the usual one, None for no ReLU at all.
    """

    scale: Array | None = None
    shift: Array | None = None
    shortcut: Array | None = None
    ceiling: float | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether all steps are left out."""
        return all(step is None for step in self)

    def arguments(self, y: Array) -> tuple[Any, ...]:
        """As kernels take it: three arrays, which of them there are, and between what y must lie.

        A kernel cannot be given None. Where an array is left out it gets ``y``, and does not look.
        """
        xp = xp_of(y)
        arrays = (self.scale, self.shift, self.shortcut)
        return (
            *(y if array is None else xp.ascontiguousarray(array) for array in arrays),
            *(array is not None for array in arrays),
            *((-math.inf, math.inf) if self.ceiling is None else (0.0, self.ceiling)),
        )


NOTHING = Finish()


def finish_product(product: Array, y: Array, columns: slice, finish: Finish) -> None:
    """Some columns of all images, in the rows of ``product`` (O, at least so many), into ``y``.

    The product may be longer than there are columns, and may lie in the memory of ``y`` itself.
    """
    n, o, oh, ow = y.shape
    count = columns.stop - columns.start
    FINISH.launch(
        "finish",
        columns_and_channels(count, o),
        *(product, y, *finish.arguments(y)),
        *(columns.start, count, oh * ow, o, product.shape[1]),
        real=y.dtype,
        index_t=index_type(n * oh * ow),
    )


def columns_and_channels(columns: int, channels: int) -> Grid:
    """A thread for each column and `CHANNELS_EACH` channels.

    >>> columns_and_channels(1000, 64)
    Grid(blocks=(4, 16, 1), threads=(256, 1, 1))
    """
    rows = min(-(-channels // CHANNELS_EACH), MOST_BLOCKS_Y)
    return Grid((-(-columns // THREADS), rows, 1), (THREADS, 1, 1))
