"""Logarithm of softmax: scores to log probabilities."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array, kept_where, xp_of
from minicv.backend.scores import below_the_largest
from minicv.functional.dims import normalized_dim


class LogSoftmax(Function):
    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        self.axis = normalized_dim("log_softmax", self.dim, x.ndim)
        self.y = x
        if x.shape[self.axis] > 0:  # an empty array has no maximum
            xp = xp_of(x)
            self.y = below_the_largest(x, self.axis)
            self.y -= xp.log(xp.exp(self.y).sum(axis=self.axis, keepdims=True))
        return self.y

    def backward(self, grad: Array) -> Array:
        xp = xp_of(self.y)
        probability = xp.exp(self.y)
        # A score of minus infinity gets the gradient of its own logarithm alone.
        grad_x = kept_where(probability != 0, grad.sum(axis=self.axis, keepdims=True))
        grad_x *= probability
        return xp.subtract(grad, grad_x, out=grad_x)


def log_softmax(x: Tensor | Array, dim: int) -> Tensor:
    """log(softmax(x)) along ``dim``, also where the probability is too small for its dtype.

    Forward: y_k = x_k - m - log Σ_j exp(x_j - m) with m = max_j x_j. Gradient:
    dL/dx_k = dL/dy_k - exp(y_k) Σ_j dL/dy_j.

    Shapes: any x with an axis ``dim``; y has the shape of x. An empty input gives an empty result.
    A score of -infinity gives -infinity, and the gradient stays finite; so scores may be masked. A
    score of +infinity gives 0 and all finite ones -infinity. Where all are -infinity there is no
    distribution, and the result is NaN. Cost: three passes over x and one exp per element in each
    direction; keeps y.

    Raises:
        IndexError: x has no axis ``dim``.
        TypeError: ``dim`` is not one whole number.

    Source: Goodfellow, Bengio & Courville 2016, Deep Learning, section 4.1.

    >>> log_softmax(Tensor([[0.0, -1000.0]]), dim=1).data.tolist()
    [[0.0, -1000.0]]
    """
    return LogSoftmax(dim)(x)
