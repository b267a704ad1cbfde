"""The fully connected layer."""

from __future__ import annotations

import math

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.nn.arguments import as_count
from minicv.nn.initializers import he_uniform, require_rng, uniform
from minicv.nn.module import Module
from minicv.nn.parameter import Parameter


class Linear(Module):
    """y = x Wᵀ + b: (N, in_features) -> (N, out_features).

    weight is (out_features, in_features), bias (out_features,) or None. Both start uniform within
    ±1 / √in_features.

    Args:
        in_features: length of each input.
        out_features: length of each output.
        bias: whether to add a bias.
        rng: draws the first weights.

    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    >>> layer(Tensor(np.ones((5, 3), dtype=np.float32))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = require_rng("Linear", rng)
        in_features = self.in_features = as_count("Linear", "in_features", in_features, least=0)
        out_features = self.out_features = as_count("Linear", "out_features", out_features, least=0)
        shape = (out_features, in_features)
        self.weight = Parameter(he_uniform(shape, rng, negative_slope=math.sqrt(5)))
        bound = 1 / math.sqrt(max(in_features, 1))
        self.bias = Parameter(uniform((out_features,), rng, -bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )
