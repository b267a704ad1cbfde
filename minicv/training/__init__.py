"""Floor 5: the training loop over a step, exact resume, recipes, evaluation."""

from minicv.training.alternating import fit_alternating
from minicv.training.averaged import AveragingStep
from minicv.training.divergence import DivergenceError
from minicv.training.evaluate import Evaluation, evaluate, validation_losses, validator
from minicv.training.finetuning import (
    Learning,
    UnfreezingStep,
    blocks_of,
    freeze,
    learning_groups,
    trained_part,
)
from minicv.training.fit import fit
from minicv.training.progress import Progress
from minicv.training.recipe import Preparation, Recipe, flip_for
from minicv.training.step import GradientStep, Step
from minicv.training.svms import SVMReport, fit_svms

__all__ = [
    "AveragingStep",
    "DivergenceError",
    "Evaluation",
    "GradientStep",
    "Learning",
    "Preparation",
    "Progress",
    "Recipe",
    "SVMReport",
    "Step",
    "UnfreezingStep",
    "blocks_of",
    "evaluate",
    "fit",
    "fit_alternating",
    "fit_svms",
    "flip_for",
    "freeze",
    "learning_groups",
    "trained_part",
    "validation_losses",
    "validator",
]
