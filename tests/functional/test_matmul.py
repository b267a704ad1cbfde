"""matmul: twin, adjoint, vectors, batches that broadcast, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv import functional as F
from minicv.testing import adjoint_check, strategies


@given(strategies.distinct_sizes(3, low=0), strategies.shapes(0, 2, 3, allow_empty=True), st.data())
def test_equals_the_loops(sizes, batch, data):
    rows, inner, columns = sizes
    x = data.draw(strategies.arrays((*batch, rows, inner)))
    y = data.draw(strategies.arrays((*batch, inner, columns)))
    product = F.matmul(data.draw(strategies.layouts(x)), data.draw(strategies.layouts(y))).data
    np.testing.assert_allclose(product, reference.matmul(x, y), atol=1e-12)


SHAPES = [
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((6, 5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((3,), (5, 3, 4)),
    ((3,), (6, 5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((2, 0), (0, 4)),
    ((0, 3), (3, 4)),
    ((0, 2, 3), (3, 4)),
]


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_backward_is_the_transpose_in_x_and_in_y(x_shape, y_shape):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=x_shape), rng.normal(size=y_shape)
    np.testing.assert_allclose(F.matmul(x, y).data, np.matmul(x, y), atol=1e-12)
    adjoint_check(F.matmul, x, y, wrt=0)
    adjoint_check(F.matmul, x, y, wrt=1)


def test_float32_is_close_to_float64():
    rng = np.random.default_rng(0)
    x, y, grad = rng.normal(size=(7, 50)), rng.normal(size=(50, 8)), rng.normal(size=(7, 8))
    results = []
    for dtype in ("float32", "float64"):
        a = Tensor(x.astype(dtype), requires_grad=True)
        b = Tensor(y.astype(dtype), requires_grad=True)
        z = F.matmul(a, b)
        z.backward(grad)
        assert z.dtype == a.grad.dtype == b.grad.dtype == dtype
        results.append((z.data, a.grad, b.grad))
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


def test_only_the_gradient_that_is_needed():
    x, y = Tensor(np.ones((2, 3)), requires_grad=True), Tensor(np.ones((3, 4)))
    F.matmul(x, y).sum().backward()
    assert x.grad.tolist() == [[4.0] * 3] * 2
    assert y.grad is None


def test_refusals():
    with pytest.raises(
        ValueError, match=r"matmul: the last side of x \(3\) must be .* y \(4\); x="
    ):
        F.matmul(np.zeros((2, 3)), np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"must be the number of rows of y \(4\)"):
        F.matmul(np.zeros((2, 3)), np.zeros(4))
    with pytest.raises(ValueError, match=r"matmul: the batch axes \(2,\) and \(3,\) do not broad"):
        F.matmul(np.zeros((2, 4, 5)), np.zeros((3, 5, 6)))
    with pytest.raises(ValueError, match="matmul: x and y need at least one axis"):
        F.matmul(np.zeros((2, 3)), 2.0)
