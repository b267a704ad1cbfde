"""Does an exported file say what the model says? Asked of onnxruntime, where it is installed."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from minicv.autograd import Tensor, no_grad
from minicv.backend import to_numpy
from minicv.export.graph import IMAGE, ExportError
from minicv.export.network import Network
from minicv.nn import evaluating

TOLERANCE = 1e-4  # of the largest number of an output
# Rounding may decide which of two equal maxima a pooling takes, and an unpooling then moves a value
# to the pixel beside. So a few numbers may differ; a wrong operator changes most of them.
MOST_THAT_DIFFER = 0.1


def largest_difference(content: bytes, network: Network, size: tuple[int, int]) -> float | None:
    """Between the outputs of a file and those of the model, for one random image.

    Args:
        content: the ONNX file.
        network: of which it was made.
        size: (H, W) of the image.

    Returns:
        the largest difference, relative to the largest number of its output (to 1, where that is
        smaller); None where onnxruntime is not installed.

    Raises:
        ExportError: onnxruntime refuses the file, or more than a tenth of the numbers differ.
    """
    runtime = _runtime()
    if runtime is None:
        return None
    pixels = np.random.default_rng(0).random((1, 3, *size), np.float32)
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said below, once
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(names, {IMAGE: pixels}), strict=True))
    except Exception as error:  # its own kinds of errors, which derive from nothing else
        reason = " ".join(str(error).split())
        raise ExportError(
            f"onnxruntime {runtime.__version__} does not run the model: {reason:.300}; another "
            "opset may help"
        ) from None
    with no_grad(), evaluating(network.module):
        expected = network.run(Tensor(network.like(pixels)))
    largest = 0.0
    for name, output in expected.items():
        own = to_numpy(output.data)
        differences = np.abs(found[name] - own) / max(1.0, float(np.abs(own).max(initial=0)))
        share = float(np.mean(~(differences <= TOLERANCE)))
        if share > MOST_THAT_DIFFER:
            raise ExportError(
                f"onnxruntime {runtime.__version__} gives other numbers than the model: "
                f"{100 * share:.0f} % of {name!r} differ; nothing was written"
            )
        largest = max(largest, float(differences.max(initial=0)))
    return largest


def _runtime() -> Any:
    """The package onnxruntime, or None."""
    try:
        return importlib.import_module("onnxruntime")
    except ImportError:
        return None
