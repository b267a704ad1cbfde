"""Adam: steps scaled by the recent size of each gradient; AdamW, its decay apart from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicv.autograd import Tensor
from minicv.backend import Array, kernels_of, xp_of
from minicv.optim.optimizer import Group, Optimizer
from minicv.optim.options import as_number


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps), with running means m of the gradient and v of its square.

    For each parameter p with gradient g, at its t-th step from t = 1:

    - weight decay: g ← g + weight_decay · p
    - m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g²
    - m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ), since both start at 0

    Args:
        params: Parameters, or groups of them with options of their own.
        lr: learning rate; about the length of a step in each coordinate.
        betas: β₁ and β₂.
        eps: keeps the quotient finite.
        weight_decay: strength of the pull towards 0, as part of g.

    Raises:
        ValueError: an option is negative or not finite, or a β is not in 0..1 (1 excluded).
        TypeError: an option is no number, or ``params`` are no parameters.

    A gradient whose square is too large for the dtype counts as the root of the largest number: an
    infinite v would stop the parameter for ever.

    Source: Kingma & Ba, Adam, 2015, algorithm 1.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4).tolist()  # the first step has length lr, whatever the gradient
    [0.75]
    """

    remembered = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )
        owner = type(self).__name__
        for group in self.param_groups:
            for name in ("eps", "weight_decay"):
                group[name] = as_number(owner, name, group[name], least=0)
            both = group["betas"]
            if not isinstance(both, (tuple, list)) or len(both) != 2:
                raise TypeError(f"{owner}: betas must be two numbers, (β₁, β₂), but is {both!r}")
            group["betas"] = tuple(as_number(owner, "betas", beta) for beta in both)
            if not all(0 <= beta < 1 for beta in group["betas"]):
                raise ValueError(f"{owner}: betas must be in 0..1, 1 excluded, but are {both}")

    def prepare(self, state: dict[str, Any], group: Group, data: Array) -> int:
        if not state:
            xp = xp_of(data)
            state["step"] = 0
            state["exp_avg"] = xp.zeros_like(data)
            state["exp_avg_sq"] = xp.zeros_like(data)
        state["step"] += 1
        return state["step"]

    def update(
        self, data: Array, grad: Array, moments: dict[str, Array], group: Group, past: int
    ) -> None:
        step = past
        kernels_of(data).adam_step(
            data,
            grad,
            moments["exp_avg"],
            moments["exp_avg_sq"],
            group["lr"],
            group["betas"],
            group["eps"],
            group["weight_decay"],
            step,
        )


class AdamW(Adam):
    """`Adam` with decoupled weight decay: p ← (1 - lr · weight_decay) p, then a step of Adam.

    In `Adam` the decay is part of the gradient, and so it is divided by the usual size of the
    gradient: the weights that have the largest gradients decay the least. Here all weights decay by
    the same share.

    Args:
        params: Parameters, or groups of them with options of their own.
        lr: learning rate.
        betas: β₁ and β₂.
        eps: keeps the quotient finite.
        weight_decay: the share that goes at each step, divided by ``lr``.

    Raises:
        ValueError: an option is negative or not finite, or a β is not in 0..1 (1 excluded).
        TypeError: an option is no number, or ``params`` are no parameters.

    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2, where the
    decay is multiplied by the learning rate, as in PyTorch.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> optimizer = AdamW([p], lr=0.25, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.data.round(4).tolist()  # (1 - 0.25 · 0.5) · 1, less a first step of length lr
    [0.625]
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(
        self, data: Array, grad: Array, moments: dict[str, Array], group: Group, past: int
    ) -> None:
        data *= 1 - group["lr"] * group["weight_decay"]
        super().update(data, grad, moments, {**group, "weight_decay": 0.0}, past)
