"""Dropout: switch activations off at random while training."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of


class Dropout(Function):
    def __init__(self, p: float, rng: np.random.Generator) -> None:
        self.p = p
        self.rng = rng

    def forward(self, x: Array) -> Array:
        xp = xp_of(x)
        # Drawn on the host, so that every device drops the same activations.
        kept = xp.asarray(self.rng.random(x.shape, dtype=np.float32) >= self.p)
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        self.mask = kept.astype(x.real.dtype) * scale
        return x * self.mask

    def backward(self, grad: Array) -> Array:
        return grad * self.mask


def dropout(
    x: Tensor | Array,
    p: float = 0.5,
    training: bool = True,
    *,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Set each element to 0 with probability p, and divide the others by 1 - p.

    Forward: y = x · mask / (1 - p), where the mask is 0 with probability p and 1 else. So the
    expected value of y is x, and evaluation needs no factor ("inverted" dropout). Gradient:
    dL/dx = mask / (1 - p) · dL/dy, with the same mask.

    Without training, or with p = 0, the result is x itself and ``rng`` is not touched. p = 1 gives
    zeros. Shapes: y as x, which may be empty. Cost: one random number per element; keeps the mask.

    Args:
        x: activations.
        p: probability of dropping, in 0..1.
        training: whether to drop at all.
        rng: draws the mask; needed in training.

    Raises:
        ValueError: p is outside 0..1.
        TypeError: ``rng`` is missing in training.

    Source: Srivastava 2014, Dropout; Krizhevsky 2012, section 4.2 (which scales at test time).

    >>> y = dropout(Tensor([1.0] * 6), p=0.5, rng=np.random.default_rng(0))
    >>> y.data.tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be a probability in 0..1 but is {p}")
    if not training or p == 0:
        return x if isinstance(x, Tensor) else Tensor(x)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "dropout: rng must be a numpy.random.Generator in training but is "
            f"{type(rng).__name__}; pass e.g. rng=numpy.random.default_rng(seed)"
        )
    return Dropout(p, rng)(x)
