"""CamVid: 701 photographs from a car's windscreen in Cambridge, every pixel with a class.

Brostow, Fauqueur, Cipolla: Semantic object classes in video (Pattern Recognition Letters 2009). The
form with eleven classes and three splits is that of SegNet's authors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.label_maps_of_set import LabelMaps
from minicv.data.label_names import Label
from minicv.data.mask_coding import Looks, check_occurring, choose_coding, hold_colours, holds_void
from minicv.data.mask_files import Coding
from minicv.data.picture_folder import PictureFolder, pictures_in
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
    and 11 for a pixel without a class, which becomes `VOID`. Label maps in the published colours
    are read too, with black for a pixel without a class. There are 367, 101 and 233
    photographs, published as 480 x 360 pixels; copies are often half as large.

    `classes` is empty, for there are no instances. `segmentation_classes` are the eleven names, and
    `segmentation_colors` (11, 3) uint8 the colours in which they are usually shown. Target:
    segmentation (H, W) int64 and image_id, the name without suffix.

    Args:
        root: the folder CamVid.
        split: "train", "val" or "test".
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        ValueError: an unknown split.
        FileNotFoundError: a folder is missing or empty, or a photograph has no label map.
        ImageError: a label map cannot be read; on reading, a truncated photograph.
        AnnotationError: a label map of another size than its photograph, or with a number above 11
            that is not 255, or another colour; or fewer than two classes occur beside 255 in
            training. Names all of the files.
    """

    classes: tuple[str, ...] = ()
    segmentation_classes: tuple[str, ...] = tuple(CLASSES)
    segmentation_colors: np.ndarray = np.array(list(CLASSES.values()), np.uint8)

    def __init__(
        self, root: str | Path, split: str = "train", faults: Faults | None = None
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"CamVid: split is {split!r}, expected one of {', '.join(SPLITS)}")
        faults = Faults() if faults is None else faults
        self.root, self.split = Path(root), split
        images, annotations = self.root / split, self.root / f"{split}annot"
        for folder in (images, annotations):
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"CamVid: there is no folder {folder}; root is the folder that holds train/, "
                    "trainannot/ and so on"
                )
        pictures, masks = pictures_in(images), PictureFolder(annotations)
        if not pictures:
            raise FileNotFoundError(f"CamVid: {images} holds no photograph")
        pairs = []
        for picture in pictures:
            found = masks.named(f"{picture.stem}.png") or masks.named(f"{picture.stem}_L.png")
            if found:
                pairs.append((picture, found[0]))
                continue
            what = f"{picture} has no label map {annotations / picture.stem}.png"
            faults.error("picture without annotation", annotations, what, FileNotFoundError)
        self._maps = LabelMaps(pairs, _decide, annotations, faults, "CamVid")
        self.paths = [pairs[index][0] for index in self._maps.good]
        self.label_paths = [pairs[index][1] for index in self._maps.good]
        if split == "train" and holds_void(self._maps.looks):
            check_occurring(self._maps.looks, self._maps.coding, annotations, faults)
        faults.settle("CamVid")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, labels = self._maps.read(self._maps.good[index])
        return image, {"segmentation": labels, "image_id": self.paths[index].stem}


def _decide(looks: Looks) -> Coding:
    """Numbers 0..10 and colours are the classes; 11, 255 and black are none."""
    black = (0, 0, 0)
    if hold_colours(looks, [*CLASSES.values(), black]):
        labels = [Label(name, colour) for name, colour in CLASSES.items()]
        return choose_coding(looks, None, [*labels, Label("void", black)])
    numbers = {k: k for k in range(UNLABELLED)}
    return Coding(tuple(CLASSES), {**numbers, UNLABELLED: VOID, VOID: VOID})
