"""Floor 1, wing of gradients: Tensor, Function, and the backward walk. First order only."""

from minicv.autograd.function import Function, unbroadcast
from minicv.autograd.grad_mode import grad_enabled, no_grad
from minicv.autograd.tensor import Tensor

__all__ = ["Function", "Tensor", "grad_enabled", "no_grad", "unbroadcast"]
