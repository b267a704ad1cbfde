"""One split in numbers: pictures, objects by class and size, pixels by class, joints."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from minicv.data.doctor.sample import Sample, look_at
from minicv.data.loader import Dataset
from minicv.data.wrapped import Cached
from minicv.vision.label_maps import VOID


class Census:
    """What a split holds, counted sample by sample.

    Args:
        split: its name: train, validation or test.
        dataset: its samples.
        most: look at so many samples at most, evenly spread; None looks at all.

    Attributes:
        classes, pixel_classes, joint_names: names of the labels of objects, pixels and joints.
        samples: of every sample its numbers, in order.
        objects, areas, pixels, pictures_with: by label the number of objects, and of pixels; small,
            medium and large objects; by label of pixels the pictures that show it.
        joints: (J,) how many people show each joint.
    """

    def __init__(self, split: str, dataset: Any, most: int | None = None) -> None:
        # Every sample is wanted once: a cache would only fill the memory.
        self.dataset: Dataset = dataset.dataset if isinstance(dataset, Cached) else dataset
        self.split = split
        self.classes: tuple[str, ...] = tuple(dataset.classes)
        self.pixel_classes: tuple[str, ...] = tuple(getattr(dataset, "segmentation_classes", ()))
        self.joint_names: tuple[str, ...] = tuple(getattr(dataset, "joint_names", ()))
        self.length = len(dataset)
        count = self.length if most is None else min(most, self.length)
        self.indices = [i * self.length // count for i in range(count)]
        self.samples: list[Sample] = []
        self.objects: Counter[int] = Counter()
        self.pixels: Counter[int] = Counter()
        self.pictures_with: Counter[int] = Counter()
        self.areas = np.zeros(3, np.int64)
        self.joints = np.zeros(len(self.joint_names), np.int64)

    def read(self, workers: int = 2) -> Iterator[Sample]:
        """Look at the samples in order, side by side in ``workers`` threads, and count them."""
        for sample in _in_order(self._look_at, self.indices, workers):
            self._count(sample)
            yield sample

    @property
    def readable(self) -> list[Sample]:
        """The samples that could be read."""
        return [sample for sample in self.samples if sample.size is not None]

    @property
    def labelled_pixels(self) -> int:
        """How many pixels have a class."""
        return self.pixels.total() - self.pixels[VOID]

    @property
    def void_share(self) -> float:
        """Which part of the pixels has no class; 0 without label maps."""
        return self.pixels[VOID] / max(1, self.pixels.total())

    def as_json(self) -> dict[str, Any]:
        """For the report's file."""
        heights_and_widths = np.array([s.size for s in self.readable]).reshape(-1, 2)
        record: dict[str, Any] = {
            "pictures": self.length,
            "looked_at": len(self.indices),
            "unreadable": len(self.samples) - len(self.readable),
        }
        if len(heights_and_widths):
            record |= {
                "height": _spread(heights_and_widths[:, 0]),
                "width": _spread(heights_and_widths[:, 1]),
            }
        if self.classes:
            record["objects"] = {name: self.objects[k] for k, name in enumerate(self.classes)}
            sizes = ("small", "medium", "large")
            record["objects_by_size"] = dict(zip(sizes, self.areas.tolist(), strict=True))
        if self.pixels:
            record["pixels"] = {name: self.pixels[k] for k, name in enumerate(self.pixel_classes)}
            record["pixels_without_class"] = self.pixels[VOID]
            record["pictures_with"] = {
                name: self.pictures_with[k] for k, name in enumerate(self.pixel_classes)
            }
        if self.joint_names:
            record["joints"] = dict(zip(self.joint_names, self.joints.tolist(), strict=True))
        return record

    def _look_at(self, index: int) -> Sample:
        return look_at(self.dataset, index, self.classes, self.joint_names)

    def _count(self, sample: Sample) -> None:
        self.samples.append(sample)
        self.objects.update(sample.objects)
        self.areas += sample.areas
        self.pixels.update(sample.pixels)
        self.pictures_with.update(sample.pixels.keys())
        if sample.joints is not None and len(sample.joints) == len(self.joints):
            self.joints += sample.joints


def _spread(values: np.ndarray) -> dict[str, int]:
    least, middle, greatest = (int(f(values)) for f in (np.min, np.median, np.max))
    return {"least": least, "median": middle, "greatest": greatest}


def _in_order(function: Any, items: Sequence[int], workers: int) -> Iterator[Any]:
    """``function`` of each item, in order; the threads are a few items ahead, not all."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="minicv-doctor")
    waiting: deque[Future] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
