"""The content of a COCO JSON file: every value of the right type, every id once.

What can be meant only one way is taken as it is meant: "7" or 7.0 for the id 7, "40" for a width of
40, "0" or null for a flag that is not set. All else is a fault. Whether the values fit the pictures
is not asked here; `minicv.data.coco` does.
"""

from __future__ import annotations

import math
import re
import reprlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError
from minicv.data.text_files import read_json

READER = "CocoDetection"
LARGEST = 1e9  # beyond any picture; a number above it is a slip
_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_BACKGROUND = ("_background_", "__background__", "background")

Id = int | str


@dataclass(frozen=True)
class CocoPicture:
    """An entry of "images".

    Attributes:
        id: its number, or a text that is none.
        name: of its file, as it is written.
        declared: width and height; None where the entry notes none.
        where: the place in the file, for messages.
    """

    id: Id
    name: str
    declared: tuple[int, int] | None
    where: str


@dataclass(frozen=True)
class CocoCategory:
    """An entry of "categories"."""

    id: Id
    name: str
    joints: tuple[str, ...] = ()
    supercategory: str = ""


@dataclass(frozen=True)
class CocoObject:
    """An entry of "annotations".

    Attributes:
        picture, category: ids.
        bbox: x, y, width, height.
        area: None where the entry has none that can be.
        segmentation, keypoints: as they are written.
        where: the place in the file, for messages.
    """

    picture: Id
    category: Id
    bbox: tuple[float, float, float, float]
    iscrowd: bool
    area: float | None
    segmentation: Any
    keypoints: Any
    where: str


@dataclass
class CocoFile:
    """A COCO file.

    Attributes:
        path: the file.
        pictures, categories: sorted by id.
        objects: in the order of the file; the picture and the category of each are listed.
        names: the files of all entries of "images", without folders; of wrong entries too.
    """

    path: Path
    pictures: list[CocoPicture] = field(default_factory=list)
    categories: list[CocoCategory] = field(default_factory=list)
    objects: list[CocoObject] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


def read_coco_file(path: str | Path, faults: Faults, unlabelled: bool = False) -> CocoFile:
    """Read a COCO file and note what is wrong with it; entries that are wrong are left out.

    Args:
        path: the file.
        faults: takes what is wrong.
        unlabelled: take a file without the list "annotations" as one without objects.

    Raises:
        FileNotFoundError: there is no file.
        AnnotationError: it is no JSON, or not of COCO's form.
    """
    path = Path(path)
    content = _lists(path, unlabelled)
    file = CocoFile(path)
    pictures = _read_each(content["images"], "images", _picture, path, faults)
    categories = _read_each(content["categories"], "categories", _category, path, faults)
    objects = _read_each(content["annotations"], "annotations", _object, path, faults)
    file.names = _names_of_files(content["images"])
    listed = _ids(content["images"]), _ids(content["categories"])
    file.objects = _without_orphans(_without_repeats(objects, path, faults), *listed, path, faults)
    file.pictures = _each_once(list(pictures), "images", lambda p: (p.name,), path, faults)
    file.categories = _each_once(
        list(categories), "categories", lambda c: (c.name, c.joints), path, faults
    )
    _leave_out_empty_categories(file, faults)
    scored = [entry for entry in content["annotations"] if isinstance(entry, dict)]
    scored = [entry for entry in scored if "score" in entry]
    if scored:
        what = f"{len(scored)} annotations have a score, so a model has made them"
        faults.repaired("predictions as labels", path, what, "taken as labels")
    return file


def _lists(path: Path, unlabelled: bool) -> dict[str, list[Any]]:
    content = read_json(path, READER)
    if unlabelled and isinstance(content, dict):
        content = {"annotations": [], "categories": [], **content}
    if isinstance(content, list):
        entry = content[0] if content else None
        results = isinstance(entry, dict) and "image_id" in entry
        form = "a list of results, as a model's predictions are written" if results else "a list"
        raise AnnotationError(
            f"{READER}: {path} has no list 'images': it is {form}; expected an object with images, "
            "annotations and categories"
        )
    for key in ("images", "annotations", "categories"):
        if isinstance(content, dict) and isinstance(content.get(key), list):
            continue
        hint = ""
        if isinstance(content, dict):
            hint = _other_form(content, key)
        raise AnnotationError(f"{READER}: {path} has no list {key!r}{hint}")
    return content


def _other_form(content: dict[str, Any], missing: str) -> str:
    """What the file may be instead, for the end of a message."""
    annotations = content.get("annotations")
    entry = annotations[0] if isinstance(annotations, list) and annotations else None
    if isinstance(entry, dict) and "caption" in entry:
        return ": it holds captions; expected the file with boxes, such as instances_train.json"
    if missing == "annotations" and missing not in content:
        return ": its pictures are not labelled"
    if "shapes" in content:
        return ": it is a file of labelme; expected labelme:DIR"
    return ""


def _read_each(
    entries: list[Any],
    key: str,
    read: Callable[[Any, str, Path, Faults], Any],
    path: Path,
    faults: Faults,
) -> Iterator[Any]:
    """What ``read`` makes of each entry; one that it cannot read is a fault."""
    for number, entry in enumerate(entries):
        where = f"{key}[{number}]"
        if not isinstance(entry, dict):
            faults.error("wrong value", path, f"{where} is {shown(entry)}, expected an object")
            continue
        if "id" in entry:
            where += f" (id {shown(entry['id'])})"
        try:
            yield read(entry, where, path, faults)
        except AnnotationError as error:
            kind = "missing field" if " has no " in str(error) else "wrong value"
            faults.error(kind, path, str(error))


def _picture(entry: dict[str, Any], where: str, path: Path, faults: Faults) -> CocoPicture:
    name = entry.get("file_name")
    if name is None and isinstance(entry.get("coco_url"), str):  # as in LVIS
        name = entry["coco_url"]
    if name is None:
        raise AnnotationError(f"{where} has no file_name")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise AnnotationError(f"{where}, file_name is {shown(name)}, expected a name")
    if _URL.match(name):
        name = unquote(urlsplit(name).path).lstrip("/")
    sides = [entry.get(side) for side in ("width", "height")]
    declared = None
    if None not in sides:
        numbers = [_number(side) for side in sides]
        if any(n is None or n != int(n) or not 0 <= n < LARGEST for n in numbers):
            raise AnnotationError(
                f"{where}, width and height are {shown(sides[0])} and {shown(sides[1])}, expected "
                "whole numbers of pixels"
            )
        width, height = (int(n) for n in numbers if n is not None)
        declared = (width, height)
    return CocoPicture(_id(entry, "id", where), name.strip(), declared, where)


def _category(entry: dict[str, Any], where: str, path: Path, faults: Faults) -> CocoCategory:
    name = entry.get("name")
    if name is None:
        raise AnnotationError(f"{where} has no name")
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not name.strip() or not _is_text(name):
        raise AnnotationError(f"{where}, name is {shown(name)}, expected a name")
    joints = entry.get("keypoints") or []
    if not isinstance(joints, list) or not all(
        isinstance(j, str) and j.strip() and _is_text(j) for j in joints
    ):
        raise AnnotationError(f"{where}, keypoints are {shown(joints)}, expected names of joints")
    joints = [joint.strip() for joint in joints]
    if len(set(joints)) != len(joints):
        raise AnnotationError(f"{where}, keypoints are {shown(joints)}: two have one name")
    parent = entry.get("supercategory")
    parent = parent.strip() if isinstance(parent, str) else ""
    return CocoCategory(_id(entry, "id", where), name.strip(), tuple(joints), parent)


def _object(entry: dict[str, Any], where: str, path: Path, faults: Faults) -> CocoObject:
    picture, category = (_id(entry, key, where) for key in ("image_id", "category_id"))
    if "bbox" not in entry:
        panoptic = "; it is of COCO's panoptic form" if "segments_info" in entry else ""
        raise AnnotationError(f"{where} has no bbox{panoptic}")
    bbox = entry["bbox"]
    numbers = [_number(v) for v in bbox] if isinstance(bbox, list) else []
    known = [n for n in numbers if n is not None and abs(n) < LARGEST]
    if len(numbers) != 4 or len(known) != 4:
        raise AnnotationError(
            f"{where}, bbox is {shown(bbox)}, expected four numbers x, y, width, height"
        )
    area = None
    if entry.get("area") is not None:
        area = _number(entry["area"])
        if area is None or not 0 < area < LARGEST**2:
            what = f"{where}, area is {shown(entry['area'])}, expected a number above 0"
            faults.repaired("wrong area", path, what, "the area of its box is taken")
            area = None
    if "id" in entry:
        where = f"annotation {shown(entry['id'])}"
    return CocoObject(
        picture,
        category,
        (known[0], known[1], known[2], known[3]),
        _flag(entry, "iscrowd", where),
        area,
        entry.get("segmentation"),
        entry.get("keypoints"),
        where,
    )


def _id(entry: dict[str, Any], key: str, where: str) -> Id:
    """An id: a whole number, however it is written, or a text that is no number."""
    if key not in entry:
        raise AnnotationError(f"{where} has no {key}")
    known = _as_id(entry[key])
    if known is None:
        raise AnnotationError(f"{where}, {key} is {shown(entry[key])}, expected a number")
    return known


def _as_id(value: Any) -> Id | None:
    if isinstance(value, str):
        text = value.strip()
        digits = re.fullmatch(r"(-?\d{1,99})(\.0*)?", text, re.ASCII)
        return int(digits.group(1)) if digits else text or None
    number = _number(value)
    if number is None or isinstance(value, int):
        return None if isinstance(value, bool) or not isinstance(value, int) else value
    return int(number) if number == int(number) else None


def _ids(entries: list[Any]) -> set[Id]:
    """The ids of all entries, of wrong ones too: what they list is no orphan."""
    ids = (_as_id(entry.get("id")) for entry in entries if isinstance(entry, dict))
    return {known for known in ids if known is not None}


def _names_of_files(entries: list[Any]) -> set[str]:
    names = (entry.get("file_name") for entry in entries if isinstance(entry, dict))
    return {re.split(r"[\\/]", name)[-1] for name in names if isinstance(name, str)}


def _number(value: Any) -> float | None:
    """A finite number, also where it is written as text; None for all else."""
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", value, re.ASCII):
            return None
    elif not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _flag(entry: dict[str, Any], key: str, where: str) -> bool:
    value = entry.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    number = {"false": 0.0, "true": 1.0}.get(str(value).lower(), _number(value))
    if number not in (0.0, 1.0):
        raise AnnotationError(f"{where}, {key} is {shown(value)}, expected 0 or 1")
    return number == 1.0


def _is_text(name: str) -> bool:
    """Whether a name fits on a line: no control character, no half of a character."""
    return not {"Cc", "Cs"} & set(map(unicodedata.category, name.strip()))


def shown(value: Any) -> str:
    """A value of the file in a message: short, however long or deep it is.

    >>> shown([[1, 2], "x" * 99])
    "[[1, 2], 'xxxxxxxxxxxx...xxxxxxxxxxxxx']"
    """
    return reprlib.repr(value)


def _each_once(
    entries: list[Any], key: str, content: Callable[[Any], Any], path: Path, faults: Faults
) -> list[Any]:
    """The entries sorted by id: numbers first. Two of one id are an error if they differ."""
    known: dict[Id, Any] = {}
    for entry in entries:
        other = known.setdefault(entry.id, entry)
        if other is entry:
            continue
        if content(other) == content(entry):
            faults.repaired(
                "entry listed twice", path, f"{key} lists id {entry.id} twice", "taken once"
            )
        else:
            faults.error(
                "duplicate id",
                path,
                f"{key} has two entries of id {entry.id}, {other.name!r} and {entry.name!r}; give "
                "each an id of its own",
            )
    return sorted(known.values(), key=lambda e: (isinstance(e.id, str), e.id))


def _without_repeats(objects: Iterable[CocoObject], path: Path, faults: Faults) -> list[CocoObject]:
    """The objects without those that repeat another in all that they say."""
    known: dict[tuple[Any, ...], list[CocoObject]] = {}
    kept = []
    for item in objects:
        alike = known.setdefault((item.picture, item.category, item.bbox, item.iscrowd), [])
        if any(
            (other.segmentation, other.keypoints) == (item.segmentation, item.keypoints)
            for other in alike
        ):
            what = f"{item.where} repeats another of the same box {list(item.bbox)}"
            faults.repaired("duplicate box", path, what, "dropped")
            continue
        alike.append(item)
        kept.append(item)
    return kept


def _without_orphans(
    objects: list[CocoObject], pictures: set[Id], categories: set[Id], path: Path, faults: Faults
) -> list[CocoObject]:
    """The objects whose picture and category are listed. If none is, that is an error."""
    kept = [o for o in objects if o.picture in pictures and o.category in categories]
    for item in objects:
        unknown = [
            f"{key} {shown(value)}"
            for key, value, known in (
                ("image", item.picture, pictures),
                ("category", item.category, categories),
            )
            if value not in known
        ]
        if not unknown:
            continue
        what = (
            f"{item.where} names image {shown(item.picture)} and category {shown(item.category)}, "
            f"but the file does not list {' and '.join(unknown)}"
        )
        if kept:
            faults.repaired("orphan annotation", path, what, "left out")
        else:
            faults.error("orphan annotation", path, what)
    return kept


def _leave_out_empty_categories(file: CocoFile, faults: Faults) -> None:
    """Leave out names that head the others or stand for the background, and have no object.

    Roboflow lists the name of the project as category 0, whose supercategory is "none", and gives
    it to all other categories as their supercategory. Two categories must not share a name.
    """
    used = {item.category for item in file.objects}
    kept = []
    for category in file.categories:
        others = [other for other in file.categories if other.id != category.id]
        heads = bool(others) and all(c.supercategory == category.name for c in others)
        behind = category.name.lower() in _BACKGROUND
        if category.id in used or not (heads or behind):
            kept.append(category)
            continue
        role = "the supercategory of all others" if heads else "the background"
        what = f"category {category.id} ({category.name}) is {role} and has no object"
        faults.repaired("category without objects", file.path, what, "left out")
    by_name: dict[str, list[CocoCategory]] = {}
    for category in kept:
        by_name.setdefault(category.name, []).append(category)
    file.categories = []
    for category in kept:
        same = by_name[category.name]
        with_objects = [c for c in same if c.id in used] or same[:1]
        if category.id not in {c.id for c in with_objects}:
            what = (
                f"category {category.id} has the name {category.name!r} of another, and no object"
            )
            faults.repaired("duplicate name", file.path, what, "left out")
            continue
        if category is with_objects[-1] and len(with_objects) > 1:
            ids = " and ".join(str(c.id) for c in with_objects)
            what = (
                f"categories {ids} have one name, {category.name!r}; give each object one of them"
            )
            faults.error("duplicate name", file.path, what)
        file.categories.append(category)
