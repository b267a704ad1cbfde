"""Give Tensor its operators and methods.

Tensor stands a floor below the operations, and imports only go down; so the operations are handed
to it here, one explicit line each. ``import minicv`` runs this file.
"""

from __future__ import annotations

from minicv.autograd import Tensor
from minicv.functional.abs import abs
from minicv.functional.arithmetic import add, divide, multiply, negative, subtract
from minicv.functional.clip import clip
from minicv.functional.exp import exp
from minicv.functional.getitem import getitem
from minicv.functional.leaky_relu import leaky_relu
from minicv.functional.log import log
from minicv.functional.log_softmax import log_softmax
from minicv.functional.matmul import matmul
from minicv.functional.max import max
from minicv.functional.mean import mean
from minicv.functional.power import power
from minicv.functional.relu import relu
from minicv.functional.relu6 import relu6
from minicv.functional.reshape import flatten, reshape
from minicv.functional.sigmoid import sigmoid
from minicv.functional.softmax import softmax
from minicv.functional.sqrt import sqrt
from minicv.functional.sum import sum
from minicv.functional.tanh import tanh
from minicv.functional.transpose import permute, transpose

Tensor.__add__ = add
Tensor.__radd__ = lambda self, other: add(other, self)
Tensor.__sub__ = subtract
Tensor.__rsub__ = lambda self, other: subtract(other, self)
Tensor.__mul__ = multiply
Tensor.__rmul__ = lambda self, other: multiply(other, self)
Tensor.__truediv__ = divide
Tensor.__rtruediv__ = lambda self, other: divide(other, self)
Tensor.__neg__ = negative
Tensor.__pow__ = power
Tensor.__rpow__ = lambda self, other: power(other, self)
Tensor.__abs__ = abs
Tensor.__matmul__ = matmul
Tensor.__rmatmul__ = lambda self, other: matmul(other, self)
Tensor.__getitem__ = getitem

Tensor.sum = sum
Tensor.mean = mean
Tensor.max = max

Tensor.exp = exp
Tensor.log = log
Tensor.sqrt = sqrt
Tensor.abs = abs
Tensor.clip = clip

Tensor.relu = relu
Tensor.relu6 = relu6
Tensor.leaky_relu = leaky_relu
Tensor.sigmoid = sigmoid
Tensor.tanh = tanh
Tensor.softmax = softmax
Tensor.log_softmax = log_softmax

Tensor.flatten = flatten
Tensor.transpose = transpose
# x.reshape(2, 3) and x.reshape((2, 3)) both work, as in NumPy and PyTorch.
Tensor.reshape = lambda self, *shape: reshape(self, _one_tuple(shape))
Tensor.permute = lambda self, *dims: permute(self, _one_tuple(dims))


def _one_tuple(arguments: tuple) -> tuple[int, ...]:
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        return tuple(arguments[0])
    return arguments
