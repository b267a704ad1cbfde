"""Scattering values and gathering them on CUDA: scatter.cu and scatter_in_order.cu;
`minicv.backend.cpu.scatter` documents them.
"""

from __future__ import annotations

import math

import numpy as np

from minicv.backend.cuda.launcher import THREADS, CudaFile, Grid, index_type, one_thread_each
from minicv.backend.deterministic import is_deterministic
from minicv.backend.device import Array, xp_of

SCATTER = CudaFile("scatter.cu")
SCATTER_IN_ORDER = CudaFile("scatter_in_order.cu")


def scatter_add(values: Array, index: Array, length: int) -> Array:
    """out[index[m]] += values[m] for every m, starting from zero; repeated indices add up."""
    xp = xp_of(values)
    values, index = xp.ascontiguousarray(values), xp.ascontiguousarray(index, np.int64)
    sums = xp.zeros((length, *values.shape[1:]), values.dtype)
    width = math.prod(values.shape[1:])
    if not values.size:
        return sums
    if not is_deterministic():
        SCATTER.launch(
            "scatter_add",
            one_thread_each(values.size),
            *(values, index, sums, values.size, width),
            real=values.dtype,
            index_t=index_type(values.size),
            position_t=np.int64,  # not used
        )
        return sums
    order, starts = _groups(index, length)
    SCATTER_IN_ORDER.launch(
        "scatter_add",
        one_thread_each(sums.size),
        *(values, order, starts, sums, sums.size, width),
        real=values.dtype,
        position_t=np.int64,  # not used
        CHUNK=THREADS,
    )
    return sums


def scatter_to_maps(values: Array, indices: Array, size: int) -> Array:
    """Maps (..., size) of zeros, to which each value (..., M) is added at its index (..., M)."""
    xp = xp_of(values)
    *leading, count = values.shape
    # The maps are the channels of one region of a single image.
    as_region = (1, math.prod(leading), count)
    image = xp.zeros(1, np.int64)
    maps = scatter_by_region(values.reshape(as_region), indices.reshape(as_region), image, 1, size)
    return maps.reshape(*leading, size)


def scatter_by_region(
    values: Array, positions: Array, batch_indices: Array, images: int, size: int
) -> Array:
    """Each value (R, C, M) is added at its position (R, C, M) on the maps of its region's image.

    Args:
        values: (R, C, M).
        positions: (R, C, M), 0..size-1, or -1 for a value that is dropped.
        batch_indices: (R,), the image of each region.
        images: N.
        size: positions in a map.

    Returns:
        (N, C, size), zero where nothing was added.
    """
    xp = xp_of(values)
    values, positions = xp.ascontiguousarray(values), _positions(positions)
    batch_indices = xp.ascontiguousarray(batch_indices, np.int64)
    _, channels, per_map = values.shape
    maps = xp.zeros((images, channels, size), values.dtype)
    if not values.size:
        return maps
    if not is_deterministic():
        SCATTER.launch(
            "scatter_by_region",
            one_thread_each(values.size),
            *(values, positions, batch_indices, maps, values.size, channels, per_map, size),
            real=values.dtype,
            index_t=index_type(values.size),
            position_t=positions.dtype,
        )
        return maps
    regions, starts = _groups(batch_indices, images)
    SCATTER_IN_ORDER.launch(
        "scatter_by_region",
        Grid((images * channels, 1, 1), (THREADS, 1, 1)),
        *(values, positions, regions, starts, maps, channels, per_map, size),
        real=values.dtype,
        position_t=positions.dtype,
        CHUNK=THREADS,
    )
    return maps


def gather_from_maps(maps: Array, indices: Array) -> Array:
    """The value of each map (..., size) at each of its indices (..., M)."""
    xp = xp_of(maps)
    values = xp.empty(indices.shape, maps.dtype)
    indices = _positions(indices)
    SCATTER.launch(
        "gather_from_maps",
        one_thread_each(values.size),
        *(xp.ascontiguousarray(maps), indices, values, values.size),
        *(indices.shape[-1], maps.shape[-1]),
        real=maps.dtype,
        index_t=index_type(values.size),
        position_t=indices.dtype,
    )
    return values


def _positions(positions: Array) -> Array:
    """As kernels take them: int32 unchanged, other integers as int64, contiguous."""
    dtype = positions.dtype if positions.dtype == np.int32 else np.int64
    return xp_of(positions).ascontiguousarray(positions, dtype)


def _groups(numbers: Array, count: int) -> tuple[Array, Array]:
    """(order, starts): number k is in ``numbers`` (M,) at order[starts[k]:starts[k + 1]]."""
    xp = xp_of(numbers)
    order = xp.argsort(numbers, kind="stable")  # (M,)
    starts = xp.searchsorted(numbers[order], xp.arange(count + 1))  # (count + 1,)
    return order, starts
