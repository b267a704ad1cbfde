"""Losses as modules, by PyTorch's names: ``criterion = CrossEntropyLoss()``.

The functions of `minicv.functional` do the work; a module keeps their options.
"""

from __future__ import annotations

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.functional.loss_reduction import Reduction, check_reduction
from minicv.nn.arguments import as_count, as_option
from minicv.nn.module import Module
from minicv.nn.parameter import Buffer


class _Loss(Module):
    """What all share: how the losses of single elements become one number."""

    def __init__(self, reduction: Reduction) -> None:
        check_reduction(type(self).__name__, reduction)
        self.reduction = reduction

    def extra_repr(self) -> str:
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class CrossEntropyLoss(_Loss):
    """The surprise -log p at the true class, p = softmax(logits); the loss of classifiers.

    See `minicv.functional.softmax_cross_entropy`, also for the shapes: logits (N, K) or
    (N, K, H, W), labels (N,) or (N, H, W), a plain array of whole numbers.

    With ``label_smoothing`` ε the target is no longer 1 at the true class y and 0 elsewhere, but
    1 - ε + ε / K at y and ε / K elsewhere, and no logit is pushed towards infinity:
    loss = (1 - ε) · w[y] · (-log p[y]) + ε / K · Σₖ w[k] · (-log p[k]).

    Args:
        weight: (K,), how much each class counts; a buffer.
        ignore_index: label that does not count.
        reduction: "mean", which divides by the sum of the weights w[y] of the labels that count,
            "sum", or "none".
        label_smoothing: ε, in 0..1.

    Raises:
        ValueError: ``label_smoothing`` is not in 0..1, or the reduction is unknown.

    Source: Bridle 1990; label smoothing: Szegedy et al. 2016, Rethinking the Inception
    Architecture, section 7.

    >>> criterion = CrossEntropyLoss()
    >>> round(criterion(Tensor([[0.0, 0.0], [0.0, 100.0]]), np.array([0, 1])).item(), 4)
    0.3466
    >>> smooth = CrossEntropyLoss(label_smoothing=0.5)
    >>> round(smooth(Tensor([[0.0, 4.0]]), np.array([1])).item(), 4)  # 0.0181 + 0.25 · 4
    1.0181
    """

    def __init__(
        self,
        weight: Array | None = None,
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        name = "CrossEntropyLoss"
        self.weight = _weight_buffer(name, "weight", weight)
        self.ignore_index = as_count(name, "ignore_index", ignore_index, least=None)
        self.label_smoothing = as_option(name, "label_smoothing", label_smoothing)
        if not 0 <= self.label_smoothing <= 1:
            raise ValueError(f"{name}: label_smoothing must be in 0..1 but is {label_smoothing}")

    def forward(self, logits: Tensor, labels: Array) -> Tensor:
        weight = None if self.weight is None else self.weight.data
        options = (weight, self.ignore_index, self.reduction, self.label_smoothing)
        return F.softmax_cross_entropy(logits, labels, *options)

    def extra_repr(self) -> str:
        parts = [super().extra_repr()]
        if self.ignore_index != -100:
            parts.append(f"ignore_index={self.ignore_index}")
        if self.label_smoothing:
            parts.append(f"label_smoothing={self.label_smoothing}")
        return ", ".join(part for part in parts if part)


class MSELoss(_Loss):
    """The squared difference (input - target)²; see `minicv.functional.l2_loss`.

    >>> MSELoss()(Tensor([1.0, 5.0]), Tensor([2.0, 2.0])).item()
    5.0
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor | Array) -> Tensor:
        return F.l2_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """The absolute difference |input - target|; see `minicv.functional.l1_loss`.

    >>> L1Loss()(Tensor([1.0, 5.0]), Tensor([2.0, 2.0])).item()
    2.0
    """

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor | Array) -> Tensor:
        return F.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Squared near 0, absolute from ``beta`` on; see `minicv.functional.smooth_l1`.

    >>> SmoothL1Loss(reduction="none")(Tensor([0.5, 3.0]), Tensor([0.0, 0.0])).data.tolist()
    [0.125, 2.5]
    """

    def __init__(self, *, reduction: Reduction = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = as_option("SmoothL1Loss", "beta", beta)

    def forward(self, input: Tensor, target: Tensor | Array) -> Tensor:
        return F.smooth_l1(input, target, self.beta, self.reduction)

    def extra_repr(self) -> str:
        beta = f"beta={self.beta}"
        return f"{super().extra_repr()}, {beta}" if super().extra_repr() else beta


class BCEWithLogitsLoss(_Loss):
    """Sigmoid and binary cross entropy: a yes-or-no loss for each logit.

    See `minicv.functional.binary_cross_entropy_with_logits`. With ``pos_weight`` q it is
    w (-q t log σ(x) - (1 - t) log(1 - σ(x))) for a logit x and a target t.

    Args:
        weight: how much each element counts; broadcasts to the logits; a buffer.
        reduction: "mean" over all elements, "sum", or "none".
        pos_weight: how much more the positive targets count than the negative ones, e.g.
            negatives / positives where these are rare; broadcasts to the logits; a buffer. Then
            the targets get no gradient.

    >>> criterion = BCEWithLogitsLoss(pos_weight=np.array([3.0]), reduction="none")
    >>> criterion(Tensor([0.0, 0.0]), Tensor([1.0, 0.0])).data.round(3).tolist()  # 3 log 2, log 2
    [2.07..., 0.69...]
    """

    def __init__(
        self,
        weight: Array | None = None,
        *,
        reduction: Reduction = "mean",
        pos_weight: Array | None = None,
    ) -> None:
        super().__init__(reduction)
        self.weight = _weight_buffer("BCEWithLogitsLoss", "weight", weight)
        self.pos_weight = _weight_buffer("BCEWithLogitsLoss", "pos_weight", pos_weight)

    def forward(self, logits: Tensor, targets: Tensor | Array) -> Tensor:
        weight = None if self.weight is None else self.weight.data
        if self.pos_weight is None:
            return F.binary_cross_entropy_with_logits(logits, targets, weight, self.reduction)
        shares = targets.data if isinstance(targets, Tensor) else targets
        xp = xp_of(shares)
        positive, negative = shares * self.pos_weight.data, 1 - shares
        if weight is not None:
            positive, negative = positive * weight, negative * weight
        yes, no = xp.ones_like(shares), xp.zeros_like(shares)
        return F.binary_cross_entropy_with_logits(
            logits, yes, positive, self.reduction
        ) + F.binary_cross_entropy_with_logits(logits, no, negative, self.reduction)


class MulticlassHingeLoss(_Loss):
    """The lecture's SVM loss, Σ over wrong classes of max(0, sⱼ - s[y] + margin).

    See `minicv.functional.multiclass_hinge`. PyTorch's form is `MultiMarginLoss`.

    >>> scores = Tensor([[3.2, 5.1, -1.7]])  # cat, car, frog; it is a cat
    >>> round(MulticlassHingeLoss()(scores, np.array([0])).item(), 4)
    2.9
    """

    def __init__(self, *, margin: float = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = as_option(type(self).__name__, "margin", margin)

    def forward(self, scores: Tensor, labels: Array) -> Tensor:
        return F.multiclass_hinge(scores, labels, self.margin, self.reduction)

    def extra_repr(self) -> str:
        margin = f"margin={self.margin}"
        return f"{super().extra_repr()}, {margin}" if super().extra_repr() else margin


class MultiMarginLoss(MulticlassHingeLoss):
    """`MulticlassHingeLoss` divided by the number of classes K, as PyTorch defines it (p = 1).

    >>> scores = Tensor([[3.2, 5.1, -1.7]])
    >>> round(MultiMarginLoss()(scores, np.array([0])).item(), 4)  # 2.9 / 3
    0.9667
    """

    def forward(self, scores: Tensor, labels: Array) -> Tensor:
        return super().forward(scores, labels) / scores.shape[1]


def _weight_buffer(loss: str, argument: str, weight: Array | None) -> Buffer | None:
    """In float32, as all layers start, so that it widens no logit."""
    if weight is None:
        return None
    if isinstance(weight, Tensor):
        weight = weight.data
    if not hasattr(weight, "dtype"):
        weight = np.asarray(weight)
    if weight.dtype.kind not in "fiub":
        raise TypeError(f"{loss}: {argument} must be an array of numbers but is {weight.dtype}")
    return Buffer(weight.astype("float32"))
