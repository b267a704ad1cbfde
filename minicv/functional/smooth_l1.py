"""Smooth L1: squared near zero, absolute far away; the box loss of Fast R-CNN."""

from __future__ import annotations

import math

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of
from minicv.functional.arguments import as_number
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    check_same_shape,
    from_difference,
    grad_of_losses,
    reduce_losses,
)


class SmoothL1(Function):
    def __init__(self, beta: float, reduction: Reduction, operation: str = "smooth_l1") -> None:
        self.beta = beta
        self.reduction = reduction
        self.operation = operation

    def forward(self, input: Array, target: Array) -> Array:
        check_same_shape(self.operation, input=input, target=target)
        return from_difference(self._reduced, input, target)

    def _reduced(self, difference: Array) -> Array:
        xp = xp_of(difference)
        if self.beta > 0:
            # Clipped first, for difference / beta may overflow.
            slope = xp.clip(difference, -self.beta, self.beta) / self.beta
        else:
            slope = xp.sign(difference.real)  # of the real part, for the complex step
        self.slope = slope.real
        # Inside: slope = d / beta, so this is d² / 2 beta. Outside: slope = ±1, so |d| - beta / 2.
        return reduce_losses(slope * (difference - 0.5 * self.beta * slope), self.reduction)

    def backward(self, grad: Array) -> tuple[Array, Array | None]:
        grad_losses = grad_of_losses(grad, self.reduction, self.slope.size)
        grad_input = product_or_zero(self.slope, grad_losses)
        return grad_input, -grad_input if self.needs_grad[1] else None


def smooth_l1(
    input: Tensor | Array,
    target: Tensor | Array,
    beta: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """The smooth L1 loss: d²/2β where |d| < β, and |d| - β/2 elsewhere, with d = input - target.

    Far outliers pull with slope 1 only, unlike with the L2 loss; near zero the slope falls to 0,
    unlike with L1.

    Gradients: dL/d(input) = clip(d / β, -1, 1) dL/d(loss); dL/d(target) is its negative.

    Shapes: input and target have the same shape; the result is one number, or has their shape
    with ``reduction="none"``.

    Kinks: none for β > 0, as both pieces meet with slope 1. β = 0 is the L1 loss, with slope 0 at
    d = 0. Without elements the loss is 0. Cost: a few passes over the input.

    Args:
        input: predictions.
        target: what they should be; a constant array or a Tensor.
        beta: where squared turns into absolute, in units of d. Papers that write σ mean
            β = 1/σ²: the region proposal network of Faster R-CNN uses σ = 3, so β = 1/9.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ValueError: the shapes differ, β is negative, or the reduction is unknown.

    Source: Girshick, Fast R-CNN, 2015, equation 3 (β = 1).

    >>> smooth_l1(Tensor([0.5, 3.0]), Tensor([0.0, 0.0]), reduction="none").data.tolist()
    [0.125, 2.5]
    """
    check_reduction("smooth_l1", reduction)
    beta = as_number("smooth_l1", "beta", beta)
    if not beta >= 0:
        raise ValueError(f"smooth_l1: beta must not be negative but is {beta}")
    if math.isinf(beta):
        raise ValueError("smooth_l1: beta must be finite, or every loss is 0; it is inf")
    return SmoothL1(float(beta), reduction)(input, target)
