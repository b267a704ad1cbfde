"""The L1 loss: absolute differences."""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.functional.loss_reduction import Reduction, check_reduction
from minicv.functional.smooth_l1 import SmoothL1


class L1Loss(SmoothL1):
    """Smooth L1 with β = 0: no squared part is left."""

    def __init__(self, reduction: Reduction) -> None:
        super().__init__(beta=0.0, reduction=reduction, operation="l1_loss")


def l1_loss(input: Tensor | Array, target: Tensor | Array, reduction: Reduction = "mean") -> Tensor:
    """The absolute difference |input - target|.

    Gradients: dL/d(input) = sign(input - target) dL/d(loss); dL/d(target) is its negative.

    Shapes: input and target have the same shape; the result is one number, or has their shape
    with ``reduction="none"``. Kink: the slope at input = target is 0. Without elements the loss
    is 0. Cost: a few passes over the input.

    Args:
        input: predictions.
        target: what they should be; a constant array or a Tensor.
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ValueError: the shapes differ, or the reduction is unknown.

    >>> l1_loss(Tensor([1.0, 5.0]), Tensor([2.0, 2.0])).item()
    2.0
    """
    check_reduction("l1_loss", reduction)
    return L1Loss(reduction)(input, target)
