"""The CPU kernels, in NumPy, one file per family. `KERNELS` is the table of names."""

from minicv.backend.cpu.convolution import (
    conv2d_forward,
    conv2d_grad_input,
    conv2d_grad_weight,
)
from minicv.backend.cpu.scatter import scatter_add

KERNELS: tuple[str, ...] = (
    "conv2d_forward",
    "conv2d_grad_input",
    "conv2d_grad_weight",
    "scatter_add",
)

__all__ = [
    "KERNELS",
    "conv2d_forward",
    "conv2d_grad_input",
    "conv2d_grad_weight",
    "scatter_add",
]
