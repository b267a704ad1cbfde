"""Pascal VOC's form of segmentations: a palette picture of classes for each photograph.

Everingham et al., The Pascal Visual Object Classes Challenge (IJCV 2010), and the development kit's
readme.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, read_labelled
from minicv.data.picture_size import size_if_readable
from minicv.data.voc_layout import VOCFolder

READER = "VOCSegmentation"
SEGMENTATION_CLASSES: tuple[str, ...] = (
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle"),
    *("bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


class VOCSegmentation:
    """Photographs with a class for every pixel in Pascal VOC's form.

    The folder holds `SegmentationClass/*.png`, `JPEGImages/` and
    `ImageSets/Segmentation/<split>.txt`; `root` may also be the folder that holds
    `VOCdevkit/VOC2012` or `VOC2012` (or another single year).

    The pictures in SegmentationClass are palette pictures: their numbers are the classes, 0 for the
    background, and 255, drawn as a cream-coloured border around objects, is `VOID`. The background
    is a class like the others. Target: segmentation (H, W) int64 and image_id, the name in the
    split's file.

    `classes` is empty, for no instances are read. `segmentation_classes` are the names, and
    `segmentation_colors` (K, 3) uint8 the colours of VOC's palette.

    Args:
        root: the folder; see above.
        split: name of a file in ImageSets/Segmentation, without ".txt"; None takes every picture of
            SegmentationClass, sorted by name.
        classes: the names, in the order of their numbers; None takes VOC's twenty and background.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: a folder, the split's file, a photograph or a label map is missing.
        ValueError: no classes, or more than 255.
        ImageError: a photograph is no picture; on reading, a truncated photograph or label map.
        AnnotationError: on reading, a label map of another size than its photograph, with colours
            instead of numbers, or with a number that is no class; names the file.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.split = split
        self.segmentation_classes = SEGMENTATION_CLASSES if classes is None else tuple(classes)
        if not 1 <= len(self.segmentation_classes) <= 255:
            raise ValueError(
                f"VOCSegmentation: {len(self.segmentation_classes)} classes, expected 1..255"
            )
        self.segmentation_colors = voc_colour_map(len(self.segmentation_classes))
        faults = Faults() if faults is None else faults
        folder = self.folder(root)
        self.root = folder.root
        self.ids: list[str] = []
        self.paths: list[Path] = []
        self.label_paths: list[Path] = []
        for entry in folder.entries(split, faults):
            image = folder.picture_of(entry.annotation, "", faults)
            if image is not None and size_if_readable(image, faults) is not None:
                self.ids.append(entry.name)
                self.paths.append(image)
                self.label_paths.append(entry.annotation)
        faults.settle(READER)

    @staticmethod
    def folder(root: str | Path) -> VOCFolder:
        """The files of a set of segmentations.

        Raises:
            FileNotFoundError: there is no such set, or there are several.
        """
        kind = "SegmentationClass", "Segmentation"
        return VOCFolder(root, READER, *kind, SUFFIXES, beside=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        files = self.paths[index], self.label_paths[index]
        image, labels = read_labelled(*files, len(self.segmentation_classes), "VOCSegmentation")
        return image, {"segmentation": labels.astype(np.int64), "image_id": self.ids[index]}


def voc_colour_map(count: int) -> np.ndarray:
    """The first `count` colours of VOC's palette: black, maroon, green, olive, navy ...

    The lowest three bits of a number are the highest bits of red, green and blue; the next three
    are the second highest, and so on.

    Returns:
        (count, 3) uint8.

    Source: VOC development kit, VOClabelcolormap.m.

    >>> voc_colour_map(4).tolist(), voc_colour_map(256)[255].tolist()
    ([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]], [224, 224, 192])
    """
    numbers = np.arange(count)[:, None]
    channels = np.arange(3)
    colours = np.zeros((count, 3), np.int64)
    for step in range(8):
        colours |= (numbers >> (3 * step + channels) & 1) << (7 - step)
    return colours.astype(np.uint8)
