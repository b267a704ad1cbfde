"""Products in which 0 blocks, on CUDA: selection.cu; `minicv.backend.selection` documents them."""

from __future__ import annotations

from minicv.backend.cuda.launcher import CudaFile, index_type, one_thread_each
from minicv.backend.device import Array, xp_of

SELECTION = CudaFile("selection.cu")


def product_or_zero(values: Array, factor: Array) -> Array | None:
    """values · factor, and 0 where either is 0; None for what the kernel does not compute."""
    one_factor = factor.ndim == 0
    if values.dtype.char not in "fd" or factor.dtype != values.dtype:
        return None
    if not one_factor and factor.shape != values.shape:
        return None
    xp, count = xp_of(values), values.size
    products = xp.empty(values.shape, values.dtype)
    SELECTION.launch(
        "product_or_zero",
        one_thread_each(count),
        *(xp.ascontiguousarray(values), xp.ascontiguousarray(factor), products, count, one_factor),
        real=values.dtype,
        index_t=index_type(count),
    )
    return products
