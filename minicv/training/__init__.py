"""Floor 5: the training loop, checkpoints and resuming, evaluation."""

from minicv.training.alternating import fit_alternating
from minicv.training.detector_files import (
    build_detector,
    describe_detector,
    detector_of,
    load_detector,
)
from minicv.training.divergence import DivergenceError
from minicv.training.evaluate import detection_figures, predict_all, validator
from minicv.training.evaluate_segmentation import (
    SegmentationRun,
    named_figures,
    run_segmenter,
    segmentation_validator,
)
from minicv.training.fit import fit
from minicv.training.model_files import ModelFile
from minicv.training.post_hoc import PostHocReport, train_post_hoc
from minicv.training.segmenter_files import (
    build_segmenter,
    describe_segmenter,
    load_segmenter,
    segmenter_of,
)
from minicv.training.validation_losses import validation_losses

__all__ = [
    "DivergenceError",
    "ModelFile",
    "PostHocReport",
    "SegmentationRun",
    "build_detector",
    "build_segmenter",
    "describe_detector",
    "describe_segmenter",
    "detection_figures",
    "detector_of",
    "fit",
    "fit_alternating",
    "load_detector",
    "load_segmenter",
    "named_figures",
    "predict_all",
    "run_segmenter",
    "segmentation_validator",
    "segmenter_of",
    "train_post_hoc",
    "validation_losses",
    "validator",
]
