"""Products in which 0 blocks: a mask, a slope, a weight or a gradient of 0 lets nothing through.

In floating point infinity times 0 is NaN. So a plain product with a mask or with a slope of 0 would
make NaN of an infinite gradient, and so would an infinite slope of a gradient of 0. One such
element spoils all parameters in front of it.
"""

from __future__ import annotations

import importlib
import math

import numpy as np

from minicv.backend.device import Array, xp_of

_BITS = {"f4": "i4", "f8": "i8"}


def kept_where(mask: Array, values: Array, out: Array | None = None) -> Array:
    """``values`` where the mask holds, else 0: what a gradient is behind a ReLU, and its like.

    `numpy.where` is ten times as slow as a product with the mask, for it branches at every
    element. So on the host the product is taken of the bits, read as a whole number: times 1 they
    stay as they are, times 0 they are 0, whatever number they stood for.

    Args:
        mask: boolean.
        values: floating point or complex; broadcasts against the mask.
        out: takes the result, if it is given; of the dtype of the values.

    >>> kept_where(np.array([True, False]), np.array([np.inf, np.inf])).tolist()
    [inf, 0.0]
    """
    xp = xp_of(mask, values)
    bits = _BITS.get(values.dtype.str[1:])
    if xp is not np or bits is None:
        kept = xp.where(mask, values, values.dtype.type(0))
        if out is None:
            return kept
        out[...] = kept
        return out
    into = None if out is None else out.view(bits)
    kept = np.multiply(np.asarray(values).view(bits), mask, out=into)
    return np.asarray(kept).view(values.dtype)


def surely_finite(values: Array) -> bool:
    """Whether one look tells that all values are finite; False leaves it open.

    The sum of the squares is finite only if all values are. It takes half as long as a product of
    two arrays. False may also mean that the values are very large, above 1e19 in float32, or that
    they are on a device, where the host would have to wait for the answer.

    >>> surely_finite(np.array([1.0, -2.0])), surely_finite(np.array([1.0, np.inf]))
    (True, False)
    """
    if not isinstance(values, (np.ndarray, np.generic)) or values.dtype.kind != "f":
        return False
    if values.ndim == 0:
        return math.isfinite(values)
    flat: Array = values.ravel(order="K")
    return math.isfinite(np.vdot(flat, flat))  # vdot never warns of what dot warns of


def zero_where_zero(product: Array, *factors: Array) -> Array:
    """``product``, with 0 where any of its factors is 0, even if another is infinite or NaN.

    >>> slope, grad = np.array([0.0, np.inf, 2.0]), np.array([np.inf, 0.0, 3.0])
    >>> with np.errstate(invalid="ignore"):
    ...     zero_where_zero(slope * grad, slope, grad).tolist()
    [0.0, 0.0, 6.0]
    """
    if not surely_finite(product):
        for factor in factors:
            product = kept_where(factor != 0, product)
    return product


def product_or_zero(values: Array, factor: Array) -> Array:
    """values · factor, and 0 where either is 0, even if the other is infinite or NaN.

    >>> product_or_zero(np.array([0.0, 2.0]), np.array(np.inf)).tolist()
    [0.0, inf]
    """
    if xp_of(values, factor) is not np:
        # Imported with the first device array, as in `kernels_of`.
        kernel = importlib.import_module("minicv.backend.cuda.selection").product_or_zero
        on_device = kernel(values, factor)
        if on_device is not None:
            return on_device
    with np.errstate(invalid="ignore"):  # infinity times 0
        product = values * factor
    if factor.ndim == 0 and surely_finite(factor) and factor != 0:
        return product  # faster than a look at all products
    return zero_where_zero(product, values, factor)
