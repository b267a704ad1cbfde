"""The elementary operations are plain array mathematics: they run on device arrays as they are.

The device is a strict stand-in for CuPy, and CuPy. Only the gradient of rows needs a kernel.
"""

import numpy as np
import pytest
from cuda_kernels import cupy, needs_compiler

from minicv import Tensor
from minicv import functional as F

X = np.random.default_rng(0).normal(size=(3, 4)) + 0.1
MASK = X > 0

OPERATIONS = {
    "add": lambda x, xp: x + x[0] * 2,
    "divide": lambda x, xp: (x - 3) / (4 - x),
    "power": lambda x, xp: x**2 + F.abs(x) ** F.sigmoid(x),
    "exp": lambda x, xp: F.exp(x),
    "log": lambda x, xp: F.log(F.abs(x)),
    "sqrt": lambda x, xp: F.sqrt(F.abs(x)),
    "maximum": lambda x, xp: F.maximum(x, 0.3) + F.minimum(x, x * 2),
    "clip": lambda x, xp: F.clip(x, -0.5, 0.5) + F.clip(x, min=0) + F.clip(x, max=0),
    "where": lambda x, xp: F.where(xp.asarray(MASK), x, x * x),
    "sum": lambda x, xp: x.sum(dim=1) + x.sum(),
    "mean": lambda x, xp: x.mean(dim=0, keepdim=True) + x.mean(),
    "max": lambda x, xp: x.max(dim=0) + x.max(),
    "reshape": lambda x, xp: x.reshape(2, 6).flatten() * 2,
    "permute": lambda x, xp: x.permute(1, 0) + x.reshape(4, 3).transpose(0, 1).reshape(4, 3),
    "concatenate": lambda x, xp: F.concatenate([x, x * x], dim=1),
    "stack": lambda x, xp: F.stack([x, x * x], dim=1),
    "slices": lambda x, xp: x[1:, ::2] * x[0, 1],
    "mask": lambda x, xp: x[xp.asarray(MASK)],
    "pad": lambda x, xp: F.pad(x, (1, 2), value=3),
    "matmul": lambda x, xp: x.transpose(0, 1) @ x,
    "linear": lambda x, xp: F.linear(x, x, x[:, 0]),
    "relu": lambda x, xp: x.relu() + F.relu6(8 * x) + F.leaky_relu(x, 0.2),
    "sigmoid": lambda x, xp: F.sigmoid(x) * F.tanh(x),
    "softmax": lambda x, xp: F.softmax(x, 1) + F.log_softmax(x, 0),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_same_values_and_gradients_as_on_the_host(operation):
    on_host, on_device = Tensor(X, requires_grad=True), Tensor(cupy.asarray(X), requires_grad=True)
    expected, result = operation(on_host, np), operation(on_device, cupy)
    assert isinstance(result.data, cupy.ndarray)
    np.testing.assert_allclose(result.data.get(), expected.data, rtol=1e-12)

    grad = np.random.default_rng(1).normal(size=expected.shape)
    expected.backward(grad)
    result.backward(cupy.asarray(grad))
    assert isinstance(on_device.grad, cupy.ndarray)
    np.testing.assert_allclose(on_device.grad.get(), on_host.grad, rtol=1e-12, atol=1e-14)


@needs_compiler
@pytest.mark.parametrize("rows", [[2, 0], [1, 1], [-1, 2, 0, 2]])
def test_rows_get_their_gradients_by_a_kernel_and_nobody_asks_whether_one_comes_twice(rows):
    x = Tensor(cupy.asarray(X), requires_grad=True)
    with cupy.recorded_synchronisations() as reasons:
        x[cupy.asarray(rows)].sum().backward()
    assert reasons == []
    expected = np.zeros_like(X)
    np.add.at(expected, rows, 1)
    assert np.array_equal(x.grad.get(), expected)
