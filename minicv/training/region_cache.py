"""The features of all regions of a data set, on disk: too many for memory, too slow to remake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minicv.backend import to_numpy
from minicv.models.detection.post_hoc import RegionFeatures
from minicv.vision.boxes import box_iou


@dataclass(frozen=True)
class Regions:
    """The regions of one image, in memory, without their features: the G true boxes, then the rest.

    Attributes:
        boxes: (R, 4), pixels.
        labels: (G,) of the true boxes.
        overlap: (R, K) the greatest IoU with an object of each class; 0 where there is none.
        matched: (R,) the true box that each region overlaps most; 0 where there is none.
        iou: (R,) with that one.
        near: (M,) those regions whose pooled features are kept, for box regression.
    """

    boxes: np.ndarray
    labels: np.ndarray
    overlap: np.ndarray
    matched: np.ndarray
    iou: np.ndarray
    near: np.ndarray


def describe_regions(
    true_boxes: np.ndarray,
    labels: np.ndarray,
    all_boxes: np.ndarray,
    all_labels: np.ndarray,
    proposals: np.ndarray,
    classes: int,
    near_iou: float,
) -> Regions:
    """Overlaps of true boxes and proposals with the objects of an image.

    Args:
        true_boxes, labels: (G, 4) and (G,), the objects to learn from.
        all_boxes, all_labels: of all objects. Those that are not learnt from, such as difficult
            ones, are not background either.
        proposals: (R, 4).
        classes: K.
        near_iou: regions are near that overlap an object to learn from by more.
    """
    boxes = np.concatenate([true_boxes, proposals]).astype(np.float32)
    overlap = np.zeros((len(boxes), classes), np.float32)
    ious = box_iou(boxes, all_boxes.astype(np.float32))  # (R, all)
    for label in np.unique(all_labels):
        overlap[:, label] = ious[:, all_labels == label].max(axis=1)
    matched, iou = np.zeros(len(boxes), np.int64), np.zeros(len(boxes), np.float32)
    if len(true_boxes):
        to_true = box_iou(boxes, true_boxes)
        matched, iou = to_true.argmax(axis=1), to_true.max(axis=1)
    return Regions(boxes, labels, overlap, matched, iou, np.flatnonzero(iou > near_iou))


@dataclass
class RegionCache:
    """Two ``.npy`` files an image, float32: its regions' head features, and pooled ones if near.

    Attributes:
        folder: where; it is made when the first features come.
        regions: of each image so far.
        bytes_on_disk: of all files together.
    """

    folder: Path
    regions: list[Regions] = field(default_factory=list)
    bytes_on_disk: int = 0
    _norms: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, regions: Regions, features: RegionFeatures) -> None:
        """The next image's regions, and the features of all of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        index = len(self.regions)
        self._write("units", index, to_numpy(features.units))
        self._write("pooled", index, to_numpy(features.pooled)[regions.near])
        self.regions.append(regions)

    def units(self) -> Iterator[tuple[Regions, np.ndarray]]:
        """Each image's regions and their (R, U); read as far as it is used."""
        for index, regions in enumerate(self.regions):
            yield regions, np.load(self._path("units", index), mmap_mode="r")

    def pooled(self) -> Iterator[tuple[Regions, np.ndarray]]:
        """Each image's regions and (M, P) of those that are near."""
        for index, regions in enumerate(self.regions):
            yield regions, np.load(self._path("pooled", index), mmap_mode="r")

    def scale(self, kind: str, norm: float) -> float:
        """The factor that brings "units" or "pooled" to this mean norm; 1 where all are 0."""
        total, count = self._norms.get(kind, (0.0, 0))
        return norm * count / total if total > 0 else 1.0

    def _write(self, kind: str, index: int, features: np.ndarray) -> None:
        path = self._path(kind, index)
        np.save(path, features.astype(np.float32, copy=False))
        self.bytes_on_disk += path.stat().st_size
        total, count = self._norms.get(kind, (0.0, 0))
        norms = np.linalg.norm(features, axis=1)
        self._norms[kind] = total + float(norms.sum()), count + len(norms)

    def _path(self, kind: str, index: int) -> Path:
        return self.folder / f"{index:06d}.{kind}.npy"
