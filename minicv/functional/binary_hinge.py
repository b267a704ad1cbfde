"""The binary hinge: the loss of linear SVMs, one class against the rest."""

from __future__ import annotations

from typing import Literal

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, xp_of
from minicv.functional.arguments import check_constant
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    check_same_shape,
    grad_of_losses,
    reduce_losses,
)


class BinaryHinge(Function):
    def __init__(self, targets: Array, norm: str, reduction: Reduction) -> None:
        self.targets = targets
        self.norm = norm
        self.reduction = reduction

    def forward(self, scores: Array) -> Array:
        xp_of(scores, self.targets)  # refuses two devices
        check_same_shape("binary_hinge", scores=scores, targets=self.targets)
        self.targets = self.targets.astype(scores.real.dtype)
        missing = 1 - self.targets * scores  # by how much the score misses the margin
        missing = kept_where(~(missing.real <= 0), missing)  # so that NaN is seen
        self.missing = missing.real
        losses = missing if self.norm == "l1" else missing * missing
        return reduce_losses(losses, self.reduction)

    def backward(self, grad: Array) -> Array:
        grad_losses = grad_of_losses(grad, self.reduction, self.missing.size)
        if self.norm == "l1":
            slope = (self.missing != 0) * -self.targets
        else:
            slope = -2 * self.missing * self.targets
        return product_or_zero(slope, grad_losses)


def binary_hinge(
    scores: Tensor | Array,
    targets: Array,
    norm: Literal["l1", "l2"] = "l1",
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, 1 - t s), or its square, for each score s and target t of -1 or +1.

    With scores (N, K) these are K separate classifiers, each for one class against the rest, like
    the SVMs of R-CNN.

    Gradients: with ``"l1"`` -t where 1 - t s > 0, else 0; with ``"l2"`` -2 t max(0, 1 - t s); both
    times dL/d(loss).

    Shapes: scores and targets have the same shape, usually (N,) or (N, K); the result is one
    number, or has their shape with ``reduction="none"``. Kink: with ``"l1"`` the slope at
    t s = 1 is 0; ``"l2"`` has none. Without elements the loss is 0. Cost: a few passes.

    Args:
        scores: positive for the class, negative for the rest.
        targets: a plain array of -1 and +1.
        norm: "l1" (the hinge), or "l2" (the squared hinge, smooth but harder on outliers).
        reduction: "mean" over all elements, "sum", or "none".

    Raises:
        ValueError: the shapes differ, a target is neither -1 nor +1 (checked for NumPy targets),
            or norm or reduction is unknown.

    Source: Cortes & Vapnik 1995; used as in Girshick 2014 (R-CNN), section 2.3.

    >>> binary_hinge(Tensor([0.5, 2.0]), np.array([-1, 1]), reduction="none").data.tolist()
    [1.5, 0.0]
    """
    check_reduction("binary_hinge", reduction)
    if norm not in ("l1", "l2"):
        raise ValueError(f"binary_hinge: norm must be 'l1' or 'l2' but is {norm!r}")
    check_constant("binary_hinge", "targets", targets)
    # On the host only: looking at targets on a device would make every step wait for it.
    if isinstance(targets, np.ndarray):
        wrong = targets[(targets != 1) & (targets != -1)]
        if wrong.size:
            raise ValueError(
                f"binary_hinge: targets must be -1 or +1 but one is {wrong.flat[0]}; "
                "for 0 and 1 use 2 * targets - 1"
            )
    return BinaryHinge(targets, norm, reduction)(scores)
