"""RMSprop: steps divided by the root of the gradient's mean square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array, xp_of
from minicv.optim.optimizer import Group, Optimizer
from minicv.optim.options import as_number


class RMSprop(Optimizer):
    """p ← p - lr · g / (√v + eps), with a running mean v of the gradient's square.

    For each parameter p with gradient g, as PyTorch defines it:

    - weight decay: g ← g + weight_decay · p
    - v ← α v + (1 - α) g², from 0
    - ``centered``: a ← α a + (1 - α) g, from 0, and v - a², the variance, in the place of v
    - momentum μ: b ← μ b + g / (√v + eps), from 0, and p ← p - lr · b

    v starts at 0 and is not corrected for that, so the first steps are long: the very first has
    length lr / √(1 - α), ten times lr by default.

    Args:
        params: Parameters, or groups of them with options of their own.
        lr: learning rate.
        alpha: α, how much of the past v keeps.
        eps: keeps the quotient finite.
        weight_decay: strength of the pull towards 0, as part of g.
        momentum: μ; 0 keeps no b.
        centered: divide by the standard deviation of the gradient, not by its size. A gradient that
            never changes has none, and then only eps limits the step.

    Raises:
        ValueError: an option is negative or not finite, or α is not in 0..1.
        TypeError: an option is no number, or ``params`` are no parameters.

    A gradient whose square is too large for the dtype counts as about the root of the largest
    number: an infinite v would stop the parameter for ever.

    Source: Tieleman & Hinton 2012, lecture 6.5 of Neural Networks for Machine Learning; centered:
    Graves 2013, Generating Sequences With Recurrent Neural Networks, equations 38 to 45.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = RMSprop([p], lr=0.25, alpha=0.75)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4).tolist()  # v = 0.25 · 2², and 1 - 0.25 · 2 / √v
    [0.5]
    """

    remembered = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
        }
        super().__init__(params, options)
        for group in self.param_groups:
            for name in ("alpha", "eps", "weight_decay", "momentum"):
                group[name] = as_number("RMSprop", name, group[name], least=0)
            if group["alpha"] > 1:
                raise ValueError(f"RMSprop: alpha must be in 0..1 but is {group['alpha']}")

    def remembers(self, group: Group) -> tuple[str, ...]:
        needed = {"grad_avg": group["centered"], "momentum_buffer": group["momentum"]}
        return tuple(name for name in self.remembered if needed.get(name, True))

    def prepare(self, state: dict[str, Any], group: Group, data: Array) -> None:
        for name in self.remembers(group):
            if name not in state:
                state[name] = xp_of(data).zeros_like(data)

    def update(
        self, data: Array, grad: Array, moments: dict[str, Array], group: Group, past: None
    ) -> None:
        xp = xp_of(data)
        alpha = group["alpha"]
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * data
        grad, square = _with_square(grad)
        mean_square = moments["square_avg"]
        mean_square *= alpha
        mean_square += (1 - alpha) * square
        size = mean_square
        if group["centered"]:
            mean = moments["grad_avg"]
            mean *= alpha
            mean += (1 - alpha) * grad
            size = xp.maximum(mean_square - mean * mean, 0)  # rounding could make it negative
        step = grad / (xp.sqrt(size) + group["eps"])
        if group["momentum"]:
            velocity = moments["momentum_buffer"]
            velocity *= group["momentum"]
            velocity += step
            step = velocity
        data -= group["lr"] * step


def _with_square(grad: Array) -> tuple[Array, Array]:
    """The gradient and its square, limited so that the square is finite where the gradient is."""
    xp = xp_of(grad)
    if xp is np:
        try:
            with np.errstate(over="raise"):
                return grad, grad * grad
        except FloatingPointError:
            pass
    root = math.sqrt(float(np.finfo(grad.dtype).max) / 2)
    limited = xp.where(xp.isinf(grad), grad, xp.clip(grad, -root, root))
    return limited, limited * limited
