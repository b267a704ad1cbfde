"""Operators and methods of Tensor: each calls its operation, from either side."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.functional.operators import METHODS as METHODS_OF_TENSOR

VALUES = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]])


@pytest.fixture
def x():
    return Tensor(VALUES, requires_grad=True)


OPERATORS = {
    "x + 2": (lambda x: x + 2, VALUES + 2),
    "2 + x": (lambda x: 2 + x, VALUES + 2),
    "x - 2": (lambda x: x - 2, VALUES - 2),
    "2 - x": (lambda x: 2 - x, 2 - VALUES),
    "x * 3": (lambda x: x * 3, VALUES * 3),
    "3 * x": (lambda x: 3 * x, VALUES * 3),
    "x / 4": (lambda x: x / 4, VALUES / 4),
    "4 / x": (lambda x: 4 / x, 4 / VALUES),
    "x ** 2": (lambda x: x**2, VALUES**2),
    "2 ** x": (lambda x: 2**x, 2**VALUES),
    "-x": (lambda x: -x, -VALUES),
    "abs(x)": (lambda x: abs(x), np.abs(VALUES)),
    "x @ array": (lambda x: x @ VALUES.T, VALUES @ VALUES.T),
    "array @ x": (lambda x: VALUES.T @ x, VALUES.T @ VALUES),
    "array + x": (lambda x: VALUES + x, VALUES + VALUES),
    "array - x": (lambda x: np.ones(3) - x, 1 - VALUES),
    "array * x": (lambda x: VALUES * x, VALUES * VALUES),
    "array / x": (lambda x: VALUES / x, VALUES / VALUES),
    "array ** x": (lambda x: np.full(3, 2.0) ** x, 2**VALUES),
    "scalar * x": (lambda x: np.float64(3) * x, VALUES * 3),
    "x[1:, ::2]": (lambda x: x[1:, ::2], VALUES[1:, ::2]),
}


@pytest.mark.parametrize(("compute", "expected"), OPERATORS.values(), ids=OPERATORS)
def test_operator(x, compute, expected):
    result = compute(x)
    assert isinstance(result, Tensor)
    assert result.requires_grad
    np.testing.assert_allclose(result.data, expected, rtol=1e-15)


METHODS = {
    "sum": (lambda x: x.sum(dim=0, keepdim=True), lambda x: F.sum(x, 0, True)),
    "mean": (lambda x: x.mean(1), lambda x: F.mean(x, 1)),
    "max": (lambda x: x.max(1), lambda x: F.max(x, 1)),
    "min": (lambda x: x.min(1), lambda x: F.min(x, 1)),
    "max_with_indices": (
        lambda x: x.max_with_indices(1).values,
        lambda x: F.max_with_indices(x, 1)[0],
    ),
    "min_with_indices": (
        lambda x: x.min_with_indices(1).values,
        lambda x: F.min_with_indices(x, 1)[0],
    ),
    "var": (lambda x: x.var(0, correction=0), lambda x: F.var(x, 0, correction=0)),
    "std": (lambda x: x.std(dim=1, keepdim=True), lambda x: F.std(x, 1, keepdim=True)),
    "norm": (lambda x: x.norm(1, dim=0), lambda x: F.norm(x, 1, 0)),
    "squeeze": (lambda x: x[:1].squeeze(0), lambda x: F.squeeze(x[:1], 0)),
    "unsqueeze": (lambda x: x.unsqueeze(1), lambda x: F.unsqueeze(x, 1)),
    "view, numbers": (lambda x: x.view(3, -1), lambda x: F.reshape(x, (3, 2))),
    "view, tuple": (lambda x: x.view((3, 2)), lambda x: F.reshape(x, (3, 2))),
    "T": (lambda x: x.T, lambda x: F.transpose(x, 0, 1)),
    "mT": (lambda x: x.unsqueeze(0).mT, lambda x: F.transpose(F.unsqueeze(x, 0), 1, 2)),
    "exp": (lambda x: x.exp(), F.exp),
    "log": (lambda x: (x * x).log(), lambda x: F.log(F.multiply(x, x))),
    "sqrt": (lambda x: (x * x).sqrt(), lambda x: F.sqrt(F.multiply(x, x))),
    "abs": (lambda x: x.abs(), F.abs),
    "clip": (lambda x: x.clip(0, 1), lambda x: F.clip(x, 0, 1)),
    "relu": (lambda x: x.relu(), F.relu),
    "relu6": (lambda x: x.relu6(), F.relu6),
    "leaky_relu": (lambda x: x.leaky_relu(0.2), lambda x: F.leaky_relu(x, 0.2)),
    "sigmoid": (lambda x: x.sigmoid(), F.sigmoid),
    "tanh": (lambda x: x.tanh(), F.tanh),
    "softmax": (lambda x: x.softmax(1), lambda x: F.softmax(x, 1)),
    "log_softmax": (lambda x: x.log_softmax(dim=0), lambda x: F.log_softmax(x, 0)),
    "flatten": (lambda x: x.flatten(), F.flatten),
    "transpose": (lambda x: x.transpose(0, 1), lambda x: F.transpose(x, 0, 1)),
    "reshape, numbers": (lambda x: x.reshape(3, -1), lambda x: F.reshape(x, (3, 2))),
    "reshape, one number": (lambda x: x.reshape(-1), lambda x: F.reshape(x, (6,))),
    "reshape, tuple": (lambda x: x.reshape((3, 2)), lambda x: F.reshape(x, (3, 2))),
    "permute, numbers": (lambda x: x.permute(1, 0), lambda x: F.permute(x, (1, 0))),
    "permute, tuple": (lambda x: x.permute((1, 0)), lambda x: F.permute(x, (1, 0))),
}


@pytest.mark.parametrize(("method", "operation"), METHODS.values(), ids=METHODS)
def test_method(x, method, operation):
    result, expected = method(x), operation(Tensor(VALUES))
    assert result.requires_grad
    np.testing.assert_array_equal(result.data, expected.data)


def test_places_are_plain_arrays(x):
    assert x.argmax(1).tolist() == [2, 0] and x.argmin(0).tolist() == [0, 0, 1]
    assert type(x.argmax(1)) is np.ndarray


def _declared_methods() -> dict[str, list[str]]:
    """The names of the arguments of every method that Tensor declares for type checkers alone."""
    tree = ast.parse(Path(inspect.getfile(Tensor)).read_text(encoding="utf-8"))
    return {
        method.name: [argument.arg for argument in ast.walk(method.args) if _is_named(argument)]
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for method in block.body
        if isinstance(method, ast.FunctionDef)
    }


def _is_named(node: ast.AST) -> bool:
    return isinstance(node, ast.arg) and node.arg != "self"


@pytest.mark.host_only
def test_what_tensor_declares_is_what_is_bound_to_it():
    declared = _declared_methods()
    assert list(declared) == list(METHODS_OF_TENSOR)
    for name, arguments in declared.items():
        bound = inspect.signature(METHODS_OF_TENSOR[name]).parameters
        if not name.startswith("__"):  # the arguments of an operator are never named
            assert arguments == list(bound)[1:], name
        assert len(arguments) == len(bound) - 1, name
        assert getattr(Tensor, name) is METHODS_OF_TENSOR[name]


def test_a_small_network_written_with_operators():
    """loss = mean(relu(x W + b)²), whose gradients are worked out by hand."""
    x = np.array([[1.0, 2.0]])
    weight = Tensor(np.array([[1.0, -1.0], [1.0, -1.0]]), requires_grad=True)
    bias = Tensor(np.array([0.5, 0.5]), requires_grad=True)
    loss = ((x @ weight + bias).relu() ** 2).mean()
    loss.backward()
    assert loss.item() == 6.125  # (3.5² + 0²) / 2
    assert weight.grad.tolist() == [[3.5, 0.0], [7.0, 0.0]]
    assert bias.grad.tolist() == [3.5, 0.0]
