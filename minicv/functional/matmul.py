"""Matrix product, of one pair of matrices or of a batch of pairs."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of


class Matmul(Function):
    broadcasts = True  # over the batch axes, those before the last two

    def forward(self, x: Array, y: Array) -> Array:
        if x.ndim == 0 or y.ndim == 0:
            raise ValueError(
                f"matmul: x and y need at least one axis; x={x.shape}, y={y.shape}. "
                "Multiply by a single number with *"
            )
        rows = y.shape[0] if y.ndim == 1 else y.shape[-2]
        if x.shape[-1] != rows:
            raise ValueError(
                f"matmul: the last side of x ({x.shape[-1]}) must be the number of rows of y "
                f"({rows}); x={x.shape}, y={y.shape}"
            )
        self.x, self.y = x, y
        try:
            return kernels_of(x, y).matmul(x, y)
        except ValueError:
            raise ValueError(
                f"matmul: the batch axes {x.shape[:-2]} and {y.shape[:-2]} do not broadcast; "
                f"x={x.shape}, y={y.shape}"
            ) from None

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        kernels = kernels_of(grad)
        # A vector is a matrix of one row (left) or one column (right).
        x = self.x[None, :] if self.x.ndim == 1 else self.x  # (..., M, K)
        y = self.y[:, None] if self.y.ndim == 1 else self.y  # (..., K, P)
        if self.y.ndim == 1:
            grad = grad[..., None]
        if self.x.ndim == 1:
            grad = grad[..., None, :]  # (..., M, P)
        grad_x = grad_y = None
        if self.needs_grad[0]:
            grad_x = kernels.matmul(
                grad, y.swapaxes(-1, -2)
            )  # (..., M, P) (..., P, K) -> (..., M, K)
            if self.x.ndim == 1:
                grad_x = grad_x[..., 0, :]
        if self.needs_grad[1]:
            if y.ndim == 2 and x.ndim > 2:
                # One y for the whole batch: sum over the batch within a single product.
                rows = math.prod(x.shape[:-1])
                x, grad = x.reshape(rows, x.shape[-1]), grad.reshape(rows, y.shape[1])
            grad_y = kernels.matmul(
                x.swapaxes(-1, -2), grad
            )  # (..., K, M) (..., M, P) -> (..., K, P)
            if self.y.ndim == 1:
                grad_y = grad_y[..., 0]
        return grad_x, grad_y


def matmul(x: Tensor | Array, y: Tensor | Array) -> Tensor:
    """The matrix product x y; for more than two axes, one product for each pair of the batch.

    Forward: z = x y, z_ij = Σ_k x_ik y_kj. Gradients: dL/dx = dL/dz yᵀ, dL/dy = xᵀ dL/dz, each
    summed over the batch axes along which its input was broadcast.

    | x            | y            | z            |
    |--------------|--------------|--------------|
    | (M, K)       | (K, P)       | (M, P)       |
    | (..., M, K)  | (..., K, P)  | (..., M, P)  |
    | (K,)         | (..., K, P)  | (..., P)     |
    | (..., M, K)  | (K,)         | (..., M)     |
    | (K,)         | (K,)         | ()           |

    Batch axes (...) broadcast. With K = 0 the result is zero. Cost: M·K·P multiplications per
    pair,
    and as many again for each gradient; keeps x and y.

    Raises:
        ValueError: the sides K or the batch axes do not fit, or an input is a single number.

    >>> matmul(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([10.0, 1.0])).data.tolist()
    [12.0, 34.0]
    """
    return Matmul()(x, y)
