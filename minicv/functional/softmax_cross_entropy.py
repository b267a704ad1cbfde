"""Softmax and cross entropy in one step: the classifier's loss, per sample or per pixel."""

from __future__ import annotations

import math

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of, product_or_zero, xp_of
from minicv.backend.scores import below_the_largest, beside_the_largest
from minicv.functional.arguments import as_number, as_whole_number, check_constant
from minicv.functional.loss_reduction import (
    Reduction,
    check_reduction,
)


class SoftmaxCrossEntropy(Function):
    def __init__(
        self,
        labels: Array,
        weight: Array | None,
        ignore_index: int,
        reduction: Reduction,
        label_smoothing: float = 0.0,
    ) -> None:
        self.labels = labels
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.smoothing = label_smoothing

    def forward(self, logits: Array) -> Array:
        xp = xp_of(logits, self.labels, self.weight)
        self._check(logits)
        samples, classes = logits.shape[:2]
        pixels = math.prod(logits.shape[2:])  # 1 for (N, K)
        self.shape = logits.shape
        self.pixel_labels = self.labels.reshape(samples, pixels)
        if self.needs_grad[0]:
            self.pixel_labels = self.pixel_labels.copy()  # the caller may go on to fill them anew
        logits = logits.reshape(samples, classes, pixels)  # (N, K, H, W) -> (N, K, P)
        losses, factor, self.softmax = kernels_of(logits).softmax_cross_entropy_forward(
            logits, self.pixel_labels, self.weight, self.ignore_index
        )  # losses (N, P), factor (N, P)
        share = None  # (N, P): how much the smooth part of each loss counts
        if self.smoothing:
            counted = (self.pixel_labels != self.ignore_index).astype(factor.dtype)
            share = counted * (self.smoothing / classes)
        if self.reduction == "mean":
            divisor = factor.sum()
            divisor = xp.where(divisor > 0, divisor, 1)  # nothing counted: loss 0, not NaN
            factor = factor / divisor
            share = None if share is None else share / divisor
        self.factor = factor * (1 - self.smoothing) if self.smoothing else factor
        self.share = share
        losses = product_or_zero(losses, self.factor)  # (N, P), factor: how much each loss counts
        if share is not None:
            losses = losses + product_or_zero(self._of_all_classes(logits), share)
        if self.reduction == "none":
            return losses.reshape(self.labels.shape)
        return losses.sum()

    def backward(self, grad: Array) -> Array:
        if self.reduction == "none":
            grad = grad.reshape(self.factor.shape)
        grad_logits = kernels_of(self.softmax).softmax_cross_entropy_backward(
            product_or_zero(self.factor, grad), self.softmax, self.pixel_labels, self.ignore_index
        )  # (N, K, P)
        if self.share is not None:
            weights = self._class_weights(grad_logits)  # (1, K, 1)
            slopes = self.softmax * weights.sum() - weights
            grad_logits = grad_logits + product_or_zero(
                slopes, product_or_zero(self.share, grad)[:, None]
            )
        return grad_logits.reshape(self.shape)

    def _of_all_classes(self, logits: Array) -> Array:
        """(N, P): Σₖ w[k] · -log pₖ, the loss of every class together."""
        xp = xp_of(logits)
        below = below_the_largest(logits, axis=1)  # (N, K, P)
        log_total = xp.log1p(beside_the_largest(below, axis=1))  # (N, 1, P)
        return product_or_zero(log_total - below, self._class_weights(logits)).sum(axis=1)

    def _class_weights(self, like: Array) -> Array:
        """(1, K, 1), in the dtype of ``like``."""
        xp = xp_of(like)
        if self.weight is None:
            return xp.ones((1, like.shape[1], 1), like.real.dtype)
        return self.weight.astype(like.real.dtype).reshape(1, -1, 1)

    def _check(self, logits: Array) -> None:
        labels, weight = self.labels, self.weight
        if logits.ndim < 2 or logits.shape[1] == 0:
            raise ValueError(
                "softmax_cross_entropy: logits must be (N, K) or (N, K, H, W) with at least one "
                f"class; logits={logits.shape}"
            )
        expected = logits.shape[:1] + logits.shape[2:]
        if labels.shape != expected:
            raise ValueError(
                f"softmax_cross_entropy: labels must have the shape {expected} of the logits "
                f"without their class axis; logits={logits.shape}, labels={labels.shape}"
            )
        if labels.dtype.kind not in "iu":
            raise TypeError(
                f"softmax_cross_entropy: labels must be whole numbers but are {labels.dtype}"
            )
        if weight is not None and weight.shape != logits.shape[1:2]:
            raise ValueError(
                f"softmax_cross_entropy: weight must have one number for each of the "
                f"{logits.shape[1]} classes, shape {logits.shape[1:2]}, but is {weight.shape}"
            )
        # On the host only: looking at labels on a device would make every step wait for it.
        if isinstance(labels, np.ndarray):
            check_labels(
                "softmax_cross_entropy", labels[labels != self.ignore_index], logits.shape[1]
            )


def check_labels(operation: str, labels: np.ndarray, classes: int) -> None:
    """Refuse a label outside 0..classes-1, naming it.

    >>> check_labels("softmax_cross_entropy", np.array([0, 7]), 3)
    Traceback (most recent call last):
    ValueError: softmax_cross_entropy: label 7 is out of range; with 3 classes labels are 0..2
    """
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(
            f"{operation}: label {wrong.flat[0]} is out of range; "
            f"with {classes} classes labels are 0..{classes - 1}"
        )


def softmax_cross_entropy(
    logits: Tensor | Array,
    labels: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The surprise -log p at the true class, where p = softmax(logits) over axis 1.

    Forward, for the logits z of one sample or pixel with label y and class weights w:
    loss = w[y] · (log Σₖ exp(zₖ) - z[y]), computed after subtracting max z, so that nothing
    overflows. Gradient: dL/dzₖ = w[y] · (pₖ - [k = y]) dL/d(loss).

    ====== ======================= ===========================================
    logits (N, K) or (N, K, H, W)  unnormalised scores; more axes work as well
    labels (N,) or (N, H, W)       whole numbers 0..K-1, or ``ignore_index``
    weight (K,)                    optional
    result one number              or the shape of labels with ``reduction="none"``
    ====== ======================= ===========================================

    ``reduction="mean"`` is the weighted mean: it divides by the sum of the weights of all labels
    that count. Where no label counts (all ignored, or none at all), loss and gradient are 0. Logits
    of an ignored label, or of a class with weight 0, have no effect, even if they are infinite or
    NaN. A logit of infinity has all the probability, one of -infinity none.

    ``label_smoothing`` = ε spreads a share ε of each label evenly over all K classes, so that no
    score need grow without end: loss = -(1 - ε) w[y] log p[y] - ε/K Σₖ w[k] log pₖ, with the
    gradient (1 - ε) w[y] (pₖ - [k = y]) + ε/K (pₖ Σⱼ w[j] - w[k]). Then every class has its part in
    each label that counts, and only ignored labels shield from infinite logits. The mean divides by
    the same as without.

    Cost: about five passes over the logits, on a device one; keeps one array of their size.

    Args:
        logits: scores of each class.
        labels: a plain array, not a Tensor.
        weight: how much each class counts, e.g. to balance rare classes.
        ignore_index: label that does not count, such as the border pixels of Pascal VOC.
        reduction: "mean", "sum", or "none".
        label_smoothing: ε, 0 to 1.

    Raises:
        ValueError: shapes do not fit, ε is not in 0..1, or a label is out of range. On a device the
            labels are not checked, because the host would have to wait for them; there such a
            label makes its loss NaN.
        TypeError: labels are not whole numbers.

    Source: Bridle 1990; the fused form with its gradient p - y is standard, e.g. Bishop 2006,
    section 4.3.4. Smoothing: Szegedy et al. 2016, Rethinking the Inception Architecture, section 7.

    >>> loss = softmax_cross_entropy(Tensor([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 1]))
    >>> round(loss.item(), 4)  # the mean of log 2 and 0
    0.3466
    >>> loss = softmax_cross_entropy(Tensor([[0.0, 100.0]]), np.array([1]), label_smoothing=0.1)
    >>> round(loss.item(), 4)  # 0.9 · 0 + 0.05 · (100 + 0)
    5.0
    """
    check_reduction("softmax_cross_entropy", reduction)
    check_constant("softmax_cross_entropy", "labels", labels)
    if weight is not None:
        check_constant("softmax_cross_entropy", "weight", weight)
    ignore_index = as_whole_number("softmax_cross_entropy", "ignore_index", ignore_index)
    smoothing = float(as_number("softmax_cross_entropy", "label_smoothing", label_smoothing))
    if not 0 <= smoothing <= 1:
        raise ValueError(
            f"softmax_cross_entropy: label_smoothing must be in 0..1 but is {label_smoothing}"
        )
    return SoftmaxCrossEntropy(labels, weight, ignore_index, reduction, smoothing)(logits)
