"""Where the largest and the smallest element are."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import check_tensor
from minicv.functional.dims import normalized_dim


def argmax(x: Tensor | Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the largest element along ``dim``; in x read row by row, if that is None.

    The result is a plain array of whole numbers, as an index is: ``x[argmax(x, 0)]``. It has no
    gradient. Of several equal elements the first counts; NaN counts as the largest.

    Shapes: that of x without the axis ``dim``; () without ``dim``. With ``keepdim`` each axis that
    vanishes has length 1 instead. Cost: one pass over x.

    Args:
        x: real numbers.
        dim: one axis, or None for all together.
        keepdim: whether to keep the axis.

    Raises:
        ValueError: there is no element along ``dim``.
        IndexError: x has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    >>> scores = Tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])
    >>> argmax(scores, dim=1).tolist(), argmax(scores).item()
    ([1, 0], 1)
    """
    return _place("argmax", x, dim, keepdim)


def argmin(x: Tensor | Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the smallest element along ``dim``; all else as for `argmax`.

    >>> argmin(Tensor([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]), dim=1).tolist()
    [0, 1]
    """
    return _place("argmin", x, dim, keepdim)


def _place(operation: str, x: Tensor | Array, dim: int | None, keepdim: bool) -> Array:
    check_tensor(operation, x)
    array = x.data if isinstance(x, Tensor) else x
    axis = None if dim is None else normalized_dim(operation, dim, array.ndim)
    if (array.size if axis is None else array.shape[axis]) == 0:
        along = "" if axis is None else f" along dim {axis}"
        raise ValueError(
            f"{operation}: x of shape {array.shape} has no elements{along}, so none has an index; "
            "treat the empty case before"
        )
    xp = xp_of(array)
    found = (xp.argmax if operation == "argmax" else xp.argmin)(array, axis=axis, keepdims=keepdim)
    return xp.asarray(found, dtype=np.int64)
