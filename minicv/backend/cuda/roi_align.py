"""RoIAlign on CUDA, which keeps nothing: roi_align.cu; see `minicv.backend.cpu.roi_align`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, Grid
from minicv.backend.cuda.regions import CHANNELS, Pair, blocks_by_region, boxes_as_floats
from minicv.backend.deterministic import is_deterministic
from minicv.backend.device import Array, xp_of

ROI_ALIGN = CudaFile("roi_align.cu")
TILE_HEIGHT, TILE_WIDTH = 8, 32  # of the map; its threads are neighbours along a row


def roi_align(
    x: Array,
    boxes: Array,
    batch_indices: Array,
    output_size: Pair,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    kept: dict[str, Any] | None = None,
) -> Array:
    """(N, C, H, W) and R boxes -> (R, C, PH, PW)."""
    xp = xp_of(x)
    y = xp.empty((len(boxes), x.shape[1], *output_size), x.dtype)
    grid, blocks_of_region = blocks_by_region(y.shape)
    options = (spatial_scale, sampling_ratio, aligned)
    sizes = (*x.shape[1:], *output_size, blocks_of_region)
    _launch("roi_align", grid, x, boxes, batch_indices, y, *options, *sizes)
    return y


def roi_align_backward(
    grad: Array,
    x_shape: tuple[int, ...],
    boxes: Array,
    batch_indices: Array,
    output_size: Pair,
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
    kept: dict[str, Any] | None = None,
) -> Array:
    """(R, C, PH, PW) -> (N, C, H, W)."""
    xp = xp_of(grad)
    options = (spatial_scale, sampling_ratio, aligned)
    sizes: tuple[int, ...]
    if is_deterministic():
        grad_x = xp.empty(x_shape, grad.dtype)
        n, c, h, w = x_shape
        tiles = -(-h // TILE_HEIGHT) * -(-w // TILE_WIDTH)
        blocks = n * -(-c // CHANNELS) * tiles
        grid = Grid((blocks, 1, 1), (TILE_HEIGHT * TILE_WIDTH, 1, 1))
        sizes = (len(boxes), c, h, w, *output_size)
        kernel = "roi_align_backward_in_order"
    else:
        grad_x = xp.zeros(x_shape, grad.dtype)
        grid, blocks_of_region = blocks_by_region(grad.shape)
        sizes = (*x_shape[1:], *output_size, blocks_of_region)
        kernel = "roi_align_backward"
    _launch(kernel, grid, grad, boxes, batch_indices, grad_x, *options, *sizes)
    return grad_x


def _launch(
    kernel: str,
    grid: Grid,
    given: Array,
    boxes: Array,
    batch_indices: Array,
    result: Array,
    *numbers: float,
) -> None:
    xp = xp_of(given)
    boxes = boxes_as_floats(boxes)
    ROI_ALIGN.launch(
        kernel,
        grid,
        *(xp.ascontiguousarray(given), boxes, xp.ascontiguousarray(batch_indices, np.int64)),
        *(result, *numbers),
        real=result.dtype,
        box_t=boxes.dtype,
        corner_t=np.float64,
        CHANNELS=CHANNELS,
        TILE_HEIGHT=TILE_HEIGHT,
        TILE_WIDTH=TILE_WIDTH,
    )
