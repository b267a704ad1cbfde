"""The loop-level twin of every layer: slow, obvious, for reading and for tests."""

from minicv.reference.conv2d import conv2d

__all__ = [
    "conv2d",
]
