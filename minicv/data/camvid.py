"""CamVid: 701 photographs from a car's windscreen in Cambridge, every pixel with a class.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (Pattern Recognition Letters 2009). The
form with eleven classes and three splits is that of SegNet's authors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicv.data.image_files import SUFFIXES, read_labelled
from minicv.vision.label_maps import VOID

SPLITS = ("train", "val", "test")
CLASSES: dict[str, tuple[int, int, int]] = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (60, 40, 222),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}
UNLABELLED = len(CLASSES)  # the number of a pixel without a class in the files


class CamVid:
    """Road scenes with a class for every pixel, from `train/`, `trainannot/` and so on.

    The folder holds photographs in `train/`, `val/` and `test/`, and beside each the label maps of
    the same names in `trainannot/`, `valannot/` and `testannot/`, as .png with the numbers 0..10,
    and 11 for a pixel without a class, which becomes `VOID`. There are 367, 101 and 233
    photographs, published as 480 x 360 pixels; copies are often half as large.

    `classes` is empty, for there are no instances. `segmentation_classes` are the eleven names, and
    `segmentation_colors` (11, 3) uint8 the colours in which they are usually shown. Target:
    segmentation (H, W) int64 and image_id, the name without suffix.

    Args:
        root: the folder CamVid.
        split: "train", "val" or "test".

    Raises:
        ValueError: an unknown split.
        FileNotFoundError: a folder is missing or empty, or a photograph has no label map; the
            message names it.
        ImageError: on reading, a truncated photograph or label map; names the file.
        AnnotationError: on reading, a label map of another size than its photograph, or with a
            number above 11; names the file.
    """

    classes: tuple[str, ...] = ()
    segmentation_classes: tuple[str, ...] = tuple(CLASSES)
    segmentation_colors: np.ndarray = np.array(list(CLASSES.values()), np.uint8)

    def __init__(self, root: str | Path, split: str = "train") -> None:
        if split not in SPLITS:
            raise ValueError(f"CamVid: split is {split!r}, expected one of {', '.join(SPLITS)}")
        self.root, self.split = Path(root), split
        images, annotations = self.root / split, self.root / f"{split}annot"
        for folder in (images, annotations):
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"CamVid: there is no folder {folder}; root is the folder that holds train/, "
                    "trainannot/ and so on"
                )
        self.paths = sorted(p for p in images.iterdir() if p.suffix.lower() in SUFFIXES)
        if not self.paths:
            raise FileNotFoundError(f"CamVid: {images} holds no photograph")
        self.label_paths = [annotations / f"{path.stem}.png" for path in self.paths]
        for path, labels in zip(self.paths, self.label_paths, strict=True):
            if not labels.is_file():
                raise FileNotFoundError(f"CamVid: {path} has no label map {labels}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        image, labels = read_labelled(path, self.label_paths[index], UNLABELLED + 1, "CamVid")
        segmentation = np.where(labels == UNLABELLED, VOID, labels).astype(np.int64)
        return image, {"segmentation": segmentation, "image_id": path.stem}
