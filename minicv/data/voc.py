"""Pascal VOC's form of boxes: an XML file for each photograph.

Everingham et al., The Pascal Visual Object Classes Challenge (IJCV 2010), and the development kit's
readme. Other tools (labelImg, CVAT, Roboflow and more) write the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.data.checks import clip_to_picture
from minicv.data.class_names import names_alike, plain_name
from minicv.data.faults import Faults
from minicv.data.image_files import read_image
from minicv.data.picture_size import PictureSize, drawn_on_stored, size_if_readable, upright_box
from minicv.data.voc_annotation import VOCAnnotation, VOCObject, read_annotation
from minicv.data.voc_layout import VOCEntry, VOCFolder

READER = "VOCDetection"


@dataclass
class _Entry:
    """One photograph and the objects in its XML file."""

    name: str
    image: Path
    boxes: np.ndarray  # (N, 4) float32, half-open
    labels: np.ndarray  # (N,) int64
    difficult: np.ndarray  # (N,) bool


class VOCDetection:
    """Photographs with boxes in Pascal VOC's form, as VOC and other tools write it.

    VOC's folder holds `Annotations/*.xml`, `JPEGImages/` and `ImageSets/Main/<split>.txt`; `root`
    may also be the folder that holds `VOCdevkit/VOC2007` or `VOC2007` (or another single year).
    CVAT's is alike, with subfolders. labelImg puts each XML file beside its picture, in any
    folders, without lists; Roboflow does so in folders train, valid and test.

    The picture of an XML file has its name; if there is none, it is the one that the file names. A
    picture without XML file is not labelled, and left out with a warning, unless a list names it.

    **Coordinates.** VOC counts pixels from 1 and includes the last one: a box around the first
    pixel is (1, 1, 1, 1). Here boxes are half-open and count from 0, so xmin, ymin, xmax, ymax
    become xmin - 1, ymin - 1, xmax, ymax. (Tools that count from 0 write an xmin of 0 for a box
    at the left border; there it stays.) Boxes that were drawn on a picture as it is stored, before
    its EXIF orientation is applied, are turned with it: `size` in the file tells.

    **Wrong boxes.** A box that reaches out of the photograph is clipped to it. A box is dropped if
    its corners coincide as they are written (xmax <= xmin or ymax <= ymin), or if nothing is left
    of it after clipping. (Strictly, equal corners are a box of one pixel, but in real files they
    are a slip of the mouse.) A `DatasetWarning` for each kind says how many boxes were wrong, and
    names the first file and field. With `strict=True` such boxes are errors.

    All XML files of the split are read when the set is made, so that whatever is wrong is found
    before training starts, and told together. Target: boxes (N, 4), labels (N,), difficult (N,),
    area (N,) of the boxes, and image_id, the path of the XML file in its folder, without suffix. A
    photograph without objects has empty arrays.

    Args:
        root: the folder; see above.
        split: name of a file in ImageSets/Main, without ".txt", or of a folder such as Roboflow's
            train; None takes every XML file, sorted by name.
        classes: the names, in the order of their labels; None takes the names that occur in *all*
            XML files of the folder (so that every split agrees), sorted.
        strict: refuse wrong boxes instead of repairing them.
        faults: takes what is wrong with the files; None warns and raises.

    Attributes:
        ids, paths: of each photograph the image_id and the file.

    Raises:
        FileNotFoundError: a folder, the split's file, an XML file or a photograph is missing.
        AnnotationError: an XML file is truncated or of another form, lacks a field or holds no
            number where one is expected, names a class that `classes` does not declare, was made
            for a picture of another size, or (strict) has a wrong box.
        ImageError: a photograph is no picture; on reading it, is truncated.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Sequence[str] | None = None,
        strict: bool = False,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        folder = VOCFolder(root, READER)
        self.root, self.split, self.strict = folder.root, split, strict
        if classes is None:
            classes = _names_in(folder, faults)
        self.classes: tuple[str, ...] = tuple(classes)
        self._entries: list[_Entry] = []
        annotated: dict[Path, Path] = {}
        for listed in folder.entries(split, faults):
            entry = self._read_entry(listed, folder, annotated, faults)
            if entry is not None:
                self._entries.append(entry)
        for picture in folder.pictures_of(split):
            if picture not in annotated and annotated:
                what = "there is no XML file for it"
                faults.repaired("picture without annotation", picture, what, "left out")
        if split is None and not annotated:
            what = "it holds no XML file of a picture"
            faults.error("no annotations", folder.labels, what, FileNotFoundError)
        self.ids = [entry.name for entry in self._entries]
        self.paths = [entry.image for entry in self._entries]
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        entry = self._entries[index]
        boxes = entry.boxes.copy()
        return read_image(entry.image), {
            "boxes": boxes,
            "labels": entry.labels.copy(),
            "difficult": entry.difficult.copy(),
            "area": (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
            "image_id": entry.name,
        }

    def labels_of(self, index: int) -> np.ndarray:
        """The labels of the objects to learn from, without reading the photograph.

        Those of difficult objects are left out.
        """
        entry = self._entries[index]
        return entry.labels[~entry.difficult]

    def _read_entry(
        self, listed: VOCEntry, folder: VOCFolder, annotated: dict[Path, Path], faults: Faults
    ) -> _Entry | None:
        """The photograph and the objects of an XML file; None, and a note, if it cannot be used."""
        xml = listed.annotation
        has_picture = folder.has_picture(listed)
        annotation = read_annotation(xml, READER, faults, has_picture)
        if annotation is None and not has_picture:
            return None
        named = "" if annotation is None else annotation.picture
        image = folder.picture_of(xml, named, faults)
        if image is None:
            return None
        if image in annotated:
            what = f"it labels {image}, which {annotated[image]} labels too"
            faults.error("two annotations of a picture", xml, what)
            return None
        annotated[image] = xml
        size = size_if_readable(image, faults)
        if annotation is None or size is None:
            return None
        turned = drawn_on_stored(size, annotation.size, image, xml, faults)
        if turned is None:
            return None
        objects = list(self._objects(annotation, xml, size, turned, faults))
        return _Entry(
            listed.name,
            image,
            np.array([box for _, box in objects], np.float32).reshape(-1, 4),
            np.array([self.classes.index(item.name) for item, _ in objects], np.int64),
            np.array([item.difficult for item, _ in objects], bool),
        )

    def _objects(
        self,
        annotation: VOCAnnotation,
        xml: Path,
        size: PictureSize,
        turned: bool,
        faults: Faults,
    ) -> Iterable[tuple[VOCObject, np.ndarray]]:
        """The objects that can be used, each with its half-open box in the upright picture."""
        for item in annotation.objects:
            if item.name not in self.classes:
                alike = [name for name in self.classes if plain_name(name) == plain_name(item.name)]
                what = (
                    f"{item.where.partition(' (')[0]} has the name {item.name!r}, which is not "
                    f"among the declared classes {self.classes}"
                    f"{f'; is {alike[0]!r} meant?' if alike else ''}"
                )
                faults.error("unknown class", xml, what)
                continue
            box = self._box(item, xml, size, turned, faults)
            if box is not None:
                yield item, box

    def _box(
        self, item: VOCObject, xml: Path, size: PictureSize, turned: bool, faults: Faults
    ) -> np.ndarray | None:
        xmin, ymin, xmax, ymax = item.corners
        shown = f"{item.where}, bndbox ({', '.join(f'{v:g}' for v in item.corners)})"
        flat = xmax <= xmin or ymax <= ymin
        if not flat and min(item.corners) >= 0 and max(item.corners) <= 1:
            what = f"{shown} looks like fractions of the picture; expected pixels"
            faults.error("box in fractions", xml, f"{what}: multiply by width and height")
            return None
        half_open = np.array([_from_zero(xmin), _from_zero(ymin), xmax, ymax], np.float64)
        if turned and not flat:
            half_open = upright_box(half_open, size)
        box, wrong = clip_to_picture(half_open, size.height, size.width)
        if flat or wrong:
            kind = "box without area" if flat else "box outside of its picture"
            place = (
                "has no area" if flat else f"is not inside the {size.width} x {size.height} picture"
            )
            if self.strict:
                faults.error(kind, xml, f"{shown} {place}")
                return None
            dropped = flat or box is None
            faults.repaired(kind, xml, f"{shown} {place}", "dropped" if dropped else "clipped")
        return None if flat else box


def annotated_classes(root: str | Path, faults: Faults | None = None) -> tuple[str, ...]:
    """The names of objects that occur in all XML files of a set, whatever their split, sorted.

    Files and objects that cannot be read are passed over: the split that uses them says so.

    Args:
        root: as for `VOCDetection`.
        faults: takes names that differ by case only; None warns.

    Raises:
        FileNotFoundError: there is no folder Annotations, nor an XML file elsewhere.
    """
    faults = Faults() if faults is None else faults
    names = _names_in(VOCFolder(root, READER), faults)
    faults.settle(READER)
    return names


def _names_in(folder: VOCFolder, faults: Faults) -> tuple[str, ...]:
    first_file: dict[str, Path] = {}
    told_elsewhere = Faults(raises=False)
    for xml in folder.annotations:
        annotation = read_annotation(xml, READER, told_elsewhere)
        for item in annotation.objects if annotation is not None else ():
            first_file.setdefault(item.name, xml)
    names = tuple(sorted(first_file))
    for first, *others in names_alike(names):
        for other in others:
            what = f"a class is {other!r}, but {first!r} in {first_file[first]}"
            faults.repaired("names alike", first_file[other], what, "taken as two classes")
    return names


def _from_zero(least: float) -> float:
    """The left or upper border of a box, counted from 0; a border below 1 is that of the picture.

    >>> _from_zero(1.0), _from_zero(0.0), _from_zero(-3.0)
    (0.0, 0.0, -4.0)
    """
    return 0.0 if 0 <= least < 1 else least - 1
