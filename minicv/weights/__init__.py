"""Floor 4: checkpoints, and readers for published weights."""

from minicv.weights.checkpoint import (
    load_checkpoint,
    load_description,
    save_checkpoint,
    save_checkpoints,
)
from minicv.weights.errors import WeightsError
from minicv.weights.published import (
    KNOWN_WEIGHTS,
    efficientnet_lite0_weights,
    load_published,
    start_from,
)
from minicv.weights.torch_file import read_torch_file

__all__ = [
    "KNOWN_WEIGHTS",
    "WeightsError",
    "efficientnet_lite0_weights",
    "load_checkpoint",
    "load_description",
    "load_published",
    "read_torch_file",
    "save_checkpoint",
    "save_checkpoints",
    "start_from",
]
