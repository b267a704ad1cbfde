"""The same elements in another shape."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.functional.arguments import as_whole_numbers, check_tensor
from minicv.functional.dims import normalized_dim


class Reshape(Function):
    keeps_whole_numbers = True
    keeps_float16 = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.new_shape = shape

    def forward(self, x: Array) -> Array:
        self.old_shape = x.shape
        try:
            if min(self.new_shape, default=0) < -1:  # NumPy takes it for -1
                raise ValueError
            return x.reshape(self.new_shape)
        except ValueError:
            raise ValueError(
                f"reshape: x of shape {x.shape} has {x.size} elements, which do not fill shape "
                f"{self.new_shape} (one length may be -1 and is then computed, if it is unique)"
            ) from None

    def backward(self, grad: Array) -> Array:
        return grad.reshape(self.old_shape)


def reshape(x: Tensor | Array, shape: int | tuple[int, ...]) -> Tensor:
    """The elements of x, read in row-major order, in another shape.

    Forward: y = x in ``shape``. Gradient: dL/dx = dL/dy in the shape of x.

    Shapes: any x; y has ``shape``, in which one length may be -1 and is computed from the others.
    Cost: none where x is contiguous (y is then a view of it), else one copy.

    Raises:
        ValueError: the number of elements differs.
        TypeError: ``shape`` holds something else than whole numbers.

    >>> reshape(Tensor([1.0, 2.0, 3.0, 4.0]), (2, -1)).data.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if not isinstance(shape, (tuple, list)):
        shape = (shape,)
    return Reshape(as_whole_numbers("reshape", "shape", shape))(x)


def flatten(x: Tensor | Array, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes ``start_dim`` to ``end_dim``, both included, laid out as one.

    Forward, gradient and cost as for `reshape`; a single number becomes shape (1,).

    | x            | start_dim, end_dim | y             |
    |--------------|--------------------|---------------|
    | (N, C, H, W) | 0, -1              | (N·C·H·W,)    |
    | (N, C, H, W) | 1, -1              | (N, C·H·W)    |
    | (N, C, H, W) | 1, 2               | (N, C·H, W)   |

    Raises:
        IndexError: x has no such axis.
        ValueError: ``start_dim`` comes after ``end_dim``.

    >>> import numpy as np
    >>> flatten(np.zeros((2, 3, 4, 5)), start_dim=1).shape
    (2, 60)
    """
    check_tensor("flatten", x)
    if len(x.shape) == 0:
        return reshape(x, (1,))
    start = normalized_dim("flatten", start_dim, len(x.shape), "start_dim")
    end = normalized_dim("flatten", end_dim, len(x.shape), "end_dim")
    if start > end:
        raise ValueError(
            f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in shape {x.shape}"
        )
    joined = math.prod(x.shape[start : end + 1])
    return reshape(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))
