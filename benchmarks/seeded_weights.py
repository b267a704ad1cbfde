"""Weights for torchvision's networks that anyone can draw again: from a seed and a small file.

Published weights cannot lie beside the tests: 160 MB each. Weights drawn at random by torchvision's
own rule find nothing: every score is the same to three digits. So here a matrix is drawn at random
and scaled by one number, and every vector (a bias, a batch statistic) is kept as it is. The numbers
were chosen layer by layer, from photographs, so that every channel has mean 0 and the spread that
`tests/fixtures/make_torchvision_calibration.py` names. Then there are many detections of many
classes.

The rule for the entry NAME of the shape S: with two or more dimensions

    scale · default_rng([SEED, crc32(NAME)]).standard_normal(S, float32)

and with one dimension the numbers of the file. So no entry depends on another, and nothing depends
on an order. Names are those of torchvision's published files.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

SEED = 15
CALIBRATION = Path(__file__).parent.parent / "tests" / "fixtures" / "torchvision_calibration.npz"

# The parts of each network, and what stands before the names of each part.
PARTS: dict[str, dict[str, str]] = {
    "fasterrcnn_resnet50_fpn": {
        "resnet50": "backbone.body.",
        "proposals": "",
        "boxes of 91 classes": "roi_heads.",
    },
    "maskrcnn_resnet50_fpn": {
        "resnet50": "backbone.body.",
        "proposals": "",
        "boxes of 91 classes": "roi_heads.",
        "masks": "roi_heads.",
    },
    "keypointrcnn_resnet50_fpn": {
        "resnet50": "backbone.body.",
        "proposals": "",
        "boxes of 2 classes": "roi_heads.",
        "joints": "roi_heads.",
    },
    "fcn_resnet50": {"resnet50": "backbone.", "pixels": ""},
}


def draw(part: str, name: str, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """The matrix or the kernels of one layer.

    >>> draw("masks", "conv.weight", (2, 3), 0.5).round(2).tolist() == (
    ...     draw("masks", "conv.weight", (2, 3), 1.0) / 2).round(2).tolist()
    True
    """
    rng = np.random.default_rng([SEED, zlib.crc32(f"{part}/{name}".encode())])
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def pack(
    parts: Mapping[str, Mapping[str, tuple[tuple[int, ...], object]]],
) -> dict[str, np.ndarray]:
    """The content of the file, from ``{part: {name: (shape, scale or vector)}}``."""
    names, shapes, scales, vectors = [], [], [], []
    for part, entries in parts.items():
        for name, (shape, value) in entries.items():
            names.append(f"{part}/{name}")
            shapes.append(shape + (0,) * (4 - len(shape)))
            scales.append(value if len(shape) > 1 else 0.0)
            if len(shape) == 1:
                vectors.append(np.asarray(value, np.float16))
    return {
        "names": np.array(names),
        "shapes": np.array(shapes, np.int32),
        "scales": np.array(scales, np.float32),
        "vectors": np.concatenate(vectors),
    }


def seeded_weights(network: str, packed: Mapping[str, np.ndarray] | None = None) -> dict:
    """The state_dict of a network: float32 arrays under torchvision's published names.

    Args:
        network: one of `PARTS`.
        packed: see `pack`; without it the file beside the tests is read.

    >>> weights = seeded_weights("fcn_resnet50")
    >>> weights["backbone.conv1.weight"].shape, weights["classifier.4.bias"].shape
    ((64, 3, 7, 7), (21,))
    """
    if packed is None:
        with np.load(CALIBRATION) as file:
            packed = dict(file)
    weights, start = {}, 0
    rows = zip(packed["names"], packed["shapes"], packed["scales"], strict=True)
    for own, row, scale in rows:
        part, name = str(own).split("/")
        shape = tuple(int(size) for size in row if size)
        vector = packed["vectors"][start : start + shape[0]] if len(shape) == 1 else None
        start += 0 if vector is None else len(vector)
        if part not in PARTS[network]:
            continue
        prefix = PARTS[network][part]
        if vector is not None:
            weights[prefix + name] = vector.astype(np.float32)
        else:
            weights[prefix + name] = draw(part, name, shape, float(scale))
    return weights
