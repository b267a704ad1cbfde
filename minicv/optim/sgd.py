"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicv.autograd import Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.optim.optimizer import Group, Optimizer
from minicv.optim.options import as_number


class SGD(Optimizer):
    """p ← p - lr · v, where the velocity v gathers gradients.

    For each parameter p with gradient g, as PyTorch defines it:

    - weight decay: g ← g + weight_decay · p
    - momentum μ: v ← μ v + (1 - dampening) g, and v = g the first time
    - p ← p - lr · v, or with ``nesterov`` p ← p - lr · (g + μ v)

    The learning rate multiplies v when it is used, not when it is gathered; so a change of rate
    acts at once.

    Args:
        params: Parameters, or groups of them with options of their own.
        lr: learning rate; must be given.
        momentum: μ; 0 keeps no velocity.
        dampening: share of each gradient left out of v.
        weight_decay: strength of the pull towards 0.
        nesterov: look ahead along v.

    Raises:
        ValueError: an option is negative or not finite, or ``nesterov`` without momentum or with
            dampening.
        TypeError: ``lr`` is missing, an option is no number, or ``params`` are no parameters.

    Source: Sutskever 2013, On the importance of initialization and momentum (with lr moved as
    above).

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.tolist()  # 1 - 0.5 · 2
    [0.0]
    """

    remembered = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float | None = None,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
        }
        super().__init__(params, options)
        for group in self.param_groups:
            for name in ("momentum", "weight_decay"):
                group[name] = as_number("SGD", name, group[name], least=0)
            group["dampening"] = as_number("SGD", "dampening", group["dampening"])
            if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
                raise ValueError("SGD: nesterov needs a momentum above 0 and a dampening of 0")

    def prepare(self, state: dict[str, Any], group: Group, data: Array) -> bool:
        first_time = "momentum_buffer" not in state
        if group["momentum"] and first_time:
            state["momentum_buffer"] = xp_of(data).zeros_like(data)
        return first_time

    def update(
        self, data: Array, grad: Array, moments: dict[str, Array], group: Group, past: bool
    ) -> None:
        first_time = past
        kernels_of(data).sgd_step(
            data,
            grad,
            moments["momentum_buffer"] if group["momentum"] else None,
            group["lr"],
            group["momentum"],
            0.0 if first_time else group["dampening"],  # v = g, for v was 0
            group["weight_decay"],
            group["nesterov"],
        )
