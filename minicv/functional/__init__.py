"""Floor 2, wing of gradients: one differentiable operation a file."""

from minicv.functional.arithmetic import add, divide, multiply, negative, subtract
from minicv.functional.concatenate import concatenate
from minicv.functional.conv2d import conv2d
from minicv.functional.exp import exp
from minicv.functional.getitem import getitem
from minicv.functional.linear import linear
from minicv.functional.log_softmax import log_softmax
from minicv.functional.matmul import matmul
from minicv.functional.mean import mean
from minicv.functional.relu import relu
from minicv.functional.relu6 import relu6
from minicv.functional.reshape import flatten, reshape
from minicv.functional.sigmoid import sigmoid
from minicv.functional.softmax import softmax
from minicv.functional.sum import sum
from minicv.functional.transpose import permute, transpose

__all__ = [
    "add",
    "concatenate",
    "conv2d",
    "divide",
    "exp",
    "flatten",
    "getitem",
    "linear",
    "log_softmax",
    "matmul",
    "mean",
    "multiply",
    "negative",
    "permute",
    "relu",
    "relu6",
    "reshape",
    "sigmoid",
    "softmax",
    "subtract",
    "sum",
    "transpose",
]
