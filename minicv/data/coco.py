"""COCO JSON: one file of boxes, masks and keypoints for all photographs of a folder.

A mask is given as polygons, or as run lengths down the columns.

Lin et al., Microsoft COCO (ECCV 2014); the format is described at cocodataset.org/#format-data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.checks import clip_to_picture
from minicv.data.coco_file import (
    LARGEST,
    READER,
    CocoCategory,
    CocoFile,
    CocoObject,
    CocoPicture,
    Id,
    read_coco_file,
    shown,
)
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, read_image
from minicv.data.listed_pictures import ListedPictures
from minicv.data.picture_size import (
    PictureSize,
    drawn_on_stored,
    size_if_readable,
    upright_box,
    upright_mask,
    upright_points,
)
from minicv.data.segmentations import decode_segmentation, polygons_of, runs_of
from minicv.vision.polygons import fill_polygons
from minicv.vision.run_lengths import checked_runs, decode_runs, expand_counts

__all__ = [
    "CocoDetection",
    "decode_runs",
    "decode_segmentation",
    "expand_counts",
    "fill_polygons",
    "joints_of",
]

ROUNDING = 0.02  # COCO rounds to hundredths, so a box may reach out by so much


@dataclass
class _Object:
    """An object in the picture when it is upright; its segmentation as it was drawn."""

    box: np.ndarray
    label: int
    iscrowd: bool
    area: float
    joints: np.ndarray | None = None  # (J, 3)
    polygons: list[np.ndarray] | None = None  # upright
    runs: dict | None = None  # of the picture as it was drawn


@dataclass
class _Entry:
    """One photograph and its objects."""

    listed: CocoPicture
    path: Path
    size: PictureSize
    turned: bool
    objects: list[_Object] = field(default_factory=list)

    @property
    def drawn(self) -> tuple[int, int]:
        """Width and height of the picture on which the objects were drawn."""
        return self.size.stored if self.turned else (self.size.width, self.size.height)


class CocoDetection:
    """Photographs with boxes in COCO's form; with keypoints if the file has any, masks on request.

    **Categories.** COCO numbers its categories with gaps (1..90 for 80 of them). Labels are 0..K-1
    in the order of those numbers: `category_ids[label]` leads back. A category without objects that
    heads all others, as Roboflow writes the name of the project, is left out.

    **Coordinates.** COCO's boxes are x, y, width, height in continuous coordinates; they become x,
    y, x + width, y + height. Its keypoints are numbers of pixels: half a pixel is added, because
    the middle of pixel i is i + 0.5 here. Visible is 1 for a joint that is annotated, hidden ones
    included, and 0 (with x = y = 0) for a joint that is not. Where categories have different
    joints, targets have all of them, each name once, and a joint that an object's category does not
    know is never visible.

    **Turned photographs.** `width` and `height` say whether a photograph that EXIF turns was
    labelled as it is stored; then boxes, masks and keypoints are turned with it.

    **What is repaired**, with one `DatasetWarning` for each kind: boxes that reach out of their
    photograph are clipped, those of which nothing is left are dropped, and so are annotations that
    repeat another; annotations of an image or category that is not listed are left out, unless all
    are such; of several polygons those that are none are left out.

    All of the file and the size of each photograph are read when the set is made, so that whatever
    is wrong is said before a training begins.

    Target: boxes (N, 4), labels (N,), iscrowd (N,), area (N,) of the segmentation as the file has
    it, and image_id, the id as text. With `masks=True` also masks (N, H, W), and if a category has
    joints keypoints (N, J, 3). Regions that are crowds are in the target: a detector leaves them
    out of its training, a metric needs them.

    Args:
        images: folder of the photographs, which are found by `file_name` in it or below.
        annotations: the JSON file, or its content from `read_coco_file`.
        masks: decode the segmentations too.
        classes: the names, in the order of their labels; None takes all categories of the file.
        joint_names: the names of the joints in their order; None takes those of the categories.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: the folder, the file, or a photograph is missing.
        AnnotationError: the file is truncated; a field is missing or wrong; an id or a name stands
            for two things; a file name leads out of the folder; a photograph has another size; with
            `masks`, an object has no segmentation.
        ImageError: a photograph cannot be read.
    """

    def __init__(
        self,
        images: str | Path,
        annotations: str | Path | CocoFile,
        masks: bool = False,
        classes: Sequence[str] | None = None,
        joint_names: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        self.images, self.masks = Path(images), masks
        if not self.images.is_dir():
            raise FileNotFoundError(f"{READER}: there is no folder {self.images}")
        content = (
            annotations
            if isinstance(annotations, CocoFile)
            else read_coco_file(annotations, faults)
        )
        self.file = content.path
        by_name = {category.name: category for category in content.categories}
        self.classes: tuple[str, ...] = tuple(by_name) if classes is None else tuple(classes)
        self.category_ids: tuple[Id | None, ...] = tuple(
            by_name[name].id if name in by_name else None for name in self.classes
        )
        self.joint_names: tuple[str, ...] = (
            joints_of(content.categories) if joint_names is None else tuple(joint_names)
        )
        self.joint_classes = tuple(
            name for name in self.classes if name in by_name and by_name[name].joints
        )
        self._entries = self._find_pictures(content.pictures, faults)
        self._add_objects(content, faults)
        self.paths = [entry.path for entry in self._entries]
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self._entries)

    def labels_of(self, index: int) -> np.ndarray:
        """The labels of the objects to learn from, without reading the photograph.

        Those of crowds are left out.
        """
        objects = self._entries[index].objects
        return np.array([item.label for item in objects if not item.iscrowd], np.int64)

    def annotated_joints_of(self, index: int) -> np.ndarray:
        """(N, J) bool: which joints of the objects of `labels_of` are annotated."""
        objects = [item for item in self._entries[index].objects if not item.iscrowd]
        annotated = np.zeros((len(objects), len(self.joint_names)), bool)
        for row, item in zip(annotated, objects, strict=True):
            if item.joints is not None:
                row[:] = item.joints[:, 2] > 0
        return annotated

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        entry = self._entries[index]
        image = read_image(entry.path)
        height, width = image.shape[1:]
        if (width, height) != (entry.size.width, entry.size.height):  # changed since it was listed
            raise AnnotationError(
                f"{READER}: {self.file}: image {entry.listed.id} is said to be {entry.size.width} "
                f"x {entry.size.height}, but {entry.listed.name} is {width} x {height}"
            )
        objects = entry.objects
        target: dict[str, Any] = {
            "boxes": np.array([item.box for item in objects], np.float32).reshape(-1, 4),
            "labels": np.array([item.label for item in objects], np.int64),
            "iscrowd": np.array([item.iscrowd for item in objects], bool),
            "area": np.array([item.area for item in objects], np.float32),
            "image_id": str(entry.listed.id),
        }
        if self.joint_names:
            keypoints = np.zeros((len(objects), len(self.joint_names), 3), np.float32)
            for row, item in zip(keypoints, objects, strict=True):
                if item.joints is not None:
                    row[:] = item.joints
            target["keypoints"] = keypoints
        if self.masks:
            masks = [_mask(item, entry) for item in objects]
            target["masks"] = np.array(masks, bool).reshape(-1, height, width)
        return image, target

    def _find_pictures(self, listed: Sequence[CocoPicture], faults: Faults) -> list[_Entry]:
        """The photographs that are there, once each, and of the size that is noted."""
        folder = ListedPictures(self.images)
        entries: dict[Path, _Entry] = {}
        for picture in listed:
            path = folder.find(picture.name, self.file, picture.where, faults)
            if path is None:
                continue
            if path in entries:
                what = f"{picture.where} and {entries[path].listed.where} both name {path}"
                faults.error("two annotations of a picture", self.file, f"{what}; list it once")
                continue
            size = size_if_readable(path, faults)
            if size is None:
                continue
            where = f"{picture.where}, width x height"
            turned = drawn_on_stored(size, picture.declared, path, self.file, faults, where)
            if turned is not None:
                entries[path] = _Entry(picture, path, size, turned)
        return list(entries.values())

    def _add_objects(self, content: CocoFile, faults: Faults) -> None:
        """Add each object to its photograph, or note what is wrong with it."""
        entries = {entry.listed.id: entry for entry in self._entries}
        categories = {category.id: category for category in content.categories}
        labels = {name: label for label, name in enumerate(self.classes)}
        known = [
            (item, entries[item.picture], categories[item.category])
            for item in content.objects
            if item.picture in entries and item.category in categories
        ]
        form = _other_form([(item.bbox, entry.drawn) for item, entry, _ in known])
        form = form or _corners_by_their_areas([item for item, _, _ in known])
        if form:
            faults.error("boxes in another form", self.file, form)
            return
        for item, entry, category in known:
            if category.name not in labels:
                what = f"{item.where} has the category {category.name!r}, which is not among the "
                what += f"declared classes {', '.join(self.classes)}"
                faults.error("unknown class", self.file, what)
                continue
            box = self._box(item, entry, faults)
            if box is None:
                continue
            area = item.bbox[2] * item.bbox[3] if item.area is None else item.area
            found = _Object(box, labels[category.name], item.iscrowd, area)
            try:
                found.joints = self._joints(item, category, entry, faults)
            except AnnotationError as error:
                faults.error("wrong keypoints", self.file, str(error))
            if self.masks:
                self._add_segmentation(found, item, entry, faults)
            entry.objects.append(found)

    def _box(self, item: CocoObject, entry: _Entry, faults: Faults) -> np.ndarray | None:
        """The box x1, y1, x2, y2 in the upright photograph; None if nothing is left of it."""
        x, y, w, h = item.bbox
        corners = np.array([x, y, x + w, y + h])
        flat = w <= 0 or h <= 0
        if entry.turned and not flat:
            corners = upright_box(corners, entry.size)
        size = entry.size
        box, wrong = clip_to_picture(corners, size.height, size.width, tolerance=ROUNDING)
        if box is not None and (np.diff(box.astype(np.float32).reshape(2, 2), axis=0) <= 0).any():
            box, wrong, flat = None, True, True  # thinner than float32 can tell
        if wrong:
            what = f"{item.where}, bbox {list(item.bbox)} "
            what += "has no area" if flat else f"is not inside of the {size.width} x {size.height} "
            faults.repaired(
                "box without area" if flat else "box outside of its picture",
                self.file,
                what if flat else f"{what}picture {entry.listed.name}",
                "dropped" if box is None else "clipped",
            )
        return box

    def _joints(
        self, item: CocoObject, category: CocoCategory, entry: _Entry, faults: Faults
    ) -> np.ndarray | None:
        """(J, 3) x, y, visible, in the order of `joint_names`; None for an object without joints.

        Raises:
            AnnotationError: the numbers are not x, y, visibility for each joint of the category.
        """
        numbers, names = item.keypoints, category.joints or self.joint_names
        if not numbers or not names:
            return None
        expected = 3 * len(names)
        if not isinstance(numbers, list) or len(numbers) != expected:
            count = len(numbers) if isinstance(numbers, list) else shown(numbers)
            raise AnnotationError(
                f"{item.where} has {count} numbers in keypoints, expected {expected}"
            )
        if not set(map(type, numbers)) <= {int, float}:
            raise AnnotationError(f"{item.where}, keypoints hold something else than numbers")
        try:
            joints = np.array(numbers, np.float64).reshape(-1, 3)
        except OverflowError:
            joints = np.full((len(names), 3), np.nan)
        if not np.isfinite(joints).all():
            raise AnnotationError(f"{item.where}, keypoints hold numbers that are not finite")
        wrong = ~np.isin(joints[:, 2], (0, 1, 2))
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise AnnotationError(
                f"{item.where}, keypoints: the visibility of {names[first]} is "
                f"{joints[first, 2]:g}, expected 0 (not labelled), 1 (hidden) or 2 (visible)"
            )
        points = joints[:, :2] + 0.5
        if entry.turned:
            points = upright_points(points, entry.size)
        placed = np.zeros((len(self.joint_names), 3))
        size = (entry.size.width, entry.size.height)
        for name, point, visible in zip(names, points, joints[:, 2] > 0, strict=True):
            if not visible or name not in self.joint_names:
                continue
            if (point < 0).any() or (point > size).any():
                what = (
                    f"{item.where}, keypoints: {name} is at ({point[0]:g}, {point[1]:g}), outside"
                )
                what += f" of the {size[0]} x {size[1]} picture {entry.listed.name}"
                faults.repaired("joint outside of its picture", self.file, what, "left out")
                continue
            placed[self.joint_names.index(name)] = (*point, 1)
        return placed

    def _add_segmentation(
        self, found: _Object, item: CocoObject, entry: _Entry, faults: Faults
    ) -> None:
        width, height = entry.drawn
        try:
            if isinstance(item.segmentation, dict):
                checked_runs(*runs_of(item.segmentation), (height, width))
                found.runs = item.segmentation
                return
            good, bad = polygons_of(item.segmentation)
            if not good:
                raise ValueError(bad[0])
        except ValueError as error:
            what = f"{item.where}, segmentation: {error}"
            faults.error("object without mask", self.file, f"{what}; a mask is wanted")
            return
        for what in bad:
            what = f"{item.where}, segmentation: {what}"
            faults.repaired("polygon without area", self.file, what, "left out")
        if entry.turned:
            good = [upright_points(polygon, entry.size) for polygon in good]
        found.polygons = good


def joints_of(categories: Sequence[CocoCategory]) -> tuple[str, ...]:
    """The names of all joints of the categories, each once, in the order in which they come."""
    return tuple(dict.fromkeys(joint for category in categories for joint in category.joints))


def _mask(item: _Object, entry: _Entry) -> np.ndarray:
    """The mask (H, W) bool of an object in the upright photograph."""
    if item.runs is not None:
        width, height = entry.drawn
        mask = decode_runs(*runs_of(item.runs), (height, width))
        return upright_mask(mask, entry.size) if entry.turned else mask
    polygons = [polygon.ravel().tolist() for polygon in item.polygons or []]
    return fill_polygons(polygons, entry.size.height, entry.size.width)


def _other_form(
    boxes: Sequence[tuple[tuple[float, float, float, float], tuple[int, int]]],
) -> str:
    """What is wrong if the boxes, beside the sizes of their pictures, are in another form.

    Most boxes whose last two numbers are corners reach out of their pictures when those numbers are
    taken as width and height; fractions are all below one pixel.
    """
    if len(boxes) < 3:
        return ""
    x, y, w, h = np.array([box for box, _ in boxes], np.float64).T
    width, height = np.array([size for _, size in boxes], np.float64).T
    out = (x + w > width + ROUNDING) | (y + h > height + ROUNDING)
    as_corners = (w > x) & (h > y) & (w <= width + 1) & (h <= height + 1) & (x >= 0) & (y >= 0)
    if out.mean() > 0.5 and as_corners.mean() > 0.95:
        first = int(np.flatnonzero(out)[0])
        return (
            f"{int(out.sum())} of {len(boxes)} boxes reach out of their pictures, the first is "
            f"{list(boxes[first][0])} in {boxes[first][1][0]} x {boxes[first][1][1]}; they look "
            "like x1, y1, x2, y2, but COCO's bbox is x, y, width, height"
        )
    parts = np.stack([x, y, w, h])
    if (parts <= 1).all() and (parts % 1 != 0).any() and (width > 1).any():
        return (
            f"all {len(boxes)} boxes are less than a pixel, the first is {list(boxes[0][0])}; they "
            "look like fractions: multiply by width and height"
        )
    return ""


def _corners_by_their_areas(objects: Sequence[CocoObject]) -> str:
    """What is wrong if outlines and areas show that boxes are written as corners; else nothing.

    Corners of small objects stay inside of their pictures when they are taken as x, y, width and
    height. An outline of plain numbers, or else the area, says how large the object is.
    """
    as_sizes, as_corners = 0, []
    for item in objects:
        x, y, w, h = item.bbox
        extent = _extent(item.segmentation)
        if extent is not None:
            fits = [
                np.abs(extent - other).max() <= 1.5 for other in ((x, y, x + w, y + h), item.bbox)
            ]
        elif item.area is not None and w > x and h > y:
            areas = w * h, (w - x) * (h - y)
            fits = [abs(area - item.area) <= 0.01 * item.area for area in areas]
        else:
            continue
        as_sizes += fits[0]
        as_corners += [item] if fits[1] and not fits[0] else []
    if len(as_corners) < 3 or as_sizes > 0.05 * len(as_corners):
        return ""
    first = as_corners[0]
    return (
        f"{len(as_corners)} boxes, the first is {list(first.bbox)} of {first.where}, fit their "
        "outlines or areas as x1, y1, x2, y2 only, but COCO's bbox is x, y, width, height"
    )


def _extent(segmentation: Any) -> np.ndarray | None:
    """x1, y1, x2, y2 of an outline of plain numbers, [[x, y, x, y, ...], ...]; else None."""
    if not isinstance(segmentation, list) or not segmentation:
        return None
    numbers: list[float] = []
    for ring in segmentation:
        if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
            return None
        numbers += ring
    if not all(type(n) in (int, float) and abs(n) < LARGEST for n in numbers):
        return None
    points = np.array(numbers, np.float64).reshape(-1, 2)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])
