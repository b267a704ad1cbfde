"""The loop-level twin of every layer: slow, obvious, for reading and for tests."""

from minicv.reference.conv2d import conv2d
from minicv.reference.conv_transpose2d import conv_transpose2d
from minicv.reference.leaky_relu import leaky_relu
from minicv.reference.linear import linear
from minicv.reference.log_softmax import log_softmax
from minicv.reference.matmul import matmul
from minicv.reference.relu import relu
from minicv.reference.relu6 import relu6
from minicv.reference.sigmoid import sigmoid
from minicv.reference.softmax import softmax
from minicv.reference.tanh import tanh

__all__ = [
    "conv2d",
    "conv_transpose2d",
    "leaky_relu",
    "linear",
    "log_softmax",
    "matmul",
    "relu",
    "relu6",
    "sigmoid",
    "softmax",
    "tanh",
]
