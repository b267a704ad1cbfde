"""Pascal VOC's form of boxes: an XML file for each photograph.

Everingham et al., The Pascal Visual Object Classes Challenge (IJCV 2010), and the development kit's
readme. Other tools (LabelImg, LabelMe, CVAT and more) write the same form.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data.checks import clip_to_picture, warn_of_repairs
from minicv.data.image_files import AnnotationError, ImageError, read_image
from minicv.data.voc_layout import find_photograph, find_voc_root, read_voc_split


@dataclass
class _Entry:
    """One photograph and the objects in its XML file."""

    image: Path
    boxes: np.ndarray  # (N, 4) float32, half-open
    names: list[str]
    difficult: np.ndarray  # (N,) bool


class VOCDetection:
    """Photographs with boxes in Pascal VOC's form.

    The folder holds `Annotations/*.xml`, `JPEGImages/` and `ImageSets/Main/<split>.txt`; `root` may
    also be the folder that holds `VOCdevkit/VOC2007` or `VOC2007` (or another single year).

    **Coordinates.** VOC counts pixels from 1 and includes the last one: a box around the first
    pixel is (1, 1, 1, 1). Here boxes are half-open and count from 0, so xmin, ymin, xmax, ymax
    become xmin - 1, ymin - 1, xmax, ymax.

    **Wrong boxes.** A box that reaches out of the photograph is clipped to it. A box is dropped if
    its corners coincide as they are written (xmax <= xmin or ymax <= ymin), or if nothing is left
    of it after clipping. (Strictly, equal corners are a box of one pixel, but in real files they
    are a slip of the mouse.) One `DatasetWarning` for the whole set says how many boxes were wrong,
    and names the first file and field. With `strict=True` the first such box is an error.

    All XML files of the split are read when the set is made, so that a wrong one is found before
    training starts. Target: boxes (N, 4), labels (N,), difficult (N,), area (N,) of the boxes, and
    image_id, the name in the split file. A photograph without objects has empty arrays.

    Args:
        root: the folder; see above.
        split: name of a file in ImageSets/Main, without ".txt"; None takes every XML file, sorted
            by name.
        classes: the names, in the order of their labels; None takes the names that occur in *all*
            XML files of the folder (so that every split agrees), sorted.
        strict: refuse wrong boxes instead of repairing them.

    Raises:
        FileNotFoundError: a folder, the split's file, an XML file or a photograph is missing.
        AnnotationError: an XML file is truncated or lacks a field, or names a class that `classes`
            does not declare, or (strict) has a wrong box.
        ImageError: a photograph is truncated or no picture; on reading it.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Sequence[str] | None = None,
        strict: bool = False,
    ) -> None:
        self.root = find_voc_root(Path(root), "Annotations", "VOCDetection")
        self.split, self.strict = split, strict
        self.ids = read_voc_split(self.root, split, "Main", "Annotations/*.xml", "VOCDetection")
        if classes is None:
            classes = annotated_classes(self.root)
        self.classes: tuple[str, ...] = tuple(classes)
        self._repairs: list[str] = []
        self._entries = [self._read_entry(name) for name in self.ids]
        warn_of_repairs("VOCDetection", self._repairs)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        entry = self._entries[index]
        image = read_image(entry.image)
        boxes = entry.boxes.copy()
        labels = [self.classes.index(name) for name in entry.names]
        return image, {
            "boxes": boxes,
            "labels": np.array(labels, np.int64),
            "difficult": entry.difficult.copy(),
            "area": (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
            "image_id": self.ids[index],
        }

    def _read_entry(self, name: str) -> _Entry:
        xml = self.root / "Annotations" / f"{name}.xml"
        annotation = _parse(xml)
        named = (annotation.findtext("filename") or "").strip()
        image = find_photograph(self.root, name, "VOCDetection", otherwise=named)
        width, height = _upright_size(image)
        boxes, names, difficult = [], [], []
        for number, item in enumerate(annotation.iter("object"), start=1):
            field = f"object {number}"
            label = _text(xml, item, "name", field)
            if label not in self.classes:
                raise AnnotationError(
                    f"VOCDetection: {xml}: {field} has the name {label!r}, which is not among the "
                    f"declared classes {self.classes}"
                )
            box = self._read_box(xml, item, f"{field} ({label})", width, height)
            if box is not None:
                boxes.append(box)
                names.append(label)
                difficult.append((item.findtext("difficult") or "0").strip() == "1")
        return _Entry(
            image, np.array(boxes, np.float32).reshape(-1, 4), names, np.array(difficult, bool)
        )

    def _read_box(
        self, xml: Path, item: ElementTree.Element, field: str, width: int, height: int
    ) -> np.ndarray | None:
        """The half-open box in the picture; None if it is to be dropped."""
        corners, texts = [], []
        for key in ("xmin", "ymin", "xmax", "ymax"):
            text = _text(xml, item, f"bndbox/{key}", field)
            texts.append(text)
            try:
                corners.append(float(text))
            except ValueError:
                corners.append(np.nan)
            if not np.isfinite(corners[-1]):
                raise AnnotationError(
                    f"VOCDetection: {xml}: {field}, bndbox/{key} is {text!r}, expected a number"
                )
        half_open = [corners[0] - 1, corners[1] - 1, corners[2], corners[3]]
        box, wrong = clip_to_picture(half_open, height, width)
        degenerate = corners[2] <= corners[0] or corners[3] <= corners[1]
        if degenerate:
            box, wrong = None, True
        if wrong:
            place = "has no area" if degenerate else f"is not inside the {width} x {height} picture"
            fault = f"{xml}: {field}, bndbox ({', '.join(texts)}) {place}"
            if self.strict:
                raise AnnotationError(f"VOCDetection: {fault}")
            self._repairs.append(f"{fault}; {'dropped' if box is None else 'clipped'}")
        return box


def annotated_classes(root: str | Path) -> tuple[str, ...]:
    """The names of objects that occur in all XML files of a set, whatever their split, sorted.

    Args:
        root: as for `VOCDetection`.

    Raises:
        FileNotFoundError: there is no folder Annotations.
        AnnotationError: an XML file is truncated, or an object in it has no name.
    """
    names = set()
    annotations = find_voc_root(Path(root), "Annotations", "VOCDetection") / "Annotations"
    for xml in sorted(annotations.glob("*.xml")):
        for number, item in enumerate(_parse(xml).iter("object"), start=1):
            names.add(_text(xml, item, "name", f"object {number}"))
    return tuple(sorted(names))


def _parse(xml: Path) -> ElementTree.Element:
    if not xml.is_file():
        raise FileNotFoundError(f"VOCDetection: there is no annotation {xml}")
    try:
        return ElementTree.parse(xml).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise AnnotationError(f"VOCDetection: {xml} is no complete XML file: {error}") from error


def _text(xml: Path, item: ElementTree.Element, path: str, field: str) -> str:
    text = item.findtext(path)
    if text is None or not text.strip():
        raise AnnotationError(f"VOCDetection: {xml}: {field} has no {path}")
    return text.strip()


def _upright_size(path: Path) -> tuple[int, int]:
    """Width and height as `read_image` will return them; reads only the file's header."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)  # EXIF orientation
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"VOCDetection: cannot read {path}: it is no picture") from error
    return (height, width) if turned else (width, height)
