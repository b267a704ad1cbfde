"""Random arrays for one convolution, and its three kernels in float32 against the exact path."""

import numpy as np
from hypothesis import strategies as st

from minicv.backend.convolution_layer import Epilogue, Layer
from minicv.backend.cpu import conv2d_forward, conv2d_grad_input, conv2d_grad_weight
from minicv.backend.cpu.convolution import choose_algorithm
from minicv.testing import strategies


class Case:
    """One convolution: shapes, options, and float64 arrays with grad for dL/dy."""

    def __init__(
        self, x_shape, weight_shape, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1
    ):
        self.options = (stride, padding, dilation, groups)
        self.layer = Layer.of(np.dtype(np.float32), x_shape, weight_shape, *self.options)
        self.y_shape = self.layer.y_shape
        rng = np.random.default_rng(0)
        self.x, self.weight = rng.normal(size=x_shape), rng.normal(size=weight_shape)
        self.grad = rng.normal(size=self.y_shape)

    def algorithm(self, dtype="float32", direction="forward"):
        return choose_algorithm(self.layer._replace(dtype=np.dtype(dtype)), direction)

    def run(self, dtype):
        """y, dL/dx, dL/dweight."""
        x, weight, grad = (a.astype(dtype) for a in (self.x, self.weight, self.grad))
        return (
            conv2d_forward(x, weight, None, *self.options),
            conv2d_grad_input(grad, weight, x.shape, *self.options),
            conv2d_grad_weight(grad, x, weight.shape, *self.options),
        )

    def errors(self):
        """Relative L2 error of the three in float32, against float64."""
        pairs = zip(self.run(np.float32), self.run(np.float64), strict=True)
        errors = []
        for fast, exact in pairs:
            assert fast.dtype == np.float32 and fast.shape == exact.shape
            errors.append(float(np.linalg.norm(fast - exact) / np.linalg.norm(exact)))
        return errors

    def epilogue(self, scale, shortcut, ceiling):
        """With numbers of this case's result, each step if it is wanted."""
        rng, o = np.random.default_rng(1), self.y_shape[1]
        return Epilogue(
            rng.normal(size=o) if scale else None,
            rng.normal(size=o) if scale else None,
            rng.normal(size=self.y_shape) if shortcut else None,
            ceiling,
        )


@st.composite
def strided_cases(draw):
    """Kernels, strides and padding of any size, square or not."""
    n, c, o = (draw(st.integers(1, 3)) for _ in range(3))
    kernel, stride = ([draw(st.integers(1, 7)) for _ in range(2)] for _ in range(2))
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    extra = draw(strategies.distinct_sizes(2, low=0, high=9))
    size = (max(1, k - 2 * p + e) for k, p, e in zip(kernel, padding, extra, strict=True))
    return Case((n, c, *size), (o, c, *kernel), stride=tuple(stride), padding=padding)
