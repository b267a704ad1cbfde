"""Pictures whose objects are outlined by polygons: what labelme and CVAT write.

An outline becomes a box, a mask, and its part of a map of classes, whichever a task learns from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minicv.data.checks import clip_to_picture
from minicv.data.faults import Faults
from minicv.data.image_files import read_image
from minicv.data.picture_size import PictureSize, upright_points
from minicv.vision.label_maps import VOID
from minicv.vision.polygons import fill_polygons

BACKGROUND = "background"
NOT_OBJECTS = {"__ignore__": VOID, "_background_": 0}  # labelme's own names for such regions
TOLERANCE = 1.0  # pixels by which an outline drawn by hand may reach out of its picture
ELLIPSE_CORNERS = 64


@dataclass(frozen=True)
class Patch:
    """A part of a mask: pixels (h, w) bool whose first one is at (left, top)."""

    left: int
    top: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Outline:
    """One object: polygons and patches that together cover it.

    Attributes:
        label: its name.
        polygons: each (P, 2), x and y in continuous pixel coordinates.
        patches: of a mask that was painted.
    """

    label: str
    polygons: tuple[np.ndarray, ...] = ()
    patches: tuple[Patch, ...] = ()

    def bounds(self) -> np.ndarray:
        """The box (4,) around all of it."""
        points = [*self.polygons]
        for patch in self.patches:
            rows, columns = np.nonzero(patch.pixels)
            corner = np.array([patch.left, patch.top])
            if len(rows):
                ends = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
                points.append(np.array(ends) + corner)
        if not points:
            return np.zeros(4)
        together = np.concatenate(points)
        return np.concatenate([together.min(axis=0), together.max(axis=0)])

    def mask(self, height: int, width: int) -> np.ndarray:
        """(H, W) bool: the pixels whose centres it covers."""
        mask = fill_polygons([polygon.ravel().tolist() for polygon in self.polygons], height, width)
        for patch in self.patches:
            top, left = max(patch.top, 0), max(patch.left, 0)
            window = mask[top : patch.top + patch.pixels.shape[0],
                          left : patch.left + patch.pixels.shape[1]]  # fmt: skip
            inside = patch.pixels[top - patch.top :, left - patch.left :]
            window |= inside[: window.shape[0], : window.shape[1]]
        return mask


@dataclass
class Labelled:
    """A picture, the size of it, and its objects; boxes are in the picture when it is upright."""

    picture: Path
    size: PictureSize
    outlines: list[Outline] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)

    def add(
        self, outline: Outline, turned: bool, annotation: Path, where: str, faults: Faults
    ) -> None:
        """Add an object, or note what is wrong with it.

        Args:
            outline: as the file has it.
            turned: whether it was drawn on the picture as stored; see `drawn_on_stored`.
            annotation, where: the file and the place in it, for messages.
            faults: takes what is wrong.
        """
        if turned:
            if outline.patches:
                what = f"{where} is a painted mask of a picture that EXIF turns"
                faults.error("mask of a turned picture", annotation, f"{what}; draw polygons")
                return
            polygons = tuple(upright_points(polygon, self.size) for polygon in outline.polygons)
            outline = Outline(outline.label, polygons)
        if outline.label in NOT_OBJECTS:
            self.outlines.append(outline)
            self.boxes.append(np.zeros(4))
            return
        bounds = outline.bounds()
        box, wrong = clip_to_picture(bounds, self.size.height, self.size.width, TOLERANCE)
        if wrong:
            flat = (bounds[2:] <= bounds[:2]).any()
            faults.repaired(
                "box without area" if flat else "box outside of its picture",
                annotation,
                f"{where} reaches from ({bounds[0]:g}, {bounds[1]:g}) to ({bounds[2]:g}, "
                f"{bounds[3]:g}) in a picture of {self.size.width} x {self.size.height}",
                "dropped" if box is None else "clipped",
            )
        if box is not None:
            self.outlines.append(outline)
            self.boxes.append(box)


@dataclass(frozen=True)
class Shape:
    """One shape of an annotation.

    Attributes:
        outline: what it covers.
        group: shapes of one label and one group are one object; empty for a shape by itself.
        where: its place in the file, for messages.
    """

    outline: Outline
    group: str
    where: str


def objects_of(shapes: Iterable[Shape]) -> Iterator[tuple[Outline, str]]:
    """The objects, and the place of the first shape of each.

    >>> halves = [Shape(Outline("cow"), "7", f"shape {i}") for i in (1, 2)]
    >>> [where for _, where in objects_of([*halves, Shape(Outline("cow"), "", "shape 3")])]
    ['shape 1', 'shape 3']
    """
    groups: dict[tuple[str, str], list[Shape]] = {}
    for shape in shapes:
        group = f"group {shape.group}" if shape.group else shape.where
        groups.setdefault((shape.outline.label, group), []).append(shape)
    for together in groups.values():
        yield joined([shape.outline for shape in together]), together[0].where


class OutlinedPictures:
    """Pictures with outlined objects; the base of `LabelmeFolder` and `CVATImages`.

    Target: boxes (N, 4) around the outlines, labels (N,), area (N,) of the boxes, and image_id, the
    picture's path within its folder. With ``masks=True`` also masks (N, H, W). With
    ``segmentation=True`` also segmentation (H, W): 0 is the background and label + 1 an object;
    where two overlap, the later one counts.

    Args:
        entries: the pictures.
        root: the folder in which they are.
        classes: the names, in the order of their labels; None takes those that occur, sorted.
        masks, segmentation: which labels to make besides boxes.
    """

    def __init__(
        self,
        entries: Sequence[Labelled],
        root: Path,
        classes: Sequence[str] | None,
        masks: bool = False,
        segmentation: bool = False,
    ) -> None:
        self.root, self.masks, self.segmentation = root, masks, segmentation
        self._entries = list(entries)
        self.paths = [entry.picture for entry in self._entries]
        self.classes: tuple[str, ...] = (
            names_of(o for entry in self._entries for o in entry.outlines)
            if classes is None
            else tuple(classes)
        )
        self.segmentation_classes: tuple[str, ...] = (BACKGROUND, *self.classes)

    def __len__(self) -> int:
        return len(self._entries)

    def labels_of(self, index: int) -> np.ndarray:
        """The labels of a picture's objects, without reading the picture."""
        names = [outline.label for outline in self._entries[index].outlines]
        return np.array([self.classes.index(n) for n in names if n not in NOT_OBJECTS], np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        entry = self._entries[index]
        image = read_image(entry.picture)
        height, width = image.shape[1:]
        objects = [
            (outline, box)
            for outline, box in zip(entry.outlines, entry.boxes, strict=True)
            if outline.label not in NOT_OBJECTS
        ]
        boxes = np.array([box for _, box in objects], np.float32).reshape(-1, 4)
        labels = [self.classes.index(outline.label) for outline, _ in objects]
        target = {
            "boxes": boxes,
            "labels": np.array(labels, np.int64),
            "area": (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
            "image_id": entry.picture.relative_to(self.root).as_posix(),
        }
        if self.masks:
            masks = [outline.mask(height, width) for outline, _ in objects]
            target["masks"] = np.array(masks, bool).reshape(-1, height, width)
        if self.segmentation:
            segmentation = np.zeros((height, width), np.int64)
            for outline in entry.outlines:
                known = NOT_OBJECTS.get(outline.label)
                value = self.classes.index(outline.label) + 1 if known is None else known
                segmentation[outline.mask(height, width)] = value
            target["segmentation"] = segmentation
        return image, target


def names_of(outlines: Iterable[Outline]) -> tuple[str, ...]:
    """The names of the objects, sorted."""
    return tuple(sorted({outline.label for outline in outlines} - set(NOT_OBJECTS)))


def joined(outlines: Sequence[Outline]) -> Outline:
    """Several outlines of one object as one: a cow behind a tree has two."""
    return Outline(
        outlines[0].label,
        tuple(polygon for outline in outlines for polygon in outline.polygons),
        tuple(patch for outline in outlines for patch in outline.patches),
    )


def rectangle(corners: Sequence[float] | np.ndarray, degrees: float = 0.0) -> np.ndarray:
    """The corners (4, 2) of a rectangle that is turned clockwise about its centre.

    Args:
        corners: x1, y1, x2, y2 before the turn.

    >>> rectangle([0, 0, 4, 2]).tolist()
    [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]
    """
    x1, y1, x2, y2 = (float(v) for v in corners)
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    return _turned(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), centre, degrees)


def ellipse(
    centre: Sequence[float] | np.ndarray, radii: Sequence[float], degrees: float = 0.0
) -> np.ndarray:
    """An ellipse as a polygon of 64 corners (64, 2), among them the four ends of its axes."""
    angles = np.arange(ELLIPSE_CORNERS) * (2 * np.pi / ELLIPSE_CORNERS)
    corners = centre + np.asarray(radii) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _turned(corners, np.asarray(centre), degrees)


def _turned(corners: np.ndarray, centre: np.ndarray, degrees: float) -> np.ndarray:
    if not degrees:
        return corners
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (corners - centre) @ turn.T + centre
