"""Arrays joined along an axis they have."""

from __future__ import annotations

from collections.abc import Sequence

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.arguments import as_inputs
from minicv.functional.dims import normalized_dim


class Concatenate(Function):
    keeps_whole_numbers = True
    keeps_float16 = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Array) -> Array:
        if not arrays:
            raise ValueError("concatenate: expected at least one tensor but got none")
        first = arrays[0]
        self.axis = normalized_dim("concatenate", self.dim, first.ndim)
        for index, array in enumerate(arrays):
            if array.ndim != first.ndim or self._other_sides(array) != self._other_sides(first):
                raise ValueError(
                    f"concatenate: tensors[{index}] of shape {array.shape} does not fit tensors[0] "
                    f"of shape {first.shape}; all sides except dim {self.axis} must agree"
                )
        self.lengths = [array.shape[self.axis] for array in arrays]
        return xp_of(*arrays).concatenate(arrays, axis=self.axis)

    def backward(self, grad: Array) -> tuple[Array | None, ...]:
        before = (slice(None),) * self.axis
        gradients: list[Array | None] = []
        start = 0
        for length, needed in zip(self.lengths, self.needs_grad, strict=True):
            part = grad[before + (slice(start, start + length),)]
            gradients.append(part if needed else None)
            start += length
        return tuple(gradients)

    def _other_sides(self, array: Array) -> tuple[int, ...]:
        return array.shape[: self.axis] + (-1,) + array.shape[self.axis + 1 :]


def concatenate(tensors: Sequence[Tensor | Array], dim: int = 0) -> Tensor:
    """The tensors one after another along the existing axis ``dim``.

    Forward: y = [x_1, x_2, ...] along ``dim``. Gradient: each dL/dx_i is the part of dL/dy where
    x_i stands.

    Shapes: (A, B_1, C), (A, B_2, C), ... with dim=1 give (A, B_1 + B_2 + ..., C). A length may be
    zero. Whole numbers stay whole unless a floating tensor stands among them.
    Cost: one pass; the gradients are views.

    Raises:
        ValueError: there is no tensor, or a side other than ``dim`` differs.
        IndexError: the tensors have no axis ``dim``.
        TypeError: the floating dtypes differ, or ``tensors`` is no list.

    >>> concatenate([Tensor([[1.0], [2.0]]), Tensor([[3.0, 4.0], [5.0, 6.0]])], dim=1).data.tolist()
    [[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]
    """
    return Concatenate(dim)(*as_inputs("concatenate", tensors))
