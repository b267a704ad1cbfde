"""Dropout: switch activations off at random while training."""

from __future__ import annotations

import numpy as np

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kernels_of
from minicv.functional.arguments import as_number


class Dropout(Function):
    def __init__(self, p: float, rng: np.random.Generator) -> None:
        self.p = p
        self.rng = rng

    def forward(self, x: Array) -> Array:
        y, self.saved = kernels_of(x).dropout_forward(x, self.p, self.rng)
        return y

    def backward(self, grad: Array) -> Array:
        return kernels_of(grad).dropout_backward(grad, self.saved, self.p)


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
    zeros. What is dropped is 0 even where x, or dL/dy for the gradient, is infinite or NaN.
    Shapes: y as x, which may be empty. Cost: one random number per element; keeps the mask.

    The same ``rng`` drops the same elements again on the same kind of device. On the CPU it draws a
    number for every element. On a CUDA device it draws one seed for all; the number of an element
    is computed there from the seed and the element's place (Philox 4x32-10), and computed again for
    the gradient, so that no mask is kept. The same seed therefore drops different elements on the
    CPU and on a CUDA device.

    Args:
        x: activations.
        p: probability of dropping, in 0..1.
        training: whether to drop at all.
        rng: draws the mask; needed in training.

    Raises:
        ValueError: p is outside 0..1.
        TypeError: ``rng`` is missing in training, or p is no number.

    Source: Srivastava 2014, Dropout; Krizhevsky 2012, section 4.2 (which scales at test time).

    >>> y = dropout(Tensor([1.0] * 6), p=0.5, rng=np.random.default_rng(0))
    >>> y.data.tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    """
    p = as_number("dropout", "p", p)
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
