"""Sigmoid and binary cross entropy in one step: a yes-or-no loss for each element."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero, xp_of
from minicv.functional.arguments import check_constant
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    check_same_shape,
    grad_of_losses,
    reduce_losses,
)


class BinaryCrossEntropyWithLogits(Function):
    def __init__(self, weight: Array | None, reduction: Reduction) -> None:
        self.weight = weight
        self.reduction = reduction

    def forward(self, logits: Array, targets: Array) -> Array:
        check_same_shape("binary_cross_entropy_with_logits", logits=logits, targets=targets)
        self.logits, self.weight = logits, self._checked_weight(logits)
        xp = xp_of(logits, targets, self.weight)
        # log(1 + exp(x)) - t x is also (p - t) x + log(1 + exp(-|x|)), where p is 1 for x > 0,
        # else 0: so nothing overflows, and no large numbers are subtracted.
        self.lead = (logits.real > 0).astype(logits.real.dtype) - targets
        self.fall = xp.exp(xp.minimum(logits, -logits))
        losses = product_or_zero(logits, self.lead)
        losses += xp.log1p(self.fall)
        if self.weight is not None:
            losses = product_or_zero(losses, self.weight)
        return reduce_losses(losses, self.reduction)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        grad_losses = grad_of_losses(grad, self.reduction, self.logits.size)
        grad_logits = grad_targets = None
        if self.needs_grad[0]:
            # σ(x) - t = p - t ∓ e / (1 + e) with e = exp(-|x|), minus where x > 0: no digit is
            # lost where σ(x) is near t = 0 or 1.
            slope = self.fall / (1 + self.fall)
            slope *= 1 - 2 * (self.logits > 0).astype("int8")
            slope += self.lead
            grad_logits = self._scaled(slope, grad_losses)
        if self.needs_grad[1]:
            grad_targets = self._scaled(-self.logits, grad_losses)
        return grad_logits, grad_targets

    def _scaled(self, slope: Array, grad_losses: Array) -> Array:
        """The slope of each loss, times its weight and dL/d(loss)."""
        if self.weight is not None:
            slope = product_or_zero(slope, self.weight)
        return product_or_zero(slope, grad_losses)

    def _checked_weight(self, logits: Array) -> Array | None:
        weight = self.weight
        if weight is None:
            return None
        try:
            fits = np.broadcast_shapes(logits.shape, weight.shape) == logits.shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                "binary_cross_entropy_with_logits: weight must broadcast to the shape of the "
                f"logits; logits={logits.shape}, weight={weight.shape}"
            )
        return weight.astype(logits.real.dtype)


def binary_cross_entropy_with_logits(
    logits: Tensor | Array,
    targets: Tensor | Array,
    weight: Array | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """-t log σ(x) - (1 - t) log(1 - σ(x)) for each logit x and target t, with σ the sigmoid.

    Forward: loss = w (log(1 + eˣ) - t x), computed without overflow and with all digits for any x.
    Gradients: dL/dx = w (σ(x) - t) dL/d(loss), dL/dt = -w x dL/d(loss).

    An infinite logit on the side of its target costs 0, on the other side infinity.

    Shapes: logits and targets have the same shape, weight broadcasts to it; the result is one
    number, or has their shape with ``reduction="none"``. ``"mean"`` divides by the number of
    elements, whatever their weights, as in PyTorch. Without elements the loss is 0.

    Cost: about six passes over the logits; keeps two arrays of their size.

    Args:
        logits: scores before the sigmoid.
        targets: probabilities in 0..1; boolean or whole-number arrays are converted.
        weight: how much each element counts, a plain array. 0 leaves an element out
            of the sum, even where its logit is infinite or NaN.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ValueError: the shapes do not fit, or the reduction is unknown.

    Source: the objectness loss of Faster R-CNN (Ren 2015, section 3.1.2) in its one-logit form;
    the mask loss of Mask R-CNN (He 2017, section 3).

    >>> loss = binary_cross_entropy_with_logits(
    ...     Tensor([0.0, 1000.0]), Tensor([1.0, 1.0]), reduction="none")
    >>> loss.data.round(4).tolist()
    [0.693..., 0.0]
    """
    check_reduction("binary_cross_entropy_with_logits", reduction)
    if weight is not None:
        check_constant("binary_cross_entropy_with_logits", "weight", weight)
    return BinaryCrossEntropyWithLogits(weight, reduction)(logits, targets)
