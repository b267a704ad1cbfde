"""grad: against backward, at results on the way, without side effects, and only where needed."""

import numpy as np
import pytest

from minicv import Function, Tensor, no_grad
from minicv import functional as F
from minicv.autograd import grad


def leaf(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return Tensor(values, requires_grad=True)


def test_equals_backward_and_touches_no_grad():
    x, w = leaf(3, 4), leaf(4, 2, seed=1)
    hidden = F.relu(x @ w)
    loss = (hidden * hidden).sum() + x.sum()
    of_w, of_x, of_hidden = grad(loss, [w, x, hidden], retain_graph=True)
    assert x.grad is None and w.grad is None
    loss.backward()
    np.testing.assert_allclose(of_x, x.grad, rtol=1e-13)
    np.testing.assert_allclose(of_w, w.grad, rtol=1e-13)
    np.testing.assert_allclose(of_hidden, 2 * hidden.data, rtol=1e-13)


def test_a_given_gradient_arrives_at_the_output():
    x = leaf(2, 2)
    y = x * 3.0
    arriving = np.array([[1.0, 0.0], [0.0, -2.0]])
    (of_x,) = grad(y, x, arriving, retain_graph=True)
    assert of_x.tolist() == (3 * arriving).tolist()
    (of_y,) = grad(y, y, arriving)  # the output itself
    assert of_y.tolist() == arriving.tolist()


def test_gradients_of_other_inputs_are_not_computed():
    asked = []

    class Product(Function):
        def forward(self, x, w):
            self.x, self.w = x, w
            return x * w

        def backward(self, grad):
            asked.append(self.needs_grad)
            return tuple(
                grad * other if needed else None
                for other, needed in zip((self.w, self.x), self.needs_grad, strict=True)
            )

    x, w, v = leaf(3), leaf(3, seed=1), leaf(3, seed=2)
    inner = Product()(v, v)  # does not lead to x
    y = Product()(x, w) + Product()(inner, w)
    (of_x,) = grad(y.sum(), x, retain_graph=True)
    assert asked == [(True, False)]
    np.testing.assert_array_equal(of_x, w.data)
    y.sum().backward()  # what was needed before is needed still
    assert asked[1:] == [(True, True)] * 3


def test_the_graph_is_freed_unless_it_is_retained():
    x = leaf(2)
    y = (x * x).sum()
    grad(y, x, retain_graph=True)
    grad(y, x)
    with pytest.raises(RuntimeError, match="backward was called before and freed"):
        grad(y, x)


def test_results_are_copies():
    x = leaf(2)
    arriving = np.ones(2)
    a, b = grad(x + x * 0.0, [x, x], arriving)
    a[:] = 7
    assert b.tolist() == [1.0, 1.0] and arriving.tolist() == [1.0, 1.0]


def test_what_is_not_on_the_way_is_named():
    x, other = leaf(2), leaf(2)
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match=r"input 1, of shape .*; the output does not depend"):
        grad(y, [x, other])
    with no_grad():
        constant = x * 2.0
    with pytest.raises(RuntimeError, match="it needs no gradient"):
        grad(y, constant)
    with pytest.raises(TypeError, match="input 0 is a ndarray"):
        grad(y, [x.data])
    with pytest.raises(RuntimeError, match="needs the gradient that arrives"):
        grad(x * x, x)
