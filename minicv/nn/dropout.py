"""Dropout as a layer."""

from __future__ import annotations

import numpy as np

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.nn.arguments import as_option
from minicv.nn.initializers import require_rng
from minicv.nn.module import Module


class Dropout(Module):
    """In training sets each element to 0 with probability p; see `minicv.functional.dropout`.

    Args:
        p: probability of dropping.
        rng: draws the masks, a new one at each call.

    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer.eval()(Tensor([1.0, 2.0])).data.tolist()
    [1.0, 2.0]
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        p = as_option("Dropout", "p", p)
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be a probability in 0..1 but is {p}")
        self.p = p
        self.rng = require_rng("Dropout", rng)

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"
