"""Pascal VOC's segmentations: a palette picture for each photograph.

Everingham et al., The Pascal Visual Object Classes Challenge (IJCV 2010), and the development kit's
readme. Other tools (LabelMe and CVAT among them) write the same form.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data.errors import AnnotationError
from minicv.data.image_folder import open_image, to_array
from minicv.data.label_map_files import read_label_map
from minicv.data.voc_folders import find_photograph, find_voc_root, read_voc_split
from minicv.vision.label_maps import check_label_map

CLASSES: tuple[str, ...] = (
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

    Raises:
        FileNotFoundError: a folder, the split's file, a photograph or a label map is missing.
        ValueError: no classes, or more than 255.
        ImageError: on reading, a truncated photograph or label map; names the file.
        AnnotationError: on reading, a label map of another size than its photograph, with colours
            instead of numbers, or with a number that is no class; names the file.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Sequence[str] | None = None,
    ) -> None:
        self.root = find_voc_root(Path(root), "SegmentationClass", "VOCSegmentation")
        self.split = split
        self.segmentation_classes = CLASSES if classes is None else tuple(classes)
        if not 1 <= len(self.segmentation_classes) <= 255:
            raise ValueError(
                f"VOCSegmentation: {len(self.segmentation_classes)} classes, expected 1..255"
            )
        self.segmentation_colors = voc_colour_map(len(self.segmentation_classes))
        self.ids = self._read_split()
        self.paths, self.label_paths = [], []
        for name in self.ids:
            image = find_photograph(self.root / "JPEGImages", name)
            labels = self.root / "SegmentationClass" / f"{name}.png"
            if image is None:
                path = self.root / "JPEGImages" / name
                raise FileNotFoundError(
                    f"VOCSegmentation: there is no photograph {path} (.jpg, .jpeg or .png)"
                )
            if not labels.is_file():
                raise FileNotFoundError(f"VOCSegmentation: {image} has no label map {labels}")
            self.paths.append(image)
            self.label_paths.append(labels)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image = to_array(open_image(self.paths[index]))
        path = self.label_paths[index]
        labels = read_label_map(path)  # (H, W) uint8
        try:
            check_label_map(labels, len(self.segmentation_classes), str(path), image.shape[1:])
        except ValueError as error:
            raise AnnotationError(f"VOCSegmentation: {error}") from error
        return image, {"segmentation": labels.astype(np.int64), "image_id": self.ids[index]}

    def _read_split(self) -> list[str]:
        if self.split is None:
            return sorted(path.stem for path in (self.root / "SegmentationClass").glob("*.png"))
        path = self.root / "ImageSets" / "Segmentation" / f"{self.split}.txt"
        return read_voc_split(path, self.split, "VOCSegmentation")


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
