"""The proposers that are compared: ours, and OpenCV's Selective Search in a process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.data.loader import Dataset
from minicv.proposals import (
    Bing,
    EdgeBoxes,
    Objectness,
    Proposer,
    SelectiveSearch,
    SlidingWindow,
    train_bing,
    train_objectness,
)
from minicv.training import Progress

ROOT = Path(__file__).resolve().parent.parent
OPENCV = "OpenCV, Selective Search, fast"


def trained_bing(training: Dataset) -> Proposer:
    """BING, after a look at the photographs and the boxes of their objects."""
    return Bing(train_bing(*_images_and_boxes(training), np.random.default_rng(0)))


def trained_objectness(training: Dataset) -> Proposer:
    """Objectness, after the same."""
    return Objectness(train_objectness(*_images_and_boxes(training), np.random.default_rng(0)))


# From photographs to learn from, none of which is measured on, to a proposer.
PROPOSERS: dict[str, Callable[[Dataset], Proposer]] = {
    "sliding window": lambda training: SlidingWindow(),
    "Selective Search, fast": lambda training: SelectiveSearch.fast(),
    "Selective Search, quality": lambda training: SelectiveSearch.quality(),
    "Edge Boxes": lambda training: EdgeBoxes(),
    "BING": trained_bing,
    "objectness": trained_objectness,
}


@dataclass(frozen=True)
class Proposed:
    """What a proposer found on each photograph, and how long it took: wall clock and CPU."""

    found: list[tuple[np.ndarray, np.ndarray]]  # boxes (R, 4), scores (R,)
    seconds: list[float]
    cpu_seconds: list[float]


def propose_with(proposer: Proposer, images: Sequence[np.ndarray], name: str) -> Proposed:
    """Ask a proposer of ours for each image; the generator of image i comes from the seed i."""
    found, seconds, cpu_seconds = [], [], []
    with one_core():
        for number, image in enumerate(Progress(images, name)):
            started, cpu = time.perf_counter(), time.process_time()
            found.append(proposer.propose(image, np.random.default_rng(number)))
            seconds.append(time.perf_counter() - started)
            cpu_seconds.append(time.process_time() - cpu)
    return Proposed(found, seconds, cpu_seconds)


def propose_with_opencv(python: str, images: Sequence[np.ndarray]) -> Proposed:
    """OpenCV's Selective Search in fast mode; its boxes come in order but without scores.

    Args:
        python: an interpreter that can import cv2.
        images: (3, H, W) floats in 0..1.
    """
    found, seconds, cpu_seconds = [], [], []
    with tempfile.TemporaryDirectory() as name, one_core():
        folder = Path(name)
        for number, image in enumerate(images):
            pixels = np.floor(np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
            np.save(folder / f"{number}.npy", pixels.transpose(1, 2, 0))  # -> (H, W, 3)
        command = [python, "-m", "benchmarks.opencv_selective_search", str(folder)]
        subprocess.run(command, check=True, cwd=ROOT)
        for number in range(len(images)):
            with np.load(folder / f"{number}.npz") as file:
                boxes = file["boxes"].astype(np.float32)
                wall, cpu = file["seconds"].tolist()
            found.append((boxes, -np.arange(len(boxes), dtype=np.float32)))
            seconds.append(wall)
            cpu_seconds.append(cpu)
    return Proposed(found, seconds, cpu_seconds)


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This process, and what it starts, on one core of those it may use (where Linux is)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _images_and_boxes(dataset: Dataset) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """All images, and the boxes of each; a box around a crowd is no object."""
    images, boxes = [], []
    for image, target in dataset:
        crowds = target.get("iscrowd", np.zeros(len(target["boxes"]), bool)).astype(bool)
        images.append(image)
        boxes.append(target["boxes"][~crowds])
    return images, boxes
