"""Fully connected layer."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.backend.storage import as_stored


class Linear(Function):
    keeps_float16 = True

    def forward(self, x: Array, weight: Array, bias: Array | None) -> Array:
        _check_shapes(x, weight, bias)
        x, weight = as_stored(x), as_stored(weight)
        self.x, self.weight = x, weight
        y = kernels_of(x, weight).matmul(x, weight.T)  # (..., I) (I, O) -> (..., O)
        if bias is not None:
            y += bias
        return y

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        kernels = kernels_of(grad)
        outputs, inputs = self.weight.shape
        grad_x = grad_weight = grad_bias = None
        if self.needs_grad[0]:
            grad_x = kernels.matmul(grad, self.weight)  # (..., O) (O, I) -> (..., I)
        grad = grad.reshape(math.prod(self.x.shape[:-1]), outputs)  # (..., O) -> (N, O)
        if self.needs_grad[1]:
            x = self.x.reshape(len(grad), inputs)  # (..., I) -> (N, I)
            grad_weight = kernels.matmul(grad.T, x)  # (O, N) (N, I) -> (O, I)
        if self.needs_grad[2]:
            grad_bias = grad.sum(axis=0)  # (N, O) -> (O,)
        return grad_x, grad_weight, grad_bias


def linear(x: Tensor | Array, weight: Tensor | Array, bias: Tensor | Array | None = None) -> Tensor:
    """Every output is a weighted sum of all inputs, plus a bias.

    Forward: y = x Wᵀ + b, y_no = Σ_i x_ni W_oi + b_o. Gradients: dL/dx = dL/dy W,
    dL/dW = (dL/dy)ᵀ x, dL/db = Σ_n dL/dy_n.

    | x      | weight | bias          | y      |
    |--------|--------|---------------|--------|
    | (N, I) | (O, I) | (O,) or None  | (N, O) |

    I inputs, O outputs. In place of N there may be any number of axes, also none. N = 0 gives an
    empty result and zero gradients of weight and bias. Cost: N·I·O multiplications, and as many
    again for each of the gradients of x and weight; keeps x and weight.

    Raises:
        ValueError: a shape does not fit.

    Source: Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors.

    >>> x = Tensor([[1.0, 2.0]])
    >>> weight = Tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> linear(x, weight, Tensor([0.5, 0.5, 0.5])).data.tolist()
    [[1.5, 2.5, 3.5]]
    """
    return Linear()(x, weight, bias)


def _check_shapes(x: Array, weight: Array, bias: Array | None) -> None:
    of_bias = weight.shape[:1] if bias is None else bias.shape
    if weight.ndim == 2 and x.shape[-1:] == weight.shape[1:] and of_bias == weight.shape[:1]:
        return
    shapes = f"x={x.shape}, weight={weight.shape}, bias={None if bias is None else bias.shape}"
    if weight.ndim != 2:
        raise ValueError(f"linear: weight must have 2 axes (outputs, inputs); {shapes}")
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear: weight expects {weight.shape[1]} inputs (weight.shape[1]) but x has "
            f"{x.shape[-1] if x.ndim else 'no axis'}; {shapes}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"linear: bias must have one number for each of the {weight.shape[0]} outputs; {shapes}"
        )
