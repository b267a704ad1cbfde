"""The L2 loss: squared differences, the lecture's loss for box coordinates and joints."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, product_or_zero
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    check_same_shape,
    from_difference,
    grad_of_losses,
    reduce_losses,
)


class L2Loss(Function):
    def __init__(self, reduction: Reduction) -> None:
        self.reduction = reduction

    def forward(self, input: Array, target: Array) -> Array:
        check_same_shape("l2_loss", input=input, target=target)
        return from_difference(self._reduced, input, target)

    def _reduced(self, difference: Array) -> Array:
        self.difference = difference
        return reduce_losses(difference * difference, self.reduction)

    def backward(self, grad: Array) -> tuple[Array, Array | None]:
        grad_losses = grad_of_losses(grad, self.reduction, self.difference.size)
        grad_input = product_or_zero(self.difference, 2 * grad_losses)
        return grad_input, -grad_input if self.needs_grad[1] else None


def l2_loss(input: Tensor | Array, target: Tensor | Array, reduction: Reduction = "mean") -> Tensor:
    """The squared difference (input - target)², without a factor of one half.

    ``reduction="mean"`` divides by the number of all elements, not only of samples, as PyTorch's
    mse_loss does.

    Gradients: dL/d(input) = 2 (input - target) dL/d(loss); dL/d(target) is its negative.

    Shapes: input and target have the same shape; the result is one number, or has their shape
    with ``reduction="none"``. Without elements the loss is 0. Cost: two passes over the input.

    Args:
        input: predictions.
        target: what they should be; a constant array or a Tensor.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ValueError: the shapes differ, or the reduction is unknown.

    >>> l2_loss(Tensor([1.0, 5.0]), Tensor([2.0, 2.0])).item()
    5.0
    """
    check_reduction("l2_loss", reduction)
    return L2Loss(reduction)(input, target)
