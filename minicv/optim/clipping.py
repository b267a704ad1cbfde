"""Gradient clipping: one bad batch must not throw the weights away."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.optim.joined import join


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Shrink all gradients by one factor so that together they are at most ``max_norm`` long.

    The direction stays. The length is √(Σ g²) over all elements of all gradients; parameters
    without a gradient do not count. When it is infinite or NaN, nothing is changed, so that the
    caller, who sees the value returned, can say where it came from.

    Args:
        params: Parameters; their ``.grad`` is changed in place.
        max_norm: the length allowed.

    Returns:
        The length before clipping.

    Raises:
        ValueError: ``max_norm`` is not positive.

    Source: Pascanu 2013, On the difficulty of training recurrent neural networks, section 3.2.

    >>> import numpy as np
    >>> p = Tensor([0.0, 0.0], requires_grad=True)
    >>> p.grad = np.array([3.0, 4.0], dtype=np.float32)
    >>> clip_grad_norm([p], max_norm=1.0), p.grad.round(3).tolist()
    (5.0, [0.6..., 0.8...])
    """
    if not max_norm > 0:
        raise ValueError(f"clip_grad_norm: max_norm must be positive but is {max_norm}")
    grads = [parameter.grad for parameter in params if parameter.grad is not None]
    # Summed where the gradients live: a device is asked for one number only.
    norm = math.sqrt(float(sum(xp_of(a).vdot(a, a) for a in _joined_on_a_device(grads))))
    if norm > max_norm and math.isfinite(norm):
        for grad in grads:
            grad *= max_norm / norm
    return norm


def _joined_on_a_device(grads: list[Array]) -> list[Array]:
    """The same numbers in few arrays, where each costs a kernel; on the host as they are."""
    arrays = [grad for grad in grads if isinstance(grad, np.ndarray)]
    by_dtype: dict[np.dtype, list[Array]] = {}
    for grad in grads:
        if not isinstance(grad, np.ndarray):
            by_dtype.setdefault(grad.dtype, []).append(grad)
    return arrays + [join(alike) for alike in by_dtype.values()]


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
    if not clip_value > 0:
        raise ValueError(f"clip_grad_value: clip_value must be positive but is {clip_value}")
    for parameter in params:
        if parameter.grad is not None:
            xp = xp_of(parameter.grad)
            xp.clip(parameter.grad, -clip_value, clip_value, out=parameter.grad)
