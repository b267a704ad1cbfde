"""Floor 3.5: checkpoints, and readers for published weights."""

from minicv.weights.cache_folder import weights_folder
from minicv.weights.checkpoint import (
    load_checkpoint,
    load_description,
    save_checkpoint,
    save_checkpoints,
)
from minicv.weights.download import fetch
from minicv.weights.errors import WeightsError
from minicv.weights.published import (
    KNOWN_WEIGHTS,
    efficientnet_lite0_weights,
    load_published,
    read_weights,
    start_from,
)
from minicv.weights.safetensors_file import read_safetensors, write_safetensors
from minicv.weights.torch_file import read_torch_file

__all__ = [
    "KNOWN_WEIGHTS",
    "WeightsError",
    "efficientnet_lite0_weights",
    "fetch",
    "load_checkpoint",
    "load_description",
    "load_published",
    "read_safetensors",
    "read_torch_file",
    "read_weights",
    "save_checkpoint",
    "save_checkpoints",
    "start_from",
    "weights_folder",
    "write_safetensors",
]
