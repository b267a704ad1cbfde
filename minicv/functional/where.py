"""A choice between two tensors, element by element."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of


class Where(Function):
    broadcasts = True

    def __init__(self, condition: Array) -> None:
        self.condition = condition

    def forward(self, x: Array, y: Array) -> Array:
        if True in self.needs_grad:
            self.condition = self.condition.copy()  # the caller may go on to fill it anew
        try:
            return xp_of(self.condition, x, y).where(self.condition, x, y)
        except ValueError:
            raise ValueError(
                f"where: the shapes do not broadcast; condition={self.condition.shape}, "
                f"x={x.shape}, y={y.shape}"
            ) from None

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        grad_x = kept_where(self.condition, grad) if self.needs_grad[0] else None
        grad_y = kept_where(~self.condition, grad) if self.needs_grad[1] else None
        return grad_x, grad_y


def where(condition: Array, x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """x where the condition holds, else y.

    Forward: z = x where condition, else y. Gradients: dL/dx = dL/dz where condition, else 0;
    dL/dy = 0 where condition, else dL/dz. Each is summed over the axes along which its input was
    broadcast. The condition is a constant, a plain boolean array such as ``x > 0``.

    Shapes: condition, x and y broadcast against each other. An empty input gives an empty result.
    Both x and y are computed everywhere before: a NaN in the value that is not chosen does no harm,
    and the zero gradient that it gets stays zero through all operations that work element by
    element, also where their slope is infinite or NaN, and through losses with
    ``reduction="none"``. Cost: one pass; keeps the condition.

    Raises:
        TypeError: the condition is no boolean array.
        ValueError: the shapes do not broadcast.

    >>> x = Tensor([1.0, -2.0, 3.0])
    >>> where(x > 0, x, 0.0).data.tolist()
    [1.0, 0.0, 3.0]
    """
    dtype = None if isinstance(condition, Tensor) else getattr(condition, "dtype", None)
    if dtype is None or dtype.kind != "b":
        found = f"a {type(condition).__name__}" if dtype is None else f"of dtype {dtype}"
        raise TypeError(
            f"where: condition must be a plain boolean array but is {found}; compare tensors or "
            "arrays, e.g. x > 0"
        )
    return Where(condition)(x, y)
