"""RoIPool on CUDA: roi_pool.cu; `minicv.backend.cpu.roi_pool` documents it."""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile
from minicv.backend.cuda.regions import CHANNELS, Pair, blocks_by_region, boxes_as_floats
from minicv.backend.cuda.scatter import scatter_by_region
from minicv.backend.device import Array, xp_of

ROI_POOL = CudaFile("roi_pool.cu")


def roi_pool(
    x: Array, boxes: Array, batch_indices: Array, output_size: Pair, spatial_scale: float
) -> tuple[Array, Array]:
    """(N, C, H, W) and R boxes -> maxima and their flat positions, both (R, C, PH, PW)."""
    xp = xp_of(x)
    boxes = boxes_as_floats(boxes)
    maxima = xp.empty((len(boxes), x.shape[1], *output_size), x.dtype)
    positions = xp.empty(maxima.shape, np.int32)
    grid, blocks_of_region = blocks_by_region(maxima.shape)
    ROI_POOL.launch(
        "roi_pool",
        grid,
        *(xp.ascontiguousarray(x), boxes, xp.ascontiguousarray(batch_indices, np.int64)),
        *(maxima, positions, spatial_scale, *x.shape[1:], *output_size, blocks_of_region),
        real=x.dtype,
        box_t=boxes.dtype,
        corner_t=np.float64,
        CHANNELS=CHANNELS,
    )
    return maxima, positions


def roi_pool_maxima(
    x: Array, boxes: Array, batch_indices: Array, output_size: Pair, spatial_scale: float
) -> Array:
    """The maxima alone; here they cost as much as with their positions."""
    return roi_pool(x, boxes, batch_indices, output_size, spatial_scale)[0]


def roi_pool_backward(
    grad: Array, positions: Array, batch_indices: Array, x_shape: tuple[int, ...]
) -> Array:
    """Pass the gradient of each maximum to its position; (R, C, PH, PW) -> (N, C, H, W)."""
    n, c, h, w = x_shape
    flat = (len(grad), c, grad.shape[2] * grad.shape[3])
    grad_x = scatter_by_region(grad.reshape(flat), positions.reshape(flat), batch_indices, n, h * w)
    return grad_x.reshape(x_shape)
