"""labelme's form: a JSON file of outlines beside each picture.

github.com/wkentaro/labelme. A shape is a polygon, a rectangle by two opposite corners, a circle by
its centre and a point of its edge, or a painted mask; shapes of one group are one object.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.outlines import (
    NOT_OBJECTS,
    Labelled,
    Outline,
    OutlinedPictures,
    Patch,
    Shape,
    ellipse,
    objects_of,
    rectangle,
)
from minicv.data.picture_folder import PictureFolder, visible
from minicv.data.picture_size import drawn_on_stored, size_if_readable
from minicv.data.text_files import read_json

READER = "LabelmeFolder"
LARGEST = 1e9  # beyond any picture; a number above it is a slip
WITHOUT_AREA = ("point", "points", "line", "linestrip")


class LabelmeFolder(OutlinedPictures):
    """Pictures with the JSON files that labelme writes, beside them or in a folder of their own.

    The pictures are found by ``imagePath``, or else by the name of the JSON file; subfolders are
    searched. A picture without a JSON file is not labelled, and left out with a warning; one with a
    file without shapes has no objects. Points and lines have no area and are left out. Targets are
    as of `OutlinedPictures`.

    Args:
        root: the folder.
        classes: the names, in the order of their labels; None takes those that occur, sorted.
        masks, segmentation: which labels to make besides boxes.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: there is no folder, no labelled picture, or a picture is missing.
        AnnotationError: a JSON file is damaged, lacks a field, or was made for a picture of another
            size; a label is not among ``classes``.
        ImageError: a picture cannot be read.
    """

    def __init__(
        self,
        root: str | Path,
        classes: Sequence[str] | None = None,
        masks: bool = False,
        segmentation: bool = False,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        root = Path(root)
        if not root.is_dir():
            raise FileNotFoundError(f"{READER}: there is no folder {root}")
        pictures = PictureFolder(root, recursive=True)
        entries: dict[Path, Labelled] = {}
        annotated: dict[Path, Path] = {}
        for file in visible(root.rglob("*.json")):
            try:
                content = read_json(file, READER)
            except AnnotationError as error:
                faults.error("damaged file", file, str(error).split(": ", 1)[1])
                continue
            if not isinstance(content, dict) or "shapes" not in content:
                faults.repaired("other JSON", file, "it holds no shapes of labelme", "passed over")
                continue
            picture = _picture_of(file, content, pictures, faults)
            if picture is None:
                continue
            if picture in annotated:
                what = f"it labels {picture}, which {annotated[picture]} labels too"
                faults.error("two annotations of a picture", file, what)
                continue
            annotated[picture] = file
            entry = _read_entry(file, content, picture, classes, faults)
            if entry is not None:
                entries[picture] = entry
        for picture in pictures.paths:
            if picture not in annotated and annotated:
                what = "there is no JSON file for it"
                faults.repaired("picture without annotation", picture, what, "left out")
        if not annotated and not faults.found:
            raise FileNotFoundError(f"{READER}: {root} holds no JSON file of labelme")
        faults.settle(READER)
        in_order = [entries[picture] for picture in sorted(entries)]
        super().__init__(in_order, root, classes, masks, segmentation)


def _picture_of(
    file: Path, content: dict[str, Any], pictures: PictureFolder, faults: Faults
) -> Path | None:
    """The picture that a JSON file labels; None, and a note, if there is none."""
    named = content.get("imagePath")
    if isinstance(named, str):
        beside = file.parent / named.replace("\\", "/")
        if beside in pictures.paths:
            return beside
    for name in (named, file.stem):
        found = pictures.named(name) if isinstance(name, str) else []
        found = [path for path in found if path.parent == file.parent] or found
        if len(found) == 1:
            return found[0]
        if found:
            what = f"imagePath {named!r} fits {', '.join(str(path) for path in found)}"
            faults.error("ambiguous picture", file, what)
            return None
    what = f"its picture, imagePath {named!r:.200}, is not in {pictures.folder}"
    faults.error("annotation without picture", file, what, FileNotFoundError)
    return None


def _read_entry(
    file: Path,
    content: dict[str, Any],
    picture: Path,
    classes: Sequence[str] | None,
    faults: Faults,
) -> Labelled | None:
    size = size_if_readable(picture, faults)
    if size is None:
        return None
    width, height = content.get("imageWidth"), content.get("imageHeight")
    declared = None
    if width is not None and height is not None:
        if not _whole(width) or not _whole(height):
            what = f"imageWidth and imageHeight are {width!r} and {height!r}"
            faults.error("wrong value", file, f"{what}, expected whole numbers of pixels")
            return None
        declared = (int(width), int(height))
    turned = drawn_on_stored(size, declared, picture, file, faults, "imageWidth x imageHeight")
    if turned is None:
        return None
    if not isinstance(content["shapes"], list):
        faults.error("wrong value", file, "shapes is no list")
        return None
    entry = Labelled(picture, size)
    shapes: list[Shape] = []
    for number, shape in enumerate(content["shapes"], start=1):
        where = f"shape {number}"
        try:
            label = _label(shape)
            where += f" ({label})"
            if shape.get("shape_type") in WITHOUT_AREA:
                what = f"{where} is a {shape['shape_type']}"
                faults.repaired("shape without area", file, what, "left out")
                continue
            outline = _outline(shape, label)
        except AnnotationError as error:
            faults.error("wrong shape", file, f"{where}: {error}")
            continue
        if classes is not None and label not in classes and label not in NOT_OBJECTS:
            what = f"{where} is not among the declared classes {', '.join(classes)}"
            faults.error("unknown class", file, what)
            continue
        group = shape.get("group_id")
        shapes.append(Shape(outline, "" if group is None else str(group), where))
    for whole, where in objects_of(shapes):
        entry.add(whole, turned, file, where, faults)
    return entry


def _label(shape: Any) -> str:
    if not isinstance(shape, dict):
        raise AnnotationError(f"it is {shape!r:.40}, expected label, points and shape_type")
    label = shape.get("label")
    if not isinstance(label, str) or not label.strip():
        raise AnnotationError(f"label is {label!r}, expected a name")
    return label.strip()


def _outline(shape: dict[str, Any], label: str) -> Outline:
    """One shape as an outline.

    Raises:
        AnnotationError: its points do not fit its type.
    """
    kind = shape.get("shape_type") or "polygon"  # labelme before 3.0 knew polygons only
    points = _points(shape.get("points"))
    if kind == "polygon":
        if len(points) < 3:
            raise AnnotationError(f"a polygon of {len(points)} points, expected 3 or more")
        return Outline(label, (points,))
    if kind == "rectangle":
        if len(points) not in (2, 4):
            raise AnnotationError(f"a rectangle of {len(points)} points, expected 2 corners")
        return Outline(label, (rectangle([*points.min(axis=0), *points.max(axis=0)]),))
    if kind == "oriented_rectangle" and len(points) == 4:
        return Outline(label, (points,))
    if kind == "circle":
        if len(points) != 2:
            raise AnnotationError(f"a circle of {len(points)} points, expected centre and edge")
        radius = float(np.hypot(*(points[1] - points[0])))
        return Outline(label, (ellipse(points[0], [radius, radius]),))
    if kind == "mask":
        if len(points) != 2:
            raise AnnotationError(f"a mask of {len(points)} points, expected 2 corners")
        left, top = (int(v) for v in np.floor(points.min(axis=0) + 0.5))
        width, height = (int(v) for v in np.floor(np.ptp(points, axis=0) + 1.5))
        return Outline(label, patches=(Patch(left, top, _painted(shape, width, height)),))
    raise AnnotationError(
        f"shape_type is {kind!r}, expected polygon, rectangle, circle, mask, point or line"
    )


def _points(points: Any) -> np.ndarray:
    """(P, 2) float64."""
    numbers: list[Any] = points if isinstance(points, list) else [points]
    for point in numbers:
        pair = isinstance(point, list) and len(point) == 2
        if not pair or not all(_number(value) for value in point):
            raise AnnotationError(f"points hold {point!r:.60}, expected pairs of numbers x, y")
    return np.array(numbers, np.float64).reshape(-1, 2)


def _painted(shape: dict[str, Any], width: int, height: int) -> np.ndarray:
    """The (h, w) bool of a painted mask, which the file holds as a PNG in base64."""
    try:
        content = base64.b64decode(shape.get("mask") or "", validate=True)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != (width, height):
                raise AnnotationError(
                    f"its mask is {picture.size[0]} x {picture.size[1]}, but its points enclose "
                    f"{width} x {height} pixels"
                )
            return np.asarray(picture.convert("L")) > 0
    except AnnotationError:
        raise
    except UnidentifiedImageError:
        raise AnnotationError("its mask is no PNG in base64") from None
    except Exception as error:  # a damaged PNG makes Pillow raise nearly anything
        raise AnnotationError(f"its mask is no PNG in base64 ({error})") from None


def _number(value: Any) -> bool:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return known and abs(value) < LARGEST  # false for NaN


def _whole(value: Any) -> bool:
    return _number(value) and value == int(value) and value >= 0
