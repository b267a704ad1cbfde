"""Leaky ReLU whose slope is learned, one for all or one for each channel."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, xp_of
from minicv.functional.arguments import check_tensor


class PRelu(Function):
    def forward(self, x: Array, weight: Array) -> Array:
        xp = xp_of(x, weight)
        self.x, self.weight = x, weight
        y = product_or_zero(xp.minimum(x, 0), _per_channel(weight, x))
        y += xp.clip(x, 0, math.inf)
        return y

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        xp = xp_of(grad)
        grad_x = grad_weight = None
        if self.needs_grad[0]:
            positive = self.x > 0
            slope = kept_where(~positive, _per_channel(self.weight, self.x))
            slope += positive
            grad_x = product_or_zero(slope, grad)
        if self.needs_grad[1]:
            products = product_or_zero(xp.minimum(self.x, 0), grad)
            one_slope = self.weight.size == 1
            axes = tuple(range(grad.ndim)) if one_slope else (0, *range(2, grad.ndim))
            grad_weight = products.sum(axis=axes).reshape(self.weight.shape)
        return grad_x, grad_weight


def prelu(x: Tensor | Array, weight: Tensor | Array) -> Tensor:
    """x where it is positive, else ``weight`` · x, with a slope that is learned.

    Forward: y = x where x > 0, else w x, with w of the channel of x. Gradients: dL/dx = dL/dy where
    x > 0, else w dL/dy; dL/dw = Σ x dL/dy over all x <= 0 that have this slope.

    ====== =========================== ==========================================
    x      any shape; (N, C, H, W)     channels are axis 1
    weight (1,) or (C,)                one slope for all, or one for each channel
    y      as x
    ====== =========================== ==========================================

    Kink: the gradient at x = 0 is that of the negative side, w dL/dy. NaN stays NaN. An empty x
    gives an empty result, and a slope the gradient 0. Cost: a few passes over x; keeps x.

    Raises:
        ValueError: the weight has another shape.

    Source: He et al. 2015, Delving Deep into Rectifiers, section 2.1.

    >>> x, weight = Tensor([[-2.0, -2.0], [1.0, -3.0]]), Tensor([0.5, 0.1], requires_grad=True)
    >>> y = prelu(x, weight)
    >>> y.data.round(2).tolist()
    [[-1.0, -0.2...], [1.0, -0.3...]]
    >>> y.sum().backward()
    >>> weight.grad.tolist()
    [-2.0, -5.0]
    """
    check_tensor("prelu", x)
    check_tensor("prelu", weight, "weight")
    if tuple(weight.shape) not in ((1,), tuple(x.shape[1:2])):
        channels = f" or {tuple(x.shape[1:2])}, one slope for each channel" if x.shape[1:2] else ""
        raise ValueError(
            f"prelu: weight must have shape (1,), one slope for all{channels}, but has shape "
            f"{tuple(weight.shape)}; x={tuple(x.shape)}"
        )
    return PRelu()(x, weight)


def _per_channel(weight: Array, x: Array) -> Array:
    """(C,) -> (C, 1, 1), to broadcast against x; a single slope becomes a number."""
    if weight.size == 1:
        return weight.reshape(())
    return weight.reshape(-1, *[1] * (x.ndim - 2))
