"""Numbers that a mask lets through, with zeros where it does not."""

from __future__ import annotations

import numpy as np

from minicv.backend.device import Array, xp_of


def kept_where(mask: Array, values: Array) -> Array:
    """``values`` where the mask holds, else 0: what a gradient is behind a ReLU, and its like.

    Multiplying by the mask gives the same for finite numbers, but infinity times 0 is NaN: one
    gradient of infinity that the mask blocks would spoil the parameters in front of it.
    `numpy.where` is right, and ten times as slow as the product, for it branches at every element.
    So on the host a mask of bits, all or none, is laid over the numbers; that is as fast.

    Args:
        mask: boolean.
        values: floating point or complex; broadcasts against the mask.

    >>> kept_where(np.array([True, False]), np.array([np.inf, np.inf])).tolist()
    [inf, 0.0]
    """
    xp = xp_of(mask, values)
    if xp is not np or values.dtype.kind != "f" or values.dtype.itemsize not in (4, 8):
        return xp.where(mask, values, xp.zeros((), values.dtype))
    bits = np.dtype(f"i{values.dtype.itemsize}")
    every_bit_or_none = np.asarray(mask).view(np.int8).astype(bits)  # 1 or 0
    np.negative(every_bit_or_none, out=every_bit_or_none)  # -1 has every bit
    numbers = np.asarray(values).view(bits)
    if numbers.shape == every_bit_or_none.shape:
        kept = np.bitwise_and(numbers, every_bit_or_none, out=every_bit_or_none)
    else:
        kept = np.asarray(np.bitwise_and(numbers, every_bit_or_none))
    return kept.view(values.dtype)
