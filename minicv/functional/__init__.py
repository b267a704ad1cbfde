"""Floor 2, wing of gradients: one differentiable operation a file."""

from minicv.functional.arithmetic import add, divide, multiply, negative, subtract

__all__ = [
    "add",
    "divide",
    "multiply",
    "negative",
    "subtract",
]
