"""The numbers that go in: the same for every library, drawn anew in each process.

NumPy alone, because every library has it: the processes need not hand megabytes to each other.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np


def normal(name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """Standard normal numbers that depend on ``name`` alone; float64 holds the rounded ones."""
    numbers = _generator(name).standard_normal(shape, dtype=np.float32)
    return numbers.astype(dtype, copy=False)


def weight(name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """An entry of a state_dict, such that activations keep their size from layer to layer.

    Kernels are normal with variance 2 / fan-in (He 2015); what belongs to a batch normalisation,
    told by its name and its single axis, is spread about its value in an untrained layer.
    """
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        numbers = _generator(name).uniform(0.8, 1.2, size=shape)
    elif len(shape) <= 1:  # biases and running means
        numbers = 0.1 * _generator(name).standard_normal(shape)
    else:
        deviation = (2 / np.prod(shape[1:])) ** 0.5
        return normal(name, shape, dtype) * np.asarray(deviation, dtype)
    return np.asarray(numbers, np.float32).astype(dtype)


def boxes(name: str, count: int, image: tuple[int, int], least: float, most: float) -> np.ndarray:
    """(count, 4) boxes inside an image (height, width), sides from ``least`` to ``most``."""
    rng = _generator(name)
    height, width = image
    sides = rng.uniform(least, most, size=(count, 2))
    x1y1 = rng.uniform(size=(count, 2)) * (np.array([width, height]) - sides)
    return np.concatenate([x1y1, x1y1 + sides], axis=1).astype(np.float32)


def crowded_boxes(count: int, image: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(count, 4) boxes in clusters, as a detector makes them before suppression, and scores."""
    rng = _generator("crowd")
    objects = boxes("objects", count // 20, image, 30.0, 200.0)
    around = objects[rng.integers(len(objects), size=count)]
    size = np.tile(around[:, 2:] - around[:, :2], 2)
    moved = around + 0.1 * size * rng.standard_normal((count, 4))
    corners = np.concatenate([np.minimum(moved[:, :2], moved[:, 2:] - 1), moved[:, 2:]], axis=1)
    return corners.astype(np.float32), rng.permutation(count).astype(np.float32) / count


def picture(size: tuple[int, int]) -> np.ndarray:
    """(3, height, width) in 0..1: rectangles of random colours, as a detector finds things in."""
    rng = _generator("picture")
    image = np.full((3, *size), 0.5, np.float32)
    for x1, y1, x2, y2 in boxes("things", 60, size, 20.0, 0.4 * min(size)).astype(int):
        image[:, y1:y2, x1:x2] = rng.uniform(size=(3, 1, 1))
    return np.clip(image + 0.03 * rng.standard_normal(image.shape), 0, 1).astype(np.float32)


def regions(count: int, map_shape: tuple[int, ...], stride: int) -> np.ndarray:
    """(count, 4) proposals, in the pixels of the image that an (N, C, H, W) map was made from."""
    image = (map_shape[2] * stride, map_shape[3] * stride)
    return boxes("regions", count, image, 2.0 * stride, 0.9 * min(image))


def scenes(
    batch: int, size: tuple[int, int], classes: int
) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]]]:
    """Images (3, H, W) in 0..1 with three labelled boxes each."""
    images = [_generator(f"image {i}").random((3, *size), dtype=np.float32) for i in range(batch)]
    targets = [
        {"boxes": boxes(f"targets {i}", 3, size, 16.0, 0.7 * min(size)),
         "labels": (np.arange(3) + i) % classes}
        for i in range(batch)
    ]  # fmt: skip
    return images, targets


def lessons(
    batch: int, size: tuple[int, int], classes: int, joints: int = 14
) -> tuple[list[np.ndarray], list[dict[str, np.ndarray]]]:
    """`scenes` with everything that a system learns from.

    Every object is the ellipse in its box: ``"masks"`` (3, H, W) and, of its label, in
    ``"segmentation"`` (H, W), on a background of the label 0. ``"label"`` is one class for the
    whole image, ``"joints"`` (J, 3) are places anywhere, most of them annotated.
    """
    images, targets = scenes(batch, size, classes)
    rows, columns = np.arange(size[0])[:, None] + 0.5, np.arange(size[1]) + 0.5
    for i, target in enumerate(targets):
        x1, y1, x2, y2 = target["boxes"].astype(float).T[..., None, None]
        across = (2 * columns - x1 - x2) / (x2 - x1)
        down = (2 * rows - y1 - y2) / (y2 - y1)
        target["masks"] = across**2 + down**2 <= 1  # (3, H, W)
        target["segmentation"] = np.zeros(size, np.int64)
        for mask, label in zip(target["masks"], target["labels"], strict=True):
            target["segmentation"][mask] = label
        target["label"] = i % classes
        rng = _generator(f"joints {i}")
        places = rng.uniform(size=(joints, 2)) * size[::-1]
        target["joints"] = np.column_stack([places, rng.uniform(size=joints) < 0.9])
    return images, targets


def proposals(index: int, count: int, size: tuple[int, int]) -> np.ndarray:
    """(count, 4), what a proposer says of image ``index`` of `scenes`."""
    return boxes(f"proposals {index}", count, size, 8.0, 0.9 * min(size))


def first_vector(named: Iterable[tuple[str, Any]]) -> Any:
    """Of the parameters that learn, the first vector: of a normalisation, where there is one.

    The gradient of a bias before a normalisation would be 0, and what rounding leaves of it.
    """
    vectors = {name: p for name, p in named if p.requires_grad and len(p.shape) == 1}
    of_norms = [p for name, p in vectors.items() if name.endswith("weight")]
    return [*of_norms, *vectors.values()][0]


def layers(widths: list[int], dtype: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight, bias) of each fully connected layer from one width to the next."""
    return [
        (weight(f"{i}.weight", (wide, narrow), dtype), weight(f"{i}.bias", (wide,), dtype))
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths))
    ]


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))
