"""The loop-level twin of every layer: slow, obvious, for reading and for tests."""

from minicv.reference.conv2d import conv2d
from minicv.reference.conv_transpose2d import conv_transpose2d

__all__ = [
    "conv2d",
    "conv_transpose2d",
]
