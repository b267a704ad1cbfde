"""What all losses share: from one loss per element to one number, and the gradient's way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from minicv.backend import Array, kept_where, surely_finite, xp_of

Reduction = Literal["mean", "sum", "none"]


def check_reduction(operation: str, reduction: str) -> None:
    """Refuse a reduction that is none of the three.

    >>> check_reduction("l2_loss", "average")
    Traceback (most recent call last):
    ValueError: l2_loss: reduction must be 'mean', 'sum' or 'none' but is 'average'
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{operation}: reduction must be 'mean', 'sum' or 'none' but is {reduction!r}"
        )


def check_same_shape(operation: str, **arrays: Array) -> None:
    """Refuse a target of another shape: broadcasting it would be a silent mistake in a loss.

    >>> import numpy as np
    >>> check_same_shape("l2_loss", input=np.zeros((2, 1)), target=np.zeros(2))
    Traceback (most recent call last):
    ValueError: l2_loss: input and target must have the same shape; input=(2, 1), target=(2,)
    """
    if len({array.shape for array in arrays.values()}) > 1:
        raise ValueError(
            f"{operation}: {' and '.join(arrays)} must have the same shape; "
            + ", ".join([f"{name}={array.shape}" for name, array in arrays.items()])
        )


def difference_of(input: Array, target: Array) -> Array:
    """input - target; 0 where both are the same infinity, whose difference would be NaN.

    >>> import numpy as np
    >>> difference_of(np.array([np.inf, 5.0]), np.array([np.inf, 3.0])).tolist()
    [0.0, 2.0]
    """
    with np.errstate(invalid="ignore"):
        return kept_where(input != target, input - target)


def from_difference(loss_of: Callable[[Array], Array], input: Array, target: Array) -> Array:
    """The loss of `difference_of` input and target; the plain difference does where all is finite.

    >>> import numpy as np
    >>> float(from_difference(np.sum, np.array([np.inf, 5.0]), np.array([np.inf, 3.0])))
    2.0
    """
    if xp_of(input, target) is np:
        with np.errstate(invalid="ignore"):
            loss = loss_of(input - target)
        if surely_finite(loss):  # then so are all differences
            return loss
    return loss_of(difference_of(input, target))


def reduce_losses(losses: Array, reduction: Reduction) -> Array:
    """The mean, the sum, or all of ``losses``. The mean of no losses is 0.

    >>> import numpy as np
    >>> float(reduce_losses(np.array([1.0, 3.0]), "mean"))
    2.0
    >>> float(reduce_losses(np.zeros(0), "mean"))
    0.0
    """
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / max(losses.size, 1) if reduction == "mean" else total


def grad_of_losses(grad: Array, reduction: Reduction, count: int) -> Array:
    """dL/d(each loss), a number or one for each loss, from dL/d(the reduced loss).

    ``count`` is the number of losses.

    >>> import numpy as np
    >>> float(grad_of_losses(np.array(1.0), "mean", count=4))
    0.25
    """
    return grad / max(count, 1) if reduction == "mean" else grad
