"""Layer normalisation: each sample by its own mean and variance."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.functional.arguments import as_number, as_whole_numbers, check_tensor
from minicv.functional.normalized_rows import gradient_of_rows, normalized_rows


class LayerNorm(Function):
    def __init__(self, shape: tuple[int, ...], eps: float) -> None:
        self.shape = shape
        self.eps = eps

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        length = math.prod(self.shape)
        rows = x.reshape(x.size // length, length)  # (N, ..., *shape) -> (R, D)
        self.normalized, self.inverse_deviation = normalized_rows(rows, self.eps)
        self.weight = weight
        y = self.normalized if weight is None else self.normalized * weight.reshape(length)
        if bias is not None:
            y = y + bias.reshape(length)
        return y.reshape(x.shape)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None, Array | None]:
        grad_x = grad_weight = grad_bias = None
        rows = grad.reshape(self.normalized.shape)
        if self.needs_grad[1]:
            grad_weight = (rows * self.normalized).sum(axis=0).reshape(self.shape)
        if self.needs_grad[2]:
            grad_bias = rows.sum(axis=0).reshape(self.shape)
        if self.needs_grad[0]:
            if self.weight is not None:
                rows = rows * self.weight.reshape(-1)
            grad_x = gradient_of_rows(rows, self.normalized, self.inverse_deviation)
            grad_x = grad_x.reshape(grad.shape)
        return grad_x, grad_weight, grad_bias


def layer_norm(
    x: Tensor | Array,
    normalized_shape: int | tuple[int, ...],
    weight: Tensor | Array | None = None,
    bias: Tensor | Array | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise the last axes of x to mean 0 and variance 1, each sample by itself.

    Forward: x̂ = (x - μ) / √(σ² + eps) and y = weight · x̂ + bias, where μ and σ² are the mean and
    the biased variance over the axes that ``normalized_shape`` names. No sample sees another one,
    so training and evaluation are the same, and a batch of one is fine.

    Gradients, with D values that are normalised together, sums over them, and g = weight · dL/dy:
    dL/dx = (g - Σ g / D - x̂ Σ g x̂ / D) / √(σ² + eps); dL/d(weight) = Σ dL/dy x̂ and dL/d(bias) =
    Σ dL/dy, over all samples.

    ============ =================================== ===========================
    x            (N, ..., *normalized_shape)
    weight, bias of the shape ``normalized_shape``   None stands for 1 and 0
    y            as x
    ============ =================================== ===========================

    A sample whose values are all equal gives x̂ = 0. An empty batch gives an empty result. Cost:
    about six passes over x in each direction; keeps an array of its size.

    Args:
        x: activations.
        normalized_shape: the last lengths of x.shape; one number for the last axis alone.
        weight, bias: γ and β.
        eps: keeps the root away from 0.

    Raises:
        ValueError: x does not end in ``normalized_shape``, or weight or bias has another shape.
        TypeError: ``normalized_shape`` is no tuple of whole numbers.

    Source: Ba, Kiros & Hinton 2016, Layer Normalization, section 3.

    >>> layer_norm(Tensor([[1.0, 3.0], [10.0, 30.0]]), 2).data.round(3).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """
    check_tensor("layer_norm", x)
    several = isinstance(normalized_shape, (tuple, list))
    shape = as_whole_numbers(
        "layer_norm", "normalized_shape", normalized_shape if several else (normalized_shape,)
    )
    if not shape or min(shape) < 1 or tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"layer_norm: normalized_shape must be the last lengths of x.shape, at least one and "
            f"none of them 0, but is {shape}; x={tuple(x.shape)}"
        )
    for argument, values in (("weight", weight), ("bias", bias)):
        if values is not None:
            check_tensor("layer_norm", values, argument)
            if tuple(values.shape) != shape:
                raise ValueError(
                    f"layer_norm: {argument} must have the shape {shape} of normalized_shape but "
                    f"has shape {tuple(values.shape)}"
                )
    return LayerNorm(shape, float(as_number("layer_norm", "eps", eps)))(x, weight, bias)
