"""Arrays of one shape joined along a new axis."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import as_inputs
from minicv.functional.dims import normalized_dim


class Stack(Function):
    keeps_whole_numbers = True
    keeps_float16 = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Array) -> Array:
        if not arrays:
            raise ValueError("stack: expected at least one tensor but got none")
        first = arrays[0]
        for index, array in enumerate(arrays):
            if array.shape != first.shape:
                raise ValueError(
                    f"stack: tensors[{index}] has shape {array.shape} but tensors[0] has "
                    f"{first.shape}; all must agree"
                )
        self.axis = normalized_dim("stack", self.dim, first.ndim + 1)
        return xp_of(*arrays).stack(arrays, axis=self.axis)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        parts = xp_of(grad).moveaxis(grad, self.axis, 0)  # one part for each tensor
        return tuple(
            part if needed else None for part, needed in zip(parts, self.needs_grad, strict=True)
        )


def stack(tensors: Sequence[Tensor | Array], dim: int = 0) -> Tensor:
    """The tensors side by side along a new axis, which becomes axis ``dim`` of the result.

    Forward: y[i] = x_i for dim = 0. Gradient: dL/dx_i = dL/dy[i].

    Shapes: n tensors (A, B) give (n, A, B), (A, n, B) or (A, B, n) with dim 0, 1 or 2. Cost: one
    pass; the gradients are views.

    Raises:
        ValueError: there is no tensor, or the shapes differ.
        IndexError: the result has no axis ``dim``.
        TypeError: the floating dtypes differ, or ``tensors`` is no list.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], dim=1).data.tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return Stack(dim)(*as_inputs("stack", tensors))
