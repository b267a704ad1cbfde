"""Softmax: scores to probabilities."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, xp_of
from minicv.functional.dims import normalized_dims


class Softmax(Function):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        (self.axis,) = normalized_dims("softmax", self.dim, x.ndim)
        self.y = x
        if x.shape[self.axis] > 0:  # an empty array has no maximum
            xp = xp_of(x)
            self.y = x - x.max(axis=self.axis, keepdims=True)
            xp.exp(self.y, out=self.y)
            self.y /= self.y.sum(axis=self.axis, keepdims=True)
        return self.y

    def backward(self, grad: Array) -> Array:
        grad_x = grad * self.y
        grad_x -= self.y * grad_x.sum(axis=self.axis, keepdims=True)
        return grad_x


def softmax(x: Tensor | Array, dim: int) -> Tensor:
    """exp(x), scaled to sum to one along ``dim``: scores to probabilities.

    Forward: y_k = exp(x_k - m) / Σ_j exp(x_j - m) with m = max_j x_j. The shift by m changes
    nothing but keeps exp from overflowing. Gradient: dL/dx_k = y_k (dL/dy_k - Σ_j dL/dy_j y_j).

    Shapes: any x with an axis ``dim``; y has the shape of x. For class scores (N, K) dim is 1, and
    for scores of every pixel (N, K, H, W) it is 1 too. An empty input gives an empty result. A
    score of -infinity has probability 0; if all are, or one is +infinity, the result is NaN with
    NumPy's warning. Cost: three passes over x and one exp per element; keeps y.

    Raises:
        IndexError: x has no axis ``dim``.

    Source: Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network
    Outputs; the shift: Goodfellow, Bengio & Courville 2016, Deep Learning, section 4.1.

    >>> softmax(Tensor([[0.0, 0.0], [1000.0, 0.0]]), dim=1).data.tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    return Softmax(dim)(x)
