"""From feature maps to vectors."""

from __future__ import annotations

import minicv.functional as F
from minicv.autograd import Tensor
from minicv.nn.module import Module


class Flatten(Module):
    """Joins the axes start_dim..end_dim: (N, C, H, W) -> (N, C·H·W).

    >>> import numpy as np
    >>> Flatten()(Tensor(np.zeros((2, 3, 4, 5)))).shape
    (2, 60)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Tensor) -> Tensor:
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
