"""Floor 1, wing of gradients: Tensor, Function, and the backward walk. First order only."""

from minicv.autograd.anomaly import detect_anomaly
from minicv.autograd.function import Function, unbroadcast
from minicv.autograd.grad import grad
from minicv.autograd.grad_mode import grad_enabled, no_grad
from minicv.autograd.profile import profile
from minicv.autograd.tensor import Tensor

__all__ = [
    "Function",
    "Tensor",
    "detect_anomaly",
    "grad",
    "grad_enabled",
    "no_grad",
    "profile",
    "unbroadcast",
]
