"""Gradient clipping: gradients that are too long are shortened before the step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.optim.joined import Joined
from minicv.optim.options import as_list, check_parameter

SMALLEST_SQUARE = 1e-25  # of a norm; below, single squares may have vanished in float32


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Shrink all gradients by one factor so that together they are at most ``max_norm`` long.

    The direction stays. The length is √(Σ g²) over all elements of all gradients; parameters
    without a gradient do not count. When the length is infinite or NaN, no gradient is changed;
    the caller sees the returned value and can say where it came from.

    Args:
        params: Parameters; their ``.grad`` is changed in place. On a device it becomes a view of
            one array that holds all gradients, which the optimizer's step takes as it is.
        max_norm: the length allowed.

    Returns:
        The length before clipping.

    The squares may be too large or too small for the dtype of the gradients; the length is right
    all the same.

    Raises:
        ValueError: ``max_norm`` is not positive.
        TypeError: ``params`` holds something else than parameters.

    Source: Pascanu 2013, On the difficulty of training recurrent neural networks, section 3.2.

    >>> import numpy as np
    >>> p = Tensor([0.0, 0.0], requires_grad=True)
    >>> p.grad = np.array([3.0, 4.0], dtype=np.float32)
    >>> clip_grad_norm([p], max_norm=1.0), p.grad.round(3).tolist()
    (5.0, [0.6..., 0.8...])
    """
    max_norm = _positive("clip_grad_norm", "max_norm", max_norm)
    grads = _joined_on_a_device(_parameters("clip_grad_norm", params))
    # Summed on the device of the gradients, so that only one number comes to the host.
    with np.errstate(over="ignore"):
        square = float(sum(xp_of(a).vdot(a, a) for a in grads))
    if not SMALLEST_SQUARE < square < math.inf:
        return _clip_extreme(grads, max_norm)
    norm = math.sqrt(square)
    if norm > max_norm:
        for grad in grads:
            grad *= max_norm / norm
    return norm


def clip_grad_value(params: Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to ±``clip_value``, in place.

    Raises:
        ValueError: ``clip_value`` is not positive.

    >>> import numpy as np
    >>> p = Tensor([0.0, 0.0], requires_grad=True)
    >>> p.grad = np.array([3.0, -0.5], dtype=np.float32)
    >>> clip_grad_value([p], clip_value=1.0)
    >>> p.grad.tolist()
    [1.0, -0.5]
    """
    clip_value = _positive("clip_grad_value", "clip_value", clip_value)
    for parameter in _parameters("clip_grad_value", params):
        grad = parameter.grad
        xp_of(grad).clip(grad, -clip_value, clip_value, out=grad)


def _clip_extreme(grads: list[Array], max_norm: float) -> float:
    """`clip_grad_norm` where squares overflow or vanish: divide by the greatest element first."""
    greatest = max((float(abs(grad).max()) for grad in grads if grad.size), default=0.0)
    if greatest == 0 or not math.isfinite(greatest):
        return _not_finite(grads) if greatest else 0.0
    scaled = [grad.astype(np.float64) / greatest for grad in grads]
    length = math.sqrt(sum(float(xp_of(a).vdot(a, a)) for a in scaled))
    if greatest * length > max_norm:
        for grad in grads:
            grad /= greatest
            grad *= max_norm / length
    return greatest * length


def _not_finite(grads: list[Array]) -> float:
    """NaN if any element is NaN, else infinity."""
    return math.nan if any(bool(xp_of(grad).isnan(grad).any()) for grad in grads) else math.inf


def _parameters(operation: str, params: Any) -> list[Tensor]:
    """Those that have a gradient."""
    parameters = [params] if isinstance(params, Tensor) else as_list(operation, params)
    for parameter in parameters:
        check_parameter(operation, parameter)
    return [parameter for parameter in parameters if parameter.grad is not None]


def _positive(operation: str, option: str, value: Any) -> float:
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{operation}: {option} must be a number but is {value!r}")
    if not number > 0:
        raise ValueError(f"{operation}: {option} must be positive but is {value}")
    return number


def _joined_on_a_device(parameters: list[Tensor]) -> list[Array]:
    """The gradients, on a device joined to few arrays, because each array costs a kernel."""
    grads: list[Array] = [p.grad for p in parameters if isinstance(p.grad, np.ndarray)]
    by_dtype: dict[np.dtype, list[Tensor]] = {}
    for parameter in parameters:
        grad: Array = parameter.grad
        if not isinstance(grad, np.ndarray):
            by_dtype.setdefault(grad.dtype, []).append(parameter)
    for alike in by_dtype.values():
        joined = Joined([parameter.grad for parameter in alike])
        for parameter, part in zip(alike, joined.parts, strict=True):
            parameter.grad = part
        grads.append(joined.whole)
    return grads
