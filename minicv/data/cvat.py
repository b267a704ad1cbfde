"""CVAT's own form, "CVAT for images 1.1": one XML file of outlines for all pictures of a task.

docs.cvat.ai, "XML annotation format". (CVAT also exports Pascal VOC, COCO and YOLO; those have
readers of their own.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.outlines import (
    Labelled,
    Outline,
    OutlinedPictures,
    Patch,
    Shape,
    ellipse,
    objects_of,
    rectangle,
)
from minicv.data.picture_folder import PictureFolder
from minicv.data.picture_size import drawn_on_stored, size_if_readable
from minicv.data.text_files import read_xml

READER = "CVATImages"
WITHOUT_AREA = ("points", "polyline", "skeleton", "cuboid", "tag")
LARGEST = 1e9  # beyond any picture; a number above it is a slip


class CVATImages(OutlinedPictures):
    """Pictures and the ``annotations.xml`` that CVAT exports as "CVAT for images 1.1".

    The pictures stand in the folder of the XML file or anywhere below it, and are found by the name
    of the image. CVAT can put pictures into subsets, such as "Train" and "Test": see ``subset``.
    Pictures that the file does not list are left out with a warning; listed ones without shapes
    have no objects. Shapes of one group are one object. Points, lines, skeletons and cuboids are
    left out. Targets are as of `OutlinedPictures`.

    Args:
        path: the XML file, or the folder that holds ``annotations.xml``.
        subset: take the pictures of this subset only; None takes all. Case does not count.
        classes: the names, in the order of their labels; None takes those that the file lists as
            the task's, or else those that occur in any subset, sorted.
        masks, segmentation: which labels to make besides boxes.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: there is no XML file, or a picture is missing.
        AnnotationError: the file is damaged, of another form, or was made for pictures of other
            sizes; a label is not among ``classes``.
        ImageError: a picture cannot be read.
    """

    def __init__(
        self,
        path: str | Path,
        subset: str | None = None,
        classes: Sequence[str] | None = None,
        masks: bool = False,
        segmentation: bool = False,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        file = annotations_file(path)
        root = read_annotations(file)
        known = _names_in(root) if classes is None else tuple(classes)
        pictures = PictureFolder(file.parent, recursive=True)
        entries: dict[Path, Labelled] = {}
        listed = set()
        for element in root.iter("image"):
            picture = _picture_of(file, element, pictures, faults)
            listed.add(picture)
            if subset is not None and (element.get("subset") or "").lower() != subset.lower():
                continue
            if picture is None:
                continue
            if picture in entries:
                what = f"image {element.get('name')!r} is listed twice"
                faults.error("two annotations of a picture", file, what)
                continue
            entry = _read_entry(file, element, picture, known, faults)
            if entry is not None:
                entries[picture] = entry
        for picture in pictures.paths:
            if picture not in listed:
                what = f"{file} does not list it"
                faults.repaired("picture without annotation", picture, what, "left out")
        faults.settle(READER)
        in_order = [entries[picture] for picture in sorted(entries)]
        super().__init__(in_order, file.parent, known, masks, segmentation)


def annotations_file(path: str | Path) -> Path:
    """The XML file itself, or ``annotations.xml`` in the folder that was given.

    Raises:
        FileNotFoundError: there is none.
    """
    path = Path(path)
    file = path / "annotations.xml" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{READER}: there is no file {file}")
    return file


def read_annotations(file: Path) -> Element:
    """The root of CVAT's XML file.

    Raises:
        AnnotationError: the file is damaged or of another form.
    """
    root = read_xml(file, READER)
    if root.tag != "annotations" or root.find("image") is None:
        form = f"its root is <{root.tag}>"
        if root.find("track") is not None:
            form = "it holds the tracks of a video"
        raise AnnotationError(
            f"{READER}: {file} is no export as 'CVAT for images 1.1': {form}; expected "
            "<annotations> with <image>"
        )
    return root


def subsets_of(path: str | Path) -> tuple[str, ...]:
    """The subsets into which CVAT has put the pictures, as they occur in the file, sorted."""
    root = read_annotations(annotations_file(path))
    return tuple(sorted({image.get("subset") or "" for image in root.iter("image")} - {""}))


def _names_in(root: Element) -> tuple[str, ...]:
    """The task's labels as the file lists them, or else those that occur in it, sorted."""
    listed = [
        (label.findtext("name") or "").strip() for label in root.findall("meta//labels/label")
    ]
    occurring = {
        (shape.get("label") or "").strip()
        for image in root.iter("image")
        for shape in image
        if shape.tag in OUTLINES
    }
    return tuple(dict.fromkeys(filter(None, listed))) or tuple(sorted(occurring - {""}))


def _picture_of(
    file: Path, element: Element, pictures: PictureFolder, faults: Faults
) -> Path | None:
    """The picture of an <image>; None, and a note, if there is none or there are several."""
    name = element.get("name") or ""
    found = pictures.named(name) if name else []
    subset = element.get("subset")
    if len(found) > 1 and subset:  # of two subsets: images/Train/x.jpg and images/Test/x.jpg
        found = [path for path in found if subset in path.parts] or found
    if len(found) == 1:
        return found[0]
    if found:
        what = f"image {name!r} fits {', '.join(str(path) for path in found)}"
        faults.error("ambiguous picture", file, what)
    else:
        what = f"image {name!r} is not in {pictures.folder}"
        faults.error("annotation without picture", file, what, FileNotFoundError)
    return None


def _read_entry(
    file: Path, element: Element, picture: Path, classes: tuple[str, ...], faults: Faults
) -> Labelled | None:
    size = size_if_readable(picture, faults)
    if size is None:
        return None
    image = f"image {element.get('name')!r}"
    try:
        declared = tuple(int(_number(element, key)) for key in ("width", "height"))
    except AnnotationError as error:
        faults.error("wrong value", file, f"{image}: {error}")
        return None
    field = f"{image}, width x height"
    turned = drawn_on_stored(size, (declared[0], declared[1]), picture, file, faults, field)
    if turned is None:
        return None
    entry = Labelled(picture, size)
    shapes: list[Shape] = []
    for number, shape in enumerate(element, start=1):
        label = (shape.get("label") or "").strip()
        where = f"{image}, {shape.tag} {number} ({label or 'without a label'})"
        if shape.tag in WITHOUT_AREA:
            faults.repaired("shape without area", file, where, "left out")
            continue
        try:
            if shape.tag not in OUTLINES:
                raise AnnotationError(f"<{shape.tag}> is no shape of CVAT")
            if not label:
                raise AnnotationError("it has no label")
            outline = OUTLINES[shape.tag](shape, label)
        except AnnotationError as error:
            faults.error("wrong shape", file, f"{where}: {error}")
            continue
        if label not in classes:
            what = f"{where} is not among the declared classes {', '.join(classes)}"
            faults.error("unknown class", file, what)
            continue
        shapes.append(Shape(outline, shape.get("group_id") or "", where))
    for whole, where in objects_of(shapes):
        entry.add(whole, turned, file, where, faults)
    return entry


def _box(shape: Element, label: str) -> Outline:
    corners = [_number(shape, key) for key in ("xtl", "ytl", "xbr", "ybr")]
    return Outline(label, (rectangle(corners, _number(shape, "rotation", 0.0)),))


def _polygon(shape: Element, label: str) -> Outline:
    text = shape.get("points") or ""
    try:
        if "_" in text:
            raise ValueError("expected numbers")
        points = np.array([[float(v) for v in pair.split(",")] for pair in text.split(";")])
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError("expected 3 corners or more")
        if not (np.abs(points) < LARGEST).all():
            raise ValueError("expected finite numbers")
    except ValueError as error:
        raise AnnotationError(f"points are {text[:40]!r}: {error}") from None
    return Outline(label, (points,))


def _ellipse(shape: Element, label: str) -> Outline:
    cx, cy, rx, ry = (_number(shape, key) for key in ("cx", "cy", "rx", "ry"))
    return Outline(label, (ellipse([cx, cy], [rx, ry], _number(shape, "rotation", 0.0)),))


def _mask(shape: Element, label: str) -> Outline:
    """Run lengths of 0, 1, 0, 1 ... along the rows of a rectangle."""
    left, top, width, height = (int(_number(shape, k)) for k in ("left", "top", "width", "height"))
    text = shape.get("rle") or ""
    try:
        if not re.fullmatch(r"[-\d,\s]*", text, re.ASCII):  # Python reads 1_0 as 10
            raise ValueError
        runs = [int(run) for run in text.split(",")]
    except ValueError:
        raise AnnotationError(f"rle is {text[:40]!r}, expected whole numbers") from None
    if min(runs) < 0 or sum(runs) != width * height:
        raise AnnotationError(f"rle holds {sum(runs)} pixels, expected {width} x {height}")
    values = np.arange(len(runs)) % 2 == 1
    return Outline(
        label, patches=(Patch(left, top, np.repeat(values, runs).reshape(height, width)),)
    )


OUTLINES: dict[str, Callable[[Element, str], Outline]] = {
    "box": _box,
    "polygon": _polygon,
    "ellipse": _ellipse,
    "mask": _mask,
}


def _number(element: Element, key: str, otherwise: float | None = None) -> float:
    """A number among the attributes.

    Raises:
        AnnotationError: it is missing or no finite number.
    """
    text = element.get(key)
    if text is None and otherwise is not None:
        return otherwise
    try:
        if text is None or "_" in text:  # Python reads 1_0 as 10
            raise ValueError
        value = float(text)
        if not abs(value) < LARGEST:
            raise ValueError
    except ValueError:
        raise AnnotationError(f"{key} is {text!r}, expected a number") from None
    return value
