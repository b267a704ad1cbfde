"""Where a network that stands on a known one starts: at the weights that were published for it."""

from __future__ import annotations

from pathlib import Path

from minicv.models.backbones import convolutional_weights
from minicv.nn import Module
from minicv.training import ModelFile
from minicv.weights import efficientnet_lite0_weights, load_published, read_torch_file


def start_from_published_weights(trunk: Module, name: str, path: Path | None) -> None:
    """Load what was published for the backbone: the file given, or the one that is known.

    Args:
        trunk: the part of a detector or a segmenter that is the backbone; changed.
        name: of the backbone.
        path: a ``.pth``; a ``.npz`` of `minicv train`, of which the backbone is taken; or None.

    Raises:
        WeightsError: weights of another network, or not to be found.
    """
    if path is not None and path.suffix == ".npz":
        weights = ModelFile.read(path).weights
        prefix = "backbone."
        own = {key[len(prefix) :]: w for key, w in weights.items() if key.startswith(prefix)}
        load_published(trunk, own, str(path))
    elif path is not None:
        weights = read_torch_file(path)
        if name == "vgg16":  # a segmenter's has its fully connected layers as convolutions
            weights = convolutional_weights(weights)
        load_published(trunk, weights, str(path))
    elif name == "efficientnet_lite0":
        load_published(trunk, efficientnet_lite0_weights(), "EfficientNet-Lite0")
