"""One XML file of Pascal VOC's form: what it says of its picture, and the objects in it.

labelImg, CVAT, Roboflow and others write the form, each a little differently; people edit it by
hand. What a file says is taken only as far as it can be meant in one way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_xml
from minicv.data.voc_layout import told

CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE, _FALSE = ("1", "true", "yes", "t", "y"), ("", "0", "false", "no", "f", "n", "unspecified")
_OTHER_FORMS = {
    "annotations": "it looks like CVAT's own form; give cvat:DIR, or export as Pascal VOC",
    "svg": "it is a drawing",
    "document": "it is some other document",
    "dataset": "it looks like dlib's form; export as Pascal VOC",
}
_OTHER_SHAPES = {
    "robndbox": "a turned box, as roLabelImg writes it",
    "polygon": "a polygon",
    "line": "a line",
    "ellipse": "an ellipse",
}


@dataclass(frozen=True)
class VOCObject:
    """An object: where it stands in the file, its class, its box as written, and one mark."""

    where: str
    name: str
    corners: tuple[float, float, float, float]
    difficult: bool


@dataclass
class VOCAnnotation:
    """The content of a file.

    Attributes:
        picture: what the file calls its picture; "" for nothing.
        size: width and height that it notes; None where it notes none.
        objects: those that could be read.
    """

    picture: str
    size: tuple[int, int] | None
    objects: list[VOCObject] = field(default_factory=list)


def read_annotation(
    file: Path, reader: str, faults: Faults, has_picture: bool = True
) -> VOCAnnotation | None:
    """Read a file. An object that is wrong is noted and left out; None for a file that is wrong.

    Args:
        file: to read.
        reader: name of the data set, with which messages begin.
        faults: takes what is wrong.
        has_picture: whether there is a picture of its name. XML of another form is an error there,
            and passed over elsewhere: it may have nothing to do with the set.
    """
    try:
        root = read_xml(file, reader)
    except AnnotationError as error:
        faults.error("damaged file", file, told(error, reader, file))
        return None
    for element in root.iter():  # names in a namespace mean the same
        element.tag = str(element.tag).rpartition("}")[2].lower()
    if root.tag != "annotation":
        hint = _OTHER_FORMS.get(root.tag, "it is no annotation in VOC's form")
        what = f"its root element is {root.tag!r}, expected 'annotation'; {hint}"
        if has_picture:
            faults.error("other XML", file, what)
        else:
            faults.repaired("other XML", file, what, "passed over")
        return None
    try:
        annotation = VOCAnnotation(_text(root, "filename"), _size(root))
    except AnnotationError as error:
        faults.error("wrong value", file, str(error))
        return None
    for number, item in enumerate(_objects(root), start=1):
        try:
            annotation.objects.append(_object(item, f"object {number}"))
        except AnnotationError as error:
            kind = "missing field" if " has no " in str(error) else "wrong value"
            faults.error(kind, file, str(error))
    return annotation


def _objects(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The objects, in order; a part, such as the head of a person, is none."""
    yield from root.findall("object")
    yield from root.findall("objects/object")


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """Width and height.

    Raises:
        AnnotationError: they are there, but are no whole numbers.
    """
    sides = []
    for side in ("width", "height"):
        text = _text(root, f"size/{side}")
        if not text:
            return None
        number = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not 0 <= number < 1e9 or number != int(number):
            raise AnnotationError(f"size/{side} is {text!r}, expected a whole number of pixels")
        sides.append(int(number))
    return sides[0], sides[1]


def _object(item: ElementTree.Element, where: str) -> VOCObject:
    """One object.

    Raises:
        AnnotationError: a field is missing, or is not what it should be.
    """
    name = unicodedata.normalize("NFC", _text(item, "name"))
    if not name:
        raise AnnotationError(f"{where} has no name")
    where += f" ({name})"
    boxes = item.findall("bndbox")
    if len(boxes) > 1:
        raise AnnotationError(f"{where}: there are {len(boxes)} elements bndbox, expected one")
    if not boxes:
        for tag, shape in _OTHER_SHAPES.items():
            if item.find(tag) is not None:
                raise AnnotationError(
                    f"{where} has no bndbox/xmin; it has {tag}, {shape}: export boxes along the "
                    "borders of the picture"
                )
    xmin, ymin, xmax, ymax = (_number(item, f"bndbox/{key}", where) for key in CORNERS)
    return VOCObject(where, name, (xmin, ymin, xmax, ymax), _flag(item, "difficult", where))


def _number(item: ElementTree.Element, path: str, where: str) -> float:
    text = _text(item, path)
    if not text:
        raise AnnotationError(f"{where} has no {path}")
    number = float(text) if _NUMBER.fullmatch(text) else float("inf")
    if abs(number) == float("inf"):
        point = "; write a point, not a comma" if re.fullmatch(r"-?[0-9]+,[0-9]+", text) else ""
        raise AnnotationError(f"{where}, {path} is {text!r}, expected a number{point}")
    return number


def _flag(item: ElementTree.Element, path: str, where: str) -> bool:
    text = _text(item, path).lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _NUMBER.fullmatch(text) and float(text) in (0, 1):
        return float(text) == 1
    raise AnnotationError(f"{where}, {path} is {_text(item, path)!r}, expected 0 or 1")


def _text(item: ElementTree.Element, path: str) -> str:
    """The text of a child, with single blanks between words; "" where there is none."""
    return " ".join((item.findtext(path) or "").split())
