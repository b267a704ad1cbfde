"""Activation functions as layers, for use in `Sequential`."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.nn.arguments import as_count, as_option
from minicv.nn.module import Module
from minicv.nn.parameter import Parameter


class ReLU(Module):
    """max(x, 0).

    >>> ReLU()(Tensor([-1.0, 2.0])).data.tolist()
    [0.0, 2.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6).

    >>> ReLU6()(Tensor([-1.0, 2.0, 9.0])).data.tolist()
    [0.0, 2.0, 6.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x)


class LeakyReLU(Module):
    """x where it is positive, negative_slope · x elsewhere.

    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0])).data.tolist()
    [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = as_option("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """x where it is positive, weight · x elsewhere, with a slope that is learned.

    The parameter weight is (num_parameters,) and starts as ``init``. Weight decay would pull the
    slope to 0, towards a plain ReLU; leave it out for this parameter, as the paper does.

    Args:
        num_parameters: 1, one slope for all, or the number of channels of x, a slope for each.
        init: the first slope.

    Source: He et al. 2015, Delving Deep into Rectifiers, section 2.1.

    >>> layer = PReLU(init=0.5)
    >>> layer(Tensor([-1.0, 2.0])).data.tolist()
    [-0.5, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = as_count("PReLU", "num_parameters", num_parameters)
        init = as_option("PReLU", "init", init)
        self.weight = Parameter(np.full(self.num_parameters, init, dtype=np.float32))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """x where it is positive, alpha · (exp(x) - 1) elsewhere; see `minicv.functional.elu`.

    >>> ELU()(Tensor([-1000.0, 2.0])).data.tolist()
    [-1.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = as_option("ELU", "alpha", alpha)
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"ELU: alpha must be a finite number of at least 0 but is {alpha}")

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class GELU(Module):
    """x Φ(x), with Φ the distribution of normal numbers; see `minicv.functional.gelu`.

    Args:
        approximate: "none", or "tanh" for the formula with tanh.

    >>> GELU()(Tensor([-100.0, 0.0, 100.0])).data.tolist()
    [-0.0, 0.0, 100.0]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh' but is {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x / (1 + exp(-x)), also called swish.

    >>> SiLU()(Tensor([-1000.0, 0.0, 1000.0])).data.tolist()
    [-0.0, 0.0, 1000.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)).

    >>> Sigmoid()(Tensor([0.0])).data.tolist()
    [0.5]
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class Tanh(Module):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    >>> Tanh()(Tensor([0.0])).data.tolist()
    [0.0]
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)
