"""Floor 3, wing of gradients: optimizers, learning rate schedules, gradient clipping."""

from minicv.optim.adam import Adam, AdamW
from minicv.optim.clipping import clip_grad_norm, clip_grad_value
from minicv.optim.optimizer import Optimizer
from minicv.optim.plateau import ReduceLROnPlateau
from minicv.optim.rmsprop import RMSprop
from minicv.optim.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    Schedule,
    StepLR,
    WarmupThen,
)
from minicv.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearWarmup",
    "MultiStepLR",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
    "WarmupThen",
    "clip_grad_norm",
    "clip_grad_value",
]
