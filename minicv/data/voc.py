"""Pascal VOC's form: an XML file of boxes, or a palette picture of classes, for each photograph.

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
from minicv.data.image_files import AnnotationError, ImageError, read_image, read_labelled

SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")
SEGMENTATION_CLASSES: tuple[str, ...] = (
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle"),
    *("bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def find_voc_root(root: Path, needed: str, reader: str) -> Path:
    """The folder that has a folder `needed`: root, root/VOC<year>, or root/VOCdevkit/VOC<year>.

    Args:
        root: what the user gave.
        needed: "Annotations" or "SegmentationClass".
        reader: name of the data set, for the messages.

    Raises:
        FileNotFoundError: there is none, or several years have it.
    """
    if (root / needed).is_dir():
        return root
    years = [
        path
        for parent in (root, root / "VOCdevkit")
        if parent.is_dir()
        for path in sorted(parent.glob("VOC*"))
        if (path / needed).is_dir()
    ]
    if len(years) == 1:
        return years[0]
    if years:
        names = ", ".join(str(path) for path in years)
        raise FileNotFoundError(f"{reader}: {root} holds several sets; give one of {names}")
    raise FileNotFoundError(
        f"{reader}: {root} has no folder {needed}, nor a VOC2007 or VOCdevkit/VOC2007 in it"
    )


def read_voc_split(
    root: Path, split: str | None, lists: str, annotations: str, reader: str
) -> list[str]:
    """The names in a split's file, such as ImageSets/Main/train.txt.

    Args:
        root: the folder of the set.
        split: name of the file; None takes the names of all annotations, sorted.
        lists: the folder in ImageSets.
        annotations: pattern of their files, such as "Annotations/*.xml".
        reader: name of the data set, for the message.

    Raises:
        FileNotFoundError: the file is missing; names the splits that are there.
    """
    if split is None:
        return sorted(path.stem for path in root.glob(annotations))
    path = root / "ImageSets" / lists / f"{split}.txt"
    if not path.is_file():
        others = sorted(p.stem for p in path.parent.glob("*.txt")) if path.parent.is_dir() else []
        raise FileNotFoundError(
            f"{reader}: split {split!r} needs {path}, which is not there; "
            f"splits here: {', '.join(others) or 'none (split=None takes every file)'}"
        )
    # A line holds a name; the lists of one class add -1, 0 or 1.
    return [line.split()[0] for line in path.read_text().splitlines() if line.strip()]


def find_photograph(root: Path, name: str, reader: str, otherwise: str = "") -> Path:
    """The photograph of that name, whatever its suffix, or else the file called `otherwise`.

    Raises:
        FileNotFoundError: there is neither.
    """
    folder = root / "JPEGImages"
    names = [*(f"{name}{suffix}" for suffix in SUFFIXES), Path(otherwise).name]
    for path in (folder / file_name for file_name in names):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{reader}: there is no photograph {folder / name} (.jpg, .jpeg or .png)"
    )


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
        self.segmentation_classes = SEGMENTATION_CLASSES if classes is None else tuple(classes)
        if not 1 <= len(self.segmentation_classes) <= 255:
            raise ValueError(
                f"VOCSegmentation: {len(self.segmentation_classes)} classes, expected 1..255"
            )
        self.segmentation_colors = voc_colour_map(len(self.segmentation_classes))
        self.ids = read_voc_split(
            self.root, split, "Segmentation", "SegmentationClass/*.png", "VOCSegmentation"
        )
        self.paths, self.label_paths = [], []
        for name in self.ids:
            image = find_photograph(self.root, name, "VOCSegmentation")
            labels = self.root / "SegmentationClass" / f"{name}.png"
            if not labels.is_file():
                raise FileNotFoundError(f"VOCSegmentation: {image} has no label map {labels}")
            self.paths.append(image)
            self.label_paths.append(labels)

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
