"""Floor 5: the training loop over a step, exact resume, recipes, evaluation."""

from minicv.training.adversarial import AdversarialStep
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
    with_classes,
)
from minicv.training.fit import fit
from minicv.training.frozen_features import Features, features_of, fit_head
from minicv.training.progress import Progress
from minicv.training.recipe import Preparation, Recipe, flip_for
from minicv.training.step import GradientStep, Step
from minicv.training.svms import SVMReport, fit_svms

__all__ = [
    "AdversarialStep",
    "AveragingStep",
    "DivergenceError",
    "Evaluation",
    "Features",
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
    "features_of",
    "fit",
    "fit_alternating",
    "fit_head",
    "fit_svms",
    "flip_for",
    "freeze",
    "learning_groups",
    "trained_part",
    "validation_losses",
    "validator",
    "with_classes",
]
