"""Running statistics on CUDA: running_statistics.cu; `minicv.backend.cpu.running_statistics`
documents them.
"""

from __future__ import annotations

import numpy as np

from minicv.backend.cuda.launcher import CudaFile, one_thread_each
from minicv.backend.device import Array, xp_of

RUNNING_STATISTICS = CudaFile("running_statistics.cu")


def follow_statistics(
    running_mean: Array,
    running_var: Array,
    batches: Array,
    mean: Array,
    variance: Array,
    momentum: float,
    values: int,
) -> tuple[Array, Array, Array]:
    """New running mean, running variance and number of batches."""
    xp, real, channels = xp_of(running_mean), running_mean.dtype, len(running_mean)
    new = (*(xp.empty(channels, real) for _ in range(2)), xp.empty((), np.int64))
    statistics = (
        xp.ascontiguousarray(array, real) for array in (running_mean, running_var, mean, variance)
    )
    running_mean, running_var, mean, variance = statistics
    RUNNING_STATISTICS.launch(
        "follow",
        one_thread_each(max(channels, 1)),
        *(running_mean, running_var, xp.ascontiguousarray(batches, np.int64), mean, variance, *new),
        *(channels, momentum, values / (values - 1)),
        real=real,
    )
    return new[0], new[1].astype(running_var.dtype, copy=False), new[2]
