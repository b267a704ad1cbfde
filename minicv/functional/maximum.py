"""The larger, and the smaller, of two numbers, element by element."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of


class Maximum(Function):
    broadcasts = True

    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        return xp_of(x).maximum(x, y)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        return _shared(grad, self.x > self.y, self.x < self.y, self.needs_grad)


class Minimum(Function):
    broadcasts = True

    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        return xp_of(x).minimum(x, y)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        return _shared(grad, self.x < self.y, self.x > self.y, self.needs_grad)


def _shared(
    grad: Array, x_wins: Array, y_wins: Array, needs_grad: tuple[bool, ...]
) -> tuple[Array | None, Array | None]:
    """The winner gets the whole gradient; where the inputs are equal, each gets half."""
    share = x_wins.astype(grad.dtype)
    share -= y_wins
    share *= 0.5
    share += 0.5  # 1, 1/2 or 0
    grad_x = product_or_zero(grad, share) if needs_grad[0] else None
    grad_y = product_or_zero(grad, 1 - share) if needs_grad[1] else None
    return grad_x, grad_y


def maximum(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """The larger of x and y, element by element.

    Forward: z = max(x, y). Gradients: dL/dx = dL/dz where x > y, dL/dz / 2 where x = y, else 0;
    dL/dy the same with x and y exchanged. Each is summed over the axes along which its input was
    broadcast.

    Shapes: x and y broadcast against each other. Ties share the gradient evenly. NaN in either
    gives NaN, and counts as a tie. An empty input gives an empty result. Cost: one pass; keeps both
    inputs.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> z = maximum(x, 2)
    >>> z.data.tolist()
    [2.0, 2.0, 3.0]
    >>> z.sum().backward()
    >>> x.grad.tolist()
    [0.0, 0.5, 1.0]
    """
    return Maximum()(x, y)


def minimum(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """The smaller of x and y, element by element.

    Forward: z = min(x, y). Gradients: dL/dx = dL/dz where x < y, dL/dz / 2 where x = y, else 0;
    dL/dy the same with x and y exchanged. Shapes, ties, empty input and cost as for `maximum`.

    >>> minimum(Tensor([1.0, 2.0, 3.0]), 2).data.tolist()
    [1.0, 2.0, 2.0]
    """
    return Minimum()(x, y)
