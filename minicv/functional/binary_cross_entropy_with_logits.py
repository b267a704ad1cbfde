"""Sigmoid and binary cross entropy in one step: a yes-or-no loss for each element."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
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
        check_same_shape("binary_cross_entropy_with_logits", logits, targets)
        xp = xp_of(logits, targets, self.weight)
        self.logits, self.targets = logits, targets
        # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which cannot overflow. The maximum of
        # x and -x is |x| and, unlike abs, works with the complex numbers of a gradient check.
        magnitude = xp.maximum(logits, -logits)
        self.softplus = xp.maximum(logits, 0) + xp.log1p(xp.exp(-magnitude))
        losses = self.softplus - logits * targets
        if self.weight is not None:
            losses = losses * self.weight
        return reduce_losses(losses, self.reduction)

    def backward(self, grad: Array) -> tuple[Array | None, Array | None]:
        xp = xp_of(grad)
        grad_losses = grad_of_losses(grad, self.reduction, self.logits.size)
        if self.weight is not None:
            grad_losses = grad_losses * self.weight
        grad_logits = grad_targets = None
        if self.needs_grad[0]:
            sigmoid = xp.exp(self.logits - self.softplus)
            grad_logits = (sigmoid - self.targets) * grad_losses
        if self.needs_grad[1]:
            grad_targets = -self.logits * grad_losses
        return grad_logits, grad_targets


def binary_cross_entropy_with_logits(
    logits: Tensor | Array,
    targets: Tensor | Array,
    weight: Array | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """-t log σ(x) - (1 - t) log(1 - σ(x)) for each logit x and target t, with σ the sigmoid.

    Forward: loss = w (log(1 + eˣ) - t x), the same number without overflow for any x.
    Gradients: dL/dx = w (σ(x) - t) dL/d(loss), dL/dt = -w x dL/d(loss).

    Shapes: logits and targets have the same shape, weight broadcasts to it; the result is one
    number, or has their shape with ``reduction="none"``. ``"mean"`` divides by the number of
    elements, whatever their weights, as in PyTorch. Without elements the loss is 0.

    Cost: about six passes over the logits; keeps one array of their size.

    Args:
        logits: scores before the sigmoid.
        targets: probabilities in 0..1; boolean or whole-number arrays are converted.
        weight: how much each element counts, a plain array. 0 leaves an element out of the sum.
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
    raw = logits.data if isinstance(logits, Tensor) else logits
    if hasattr(targets, "astype") and targets.dtype.kind in "biu":
        targets = targets.astype(raw.dtype)
    if weight is not None:
        xp = xp_of(raw, weight)
        if xp.broadcast(raw, weight).shape != raw.shape:
            raise ValueError(
                "binary_cross_entropy_with_logits: weight must broadcast to the shape of the "
                f"logits; logits={raw.shape}, weight={weight.shape}"
            )
        weight = weight.astype(raw.dtype)
    return BinaryCrossEntropyWithLogits(weight, reduction)(logits, targets)
