"""Mean over axes."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.dims import Dims, count_along, kept_shape, normalized_dims


class Mean(Function):
    def __init__(self, dim: Dims, keepdim: bool) -> None:
        self.dim, self.keepdim = dim, keepdim

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.dims = normalized_dims("mean", self.dim, x.ndim)
        self.count = count_along(x.shape, self.dims)
        if self.count == 0:
            raise ValueError(
                f"mean: x of shape {x.shape} has no elements along dim {self.dims}, and the mean "
                "of nothing is not defined; treat the empty case before, or use sum, which gives 0"
            )
        return x.mean(axis=self.dims, keepdims=self.keepdim)

    def backward(self, grad: Array) -> Array:
        kept = grad.reshape(kept_shape(self.shape, self.dims)) / self.count
        return xp_of(kept).broadcast_to(kept, self.shape)


def mean(x: Tensor | Array, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The mean of x over the axes ``dim``; over all of them by default.

    Forward: y = 1/n Σ x over ``dim``, where n is the number of summands. Gradient: dL/dx =
    dL/dy / n, repeated along ``dim``. Shapes and cost as for `sum`; ``dim=()`` gives x.

    Raises:
        ValueError: there is nothing to average (n = 0), or ``dim`` names an axis twice.
        IndexError: x has no axis ``dim``.

    >>> mean(Tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1).data.tolist()
    [1.5, 3.5]
    """
    return Mean(dim, keepdim)(x)
