"""Floor 5: the training loop, checkpoints and resuming, evaluation."""

from minicv.training.detector_files import build_detector, describe_detector, load_detector
from minicv.training.divergence import DivergenceError
from minicv.training.evaluate import detection_figures, predict_all, validation_losses, validator
from minicv.training.fit import fit

__all__ = [
    "DivergenceError",
    "build_detector",
    "describe_detector",
    "detection_figures",
    "fit",
    "load_detector",
    "predict_all",
    "validation_losses",
    "validator",
]
