"""Pascal VOC's form of segmentations: a palette picture of classes for each photograph.

Everingham et al., The Pascal Visual Object Classes Challenge (IJCV 2010), and the development kit's
readme.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, AnnotationError
from minicv.data.label_maps_of_set import LabelMaps
from minicv.data.label_names import Label, find_label_file, read_labels
from minicv.data.mask_coding import (
    CodingError,
    Looks,
    check_occurring,
    choose_coding,
    coding_of_numbers,
    colours_of,
    holds_void,
)
from minicv.data.mask_files import Coding
from minicv.data.split_names import role_in
from minicv.data.voc_layout import VOCFolder, told
from minicv.vision.label_maps import voc_colour_map

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

    CVAT writes colours instead of numbers, and beside them ``labelmap.txt``, which says what they
    mean; another file of `LABEL_FILES` does as well.

    `classes` is empty, for no instances are read. `segmentation_classes` are the names, and
    `segmentation_colors` (K, 3) uint8 the colours of VOC's palette, or those of the file.

    Args:
        root: the folder; see above.
        split: name of a file in ImageSets/Segmentation, without ".txt"; None takes every picture of
            SegmentationClass, sorted by name.
        classes: the names, in the order of their numbers; None takes those of a file of names in
            ``root``, or else VOC's twenty and background.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: a folder, the split's file, a photograph or a label map is missing.
        ValueError: no classes, or more than 255.
        ImageError: a photograph is no picture, or a label map cannot be read.
        AnnotationError: a label map of another size than its photograph, with colours that no file
            explains, or with a number that is no class; or fewer than two classes occur beside 255
            in a split to learn from. Names all of the files.
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
        if classes is not None and not 1 <= len(classes) <= 255:
            raise ValueError(f"{READER}: {len(classes)} classes, expected 1..255")
        faults = Faults() if faults is None else faults
        folder = self.folder(root)
        self.root = folder.root
        names, pairs = [], []
        for entry in folder.entries(split, faults):
            image = folder.picture_of(entry.annotation, "", faults)
            if image is not None:
                names.append(entry.name)
                pairs.append((image, entry.annotation))
        labels = _labels_of(folder, faults)
        self._maps = LabelMaps(
            pairs, lambda looks: _decide(looks, classes, labels), folder.labels, faults, READER
        )
        self.segmentation_classes = self._maps.coding.names or SEGMENTATION_CLASSES
        self.segmentation_colors = voc_colour_map(len(self.segmentation_classes))
        if self._maps.coding.names:
            self.segmentation_colors = colours_of(self._maps.coding)
        good = self._maps.good
        self.ids = [names[index] for index in good]
        self.paths: list[Path] = [pairs[index][0] for index in good]
        self.label_paths: list[Path] = [pairs[index][1] for index in good]
        to_learn = split is None or role_in(split) in ("train", "")
        if to_learn and holds_void(self._maps.looks):
            advice = (
                f"; 255 is no class in VOC's form: read masks of 0 and 255 by "
                f"masks:{folder.pictures},{folder.labels}"
            )
            check_occurring(self._maps.looks, self._maps.coding, folder.labels, faults, advice)
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
        image, labels = self._maps.read(self._maps.good[index])
        return image, {"segmentation": labels, "image_id": self.ids[index]}


def _labels_of(folder: VOCFolder, faults: Faults) -> list[Label]:
    """The classes in a file beside the label maps; none where there is no such file."""
    file = find_label_file(folder.root, folder.labels)
    if file is None:
        return []
    try:
        return read_labels(file, READER)
    except AnnotationError as error:
        faults.error("wrong names of classes", file, told(error, READER, file))
        return []


def _decide(looks: Looks, classes: Sequence[str] | None, labels: Sequence[Label]) -> Coding:
    """Colours mean what the file says; numbers are classes, and 255 is none."""
    coloured = [path for path, look in looks if look.colours]
    if any(label.colour for label in labels):
        coding = choose_coding(looks, classes, labels)
        if coding.colours or coloured:
            return coding
    elif coloured:
        more = f", as have {len(coloured) - 1} more" if len(coloured) > 1 else ""
        raise CodingError(
            f"{coloured[0]} has the mode RGB, so colours{more}, expected one number of 8 bits for "
            "each pixel (mode L or P); a file labelmap.txt in the folder of the set may say what "
            "colours mean, in lines such as cow:128,0,0"
        )
    return coding_of_numbers(classes or [label.name for label in labels] or SEGMENTATION_CLASSES)
