"""Give Tensor its operators and methods.

Tensor stands a floor below the operations, and imports only go down. So Tensor cannot import its
operations; this file binds them, one line each, and ``import minicv`` runs it. Their signatures
stand once more in `minicv.autograd.tensor`, where mypy and editors look for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicv import functional
from minicv.autograd import Tensor
from minicv.functional.abs import abs
from minicv.functional.advice import absent_methods
from minicv.functional.argmax import argmax, argmin
from minicv.functional.arithmetic import add, divide, multiply, negative, subtract
from minicv.functional.clip import clip
from minicv.functional.exp import exp
from minicv.functional.getitem import getitem
from minicv.functional.leaky_relu import leaky_relu
from minicv.functional.log import log
from minicv.functional.log_softmax import log_softmax
from minicv.functional.matmul import matmul
from minicv.functional.max import max, min
from minicv.functional.max_with_indices import max_with_indices, min_with_indices
from minicv.functional.mean import mean
from minicv.functional.norm import norm
from minicv.functional.power import power
from minicv.functional.relu import relu
from minicv.functional.relu6 import relu6
from minicv.functional.reshape import flatten, reshape
from minicv.functional.sigmoid import sigmoid
from minicv.functional.softmax import softmax
from minicv.functional.sqrt import sqrt
from minicv.functional.squeeze import squeeze, unsqueeze
from minicv.functional.sum import sum
from minicv.functional.tanh import tanh
from minicv.functional.transpose import permute, transpose
from minicv.functional.var import std, var


def _one_tuple(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers of ``x.reshape(2, 3)``, or the one tuple of ``x.reshape((2, 3))``."""
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        return tuple(arguments[0])
    return arguments


METHODS: dict[str, Callable[..., Any]] = {
    "__add__": add,
    "__radd__": lambda self, other: add(other, self),
    "__sub__": subtract,
    "__rsub__": lambda self, other: subtract(other, self),
    "__mul__": multiply,
    "__rmul__": lambda self, other: multiply(other, self),
    "__truediv__": divide,
    "__rtruediv__": lambda self, other: divide(other, self),
    "__matmul__": matmul,
    "__rmatmul__": lambda self, other: matmul(other, self),
    "__pow__": power,
    "__rpow__": lambda self, other: power(other, self),
    "__neg__": negative,
    "__abs__": abs,
    "__getitem__": getitem,
    "sum": sum,
    "mean": mean,
    "max": max,
    "min": min,
    "max_with_indices": max_with_indices,
    "min_with_indices": min_with_indices,
    "argmax": argmax,
    "argmin": argmin,
    "var": var,
    "std": std,
    "norm": norm,
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "abs": abs,
    "clip": clip,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "flatten": flatten,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    "transpose": transpose,
    "reshape": lambda self, *shape: reshape(self, _one_tuple(shape)),
    "view": lambda self, *shape: reshape(self, _one_tuple(shape)),
    "permute": lambda self, *dims: permute(self, _one_tuple(dims)),
}

_ABSENT = absent_methods(METHODS, functional.__all__)


def _names(self: Tensor) -> list[str]:
    """What `dir` lists, and editors offer: nothing that a Tensor has not."""
    return sorted({*object.__dir__(self)} - {*_ABSENT})


for _name, _attribute in {**METHODS, **_ABSENT, "__dir__": _names}.items():
    setattr(Tensor, _name, _attribute)
