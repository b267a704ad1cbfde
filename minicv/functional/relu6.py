"""Rectified linear unit that saturates at six."""

from __future__ import annotations

from minicv.autograd import Function, Tensor
from minicv.backend import Array
from minicv.backend.clipping import clipped, kept_inside


class Relu6(Function):
    keeps_float16 = True

    def forward(self, x: Array) -> Array:
        self.y = clipped(x, 6.0)
        return self.y

    def backward(self, grad: Array) -> Array:
        return kept_inside(self.y, 6.0, grad)


def relu6(x: Tensor | Array) -> Tensor:
    """min(max(x, 0), 6), element by element.

    Forward: y = x clipped to 0..6. Gradient: dL/dx = dL/dy where 0 < x < 6, else 0.

    Shapes: any; y has the shape of x. Kinks: the gradient at x = 0 and at x = 6 is 0. NaN stays
    NaN. An empty input gives an empty result. Cost: one pass over x; keeps y.

    Source: Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10; Sandler et al. 2018,
    MobileNetV2, section 3.

    >>> x = Tensor([-1.0, 2.0, 6.0, 8.0], requires_grad=True)
    >>> y = relu6(x)
    >>> y.data.tolist()
    [0.0, 2.0, 6.0, 6.0]
    >>> y.sum().backward()
    >>> x.grad.tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    return Relu6()(x)
