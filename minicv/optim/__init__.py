"""Floor 3, wing of gradients: optimizers, learning rate schedules, gradient clipping."""

from minicv.optim.adam import Adam
from minicv.optim.optimizer import Optimizer, clip_grad_norm, clip_grad_value
from minicv.optim.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    LinearWarmup,
    MultiStepLR,
    Schedule,
    StepLR,
    WarmupThen,
)
from minicv.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "ConstantLR",
    "CosineAnnealingLR",
    "LinearWarmup",
    "MultiStepLR",
    "Optimizer",
    "Schedule",
    "StepLR",
    "WarmupThen",
    "clip_grad_norm",
    "clip_grad_value",
]
