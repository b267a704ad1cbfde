"""The multiclass hinge: the lecture's SVM loss."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, product_or_zero, xp_of
from minicv.functional.arguments import as_number, check_constant
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
    grad_of_losses,
    reduce_losses,
)
from minicv.functional.softmax_cross_entropy import check_labels


class MulticlassHinge(Function):
    def __init__(self, labels: Array, margin: float, reduction: Reduction) -> None:
        self.labels = labels
        self.margin = margin
        self.reduction = reduction

    def forward(self, scores: Array) -> Array:
        xp = xp_of(scores, self.labels)
        self._check(scores)
        samples = len(scores)
        self.true_class = (xp.arange(samples), self.labels.copy())
        true = scores[self.true_class][:, None]
        others = scores.copy()
        others[self.true_class] = 0  # infinity minus infinity would be NaN
        margins = others - true + self.margin  # (N, K)
        margins[self.true_class] = 0  # the sum goes over the other classes
        violated = ~(margins.real <= 0)  # so that NaN is seen
        self.violated = violated.astype(margins.real.dtype)
        return reduce_losses(kept_where(violated, margins).sum(axis=1), self.reduction)

    def backward(self, grad: Array) -> Array:
        grad_losses = grad_of_losses(grad, self.reduction, len(self.labels))  # (N,) or a number
        grad_scores = self.violated.copy()
        grad_scores[self.true_class] = -self.violated.sum(axis=1)
        return product_or_zero(grad_scores, grad_losses.reshape(-1, 1))

    def _check(self, scores: Array) -> None:
        labels = self.labels
        if scores.ndim != 2 or labels.shape != scores.shape[:1]:
            raise ValueError(
                "multiclass_hinge: scores must be (N, K) and labels (N,); "
                f"scores={scores.shape}, labels={labels.shape}"
            )
        if labels.dtype.kind not in "iu":
            raise TypeError(
                f"multiclass_hinge: labels must be whole numbers but are {labels.dtype}"
            )
        # On the host only: looking at labels on a device would make every step wait for it.
        if isinstance(labels, np.ndarray):
            check_labels("multiclass_hinge", labels, scores.shape[1])


def multiclass_hinge(
    scores: Tensor | Array, labels: Array, margin: float = 1.0, reduction: Reduction = "mean"
) -> Tensor:
    """A penalty for each wrong class that scores less than ``margin`` below the true class.

    Forward, for the scores s of one sample with label y:
    loss = Σ_{j≠y} max(0, sⱼ - s[y] + margin).
    Gradient, times dL/d(loss): 1 for each class j ≠ y with a term above 0, and for y minus the
    number of those classes.

    ====== ====== ===========================================
    scores (N, K) any real numbers
    labels (N,)   whole numbers 0..K-1
    result        one number; (N,) with ``reduction="none"``
    ====== ====== ===========================================

    Kink: a class exactly at the margin has loss 0 and slope 0. Without samples the loss is
    0. Cost: three passes over the scores. (PyTorch's multi_margin_loss divides by K as well.)

    Args:
        scores: of each class.
        labels: a plain array, not a Tensor.
        margin: how far the true class must lead.
        reduction: "mean" over samples, "sum", or "none".

    Raises:
        ValueError: shapes do not fit, or a label is out of range (checked for NumPy labels).
        TypeError: labels are not whole numbers.

    Source: Weston & Watkins 1999; CS231n, Linear Classification, "Multiclass SVM loss".

    >>> scores = Tensor([[3.2, 5.1, -1.7]])  # cat, car, frog; it is a cat
    >>> round(multiclass_hinge(scores, np.array([0])).item(), 4)
    2.9
    """
    check_reduction("multiclass_hinge", reduction)
    check_constant("multiclass_hinge", "labels", labels)
    margin = as_number("multiclass_hinge", "margin", margin)
    return MulticlassHinge(labels, margin, reduction)(scores)
