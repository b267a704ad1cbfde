"""Sum, difference, product, quotient and sign, element by element, with NumPy's broadcasting."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, surely_finite, zero_where_zero


class Add(Function):
    broadcasts = True
    keeps_float16 = True

    def forward(self, x: Array, y: Array) -> Array:
        return x + y

    def backward(self, grad: Array) -> tuple[Array, Array]:
        return grad, grad


class Subtract(Function):
    broadcasts = True

    def forward(self, x: Array, y: Array) -> Array:
        return x - y

    def backward(self, grad: Array) -> tuple[Array, Array | None]:
        return grad, -grad if self.needs_grad[1] else None


class Multiply(Function):
    broadcasts = True

    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        product = x * y
        of_x, of_y = self.needs_grad
        if of_x or of_y:
            # A gradient is multiplied by the other factor. If the product is finite, so are both.
            self.finite = surely_finite(product if of_x and of_y else y if of_x else x)
        return product

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        if self.finite:
            grad_x = grad * self.y if self.needs_grad[0] else None
            return grad_x, grad * self.x if self.needs_grad[1] else None
        # Where no gradient arrives none leaves: 0 times infinity is 0.
        arrives = grad != 0
        with np.errstate(invalid="ignore"):
            grad_x = kept_where(arrives, grad * self.y) if self.needs_grad[0] else None
            grad_y = kept_where(arrives, grad * self.x) if self.needs_grad[1] else None
        return grad_x, grad_y


class Divide(Function):
    broadcasts = True

    def forward(self, x: Array, y: Array) -> Array:
        self.y = y
        self.quotient = x / y
        return self.quotient

    def backward(self, grad: Array) -> tuple[Array, Array | None]:
        with np.errstate(invalid="ignore"):  # where no gradient arrives 0 / 0 is 0
            grad_x = grad / self.y
            if not self.needs_grad[1]:
                return zero_where_zero(grad_x, grad), None
            grad_y = -grad_x * self.quotient
        if not surely_finite(grad_y):  # if it is finite, then so is grad_x
            grad_x = zero_where_zero(grad_x, grad)
            grad_y = zero_where_zero(grad_y, grad, self.quotient)
        return grad_x, grad_y


class Negative(Function):
    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, grad: Array) -> Array:
        return -grad


def add(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """x + y.

    Forward: z = x + y. Gradients: dL/dx = dL/dz, dL/dy = dL/dz, each summed over the axes along
    which its input was broadcast.

    Shapes: x and y broadcast against each other as in NumPy; z has the broadcast shape.
    An empty input gives an empty result. Cost: one pass over z.

    >>> add(Tensor([1.0, 2.0]), 10).data.tolist()
    [11.0, 12.0]
    """
    return Add()(x, y)


def subtract(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """x - y.

    Forward: z = x - y. Gradients: dL/dx = dL/dz, dL/dy = -dL/dz. Shapes, empty input and cost as
    for `add`.

    >>> subtract(Tensor([1.0, 2.0]), 10).data.tolist()
    [-9.0, -8.0]
    """
    return Subtract()(x, y)


def multiply(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """x · y, element by element.

    Forward: z = x y. Gradients: dL/dx = y dL/dz, dL/dy = x dL/dz; 0 where dL/dz is 0, even beside
    infinity. Shapes, empty input and cost as for `add`.

    >>> multiply(Tensor([1.0, 2.0]), 10).data.tolist()
    [10.0, 20.0]
    """
    return Multiply()(x, y)


def divide(x: Tensor | Array | float, y: Tensor | Array | float) -> Tensor:
    """x / y, element by element.

    Forward: z = x / y. Gradients: dL/dx = dL/dz / y, dL/dy = -z / y · dL/dz. Division by zero
    follows NumPy: infinity or NaN, with its warning; its gradients are 0 where dL/dz is 0.
    Shapes, empty input and cost as for `add`.

    >>> divide(Tensor([1.0, 2.0]), 10).data.round(2).tolist()
    [0.1..., 0.2...]
    """
    return Divide()(x, y)


def negative(x: Tensor | Array) -> Tensor:
    """-x.

    Forward: z = -x. Gradient: dL/dx = -dL/dz. The shape stays; cost: one pass.

    >>> negative(Tensor([1.0, -2.0])).data.tolist()
    [-1.0, 2.0]
    """
    return Negative()(x)
