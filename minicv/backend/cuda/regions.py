"""What RoIPool and RoIAlign share: which thread computes which bin of which region."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import THREADS, Grid
from minicv.backend.device import Array, xp_of

Pair = tuple[int, int]
CHANNELS = 4  # of a thread


def blocks_by_region(shape: tuple[int, ...]) -> tuple[Grid, int]:
    """For a result (R, C, PH, PW): the grid, and how many of its blocks work on one region.

    A thread computes one bin in ``CHANNELS`` channels. No block works on two regions.

    >>> blocks_by_region((10, 256, 7, 7))
    (Grid(blocks=(130, 1, 1), threads=(256, 1, 1)), 13)
    """
    regions, channels, *bins = shape
    threads = -(-channels // CHANNELS) * bins[0] * bins[1]
    blocks = -(-threads // THREADS)
    return Grid((regions * blocks, 1, 1), (THREADS, 1, 1)), blocks


def boxes_as_floats(boxes: Array) -> Array:
    """Boxes as kernels take them: float32 or float64, contiguous."""
    if boxes.dtype not in (np.float32, np.float64):
        boxes = boxes.astype(np.float64)
    return xp_of(boxes).ascontiguousarray(boxes)
