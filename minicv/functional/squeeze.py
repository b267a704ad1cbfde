"""Axes of length 1, taken away or put in."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.functional.arguments import check_tensor
from minicv.functional.dims import Dims, normalized_dim, normalized_dims
from minicv.functional.reshape import reshape


def squeeze(x: Tensor | Array, dim: Dims = None) -> Tensor:
    """x without its axes of length 1; of the axes ``dim`` alone, if they are given.

    Forward, gradient and cost as for `reshape`.

    | x            | dim    | y         |
    |--------------|--------|-----------|
    | (1, C, 1, W) | None   | (C, W)    |
    | (1, C, 1, W) | 2      | (1, C, W) |
    | (1, C, 1, W) | (0, 1) | (C, 1, W) |

    An axis of another length stays, even if it is named, as in PyTorch. Name the axis where you
    can: without ``dim`` a batch of one image loses its batch axis too.

    Raises:
        IndexError: x has no axis ``dim``.
        ValueError: ``dim`` names an axis twice.

    >>> squeeze(Tensor([[[1.0], [2.0]]]), dim=2).shape
    (1, 2)
    """
    check_tensor("squeeze", x)
    dims = normalized_dims("squeeze", dim, len(x.shape))
    lengths = enumerate(x.shape)
    return reshape(x, tuple(n for axis, n in lengths if n != 1 or axis not in dims))


def unsqueeze(x: Tensor | Array, dim: int) -> Tensor:
    """x with an axis of length 1 put in at ``dim``, counted in the result.

    Forward, gradient and cost as for `reshape`. (C, H, W) with dim 0 gives (1, C, H, W), a batch of
    one; with dim -1 it gives (C, H, W, 1).

    Raises:
        IndexError: the result has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    >>> unsqueeze(Tensor([1.0, 2.0]), 0).data.tolist()
    [[1.0, 2.0]]
    """
    check_tensor("unsqueeze", x)
    axis = normalized_dim("unsqueeze", dim, len(x.shape) + 1)
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
