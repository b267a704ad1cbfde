"""One sample: its size, its labels in numbers, a digest of its pixels, and what is odd in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.checks import check_targets
from minicv.data.doctor.findings import Kind, Note
from minicv.data.faults import UNREADABLE
from minicv.data.image_files import ImageError
from minicv.data.loader import Dataset
from minicv.vision.label_maps import VOID

SHORTER_SIDE = 320  # to which the light detectors resize a picture
LEAST_SIDE = 4.0  # pixels of a box that a detector can still see at that size
MOST_SLENDER = 10.0  # longer side of a box over its shorter one
MOST_ELONGATED = 4.0  # the same for a picture
MOSTLY_VOID = 0.95
SMALL, MEDIUM = 32**2, 96**2  # COCO's limits of areas, in pixels

_LABELS = ("boxes", "labels", "segmentation", "label", "joints")

NO_PICTURE = Kind(
    UNREADABLE, True, "train and eval stop there; --skip-unreadable goes on without it"
)
NO_SAMPLE = Kind("sample that cannot be read", True, "train and eval stop there")
REFUSED = Kind("label that training refuses", True, "")
NO_OBJECT = Kind("picture without objects", False, "right if nothing of the classes is in it")
REPEATED = Kind("repeated box", False, "two boxes at one place: NMS keeps one of them")
WHOLE = Kind("box of the whole picture", False, "right only if the object fills the picture")
TINY = Kind(
    "tiny box",
    False,
    f"less than {LEAST_SIDE:g} pixels when the picture's shorter side is {SHORTER_SIDE}; "
    "a larger --min-size shows more",
)
SLENDER = Kind(
    "slender box", False, f"more than {MOST_SLENDER:g} times as long as wide; no anchor is like it"
)
ELONGATED = Kind(
    "elongated picture",
    False,
    f"one side more than {MOST_ELONGATED:g} times the other: resizing leaves little of the shorter",
)
ONE_COLOUR = Kind("picture of one colour", False, "it shows nothing; is the file damaged?")
JOINT_OUTSIDE = Kind("joint outside of its picture", False, "")
ONE_CLASS = Kind("label map of one class", False, "right if the picture shows nothing else")
ALL_VOID = Kind(
    "label map without classes", False, f"more than {MOSTLY_VOID:.0%} of its pixels have no class"
)


@dataclass(frozen=True)
class Sample:
    """What is kept of one sample: numbers, never its pixels.

    Attributes:
        index: in its split.
        name: of the picture's file, or the image_id of a drawn one.
        image_id: as the data set says it; the name where it says none.
        size: height and width; None for a picture that cannot be read.
        digest: of its pixels; equal for equal pictures.
        labels_digest: of its labels.
        grey: whether its three channels are equal, and it is not of one colour.
        objects: number of objects by label.
        learnt: number of objects to learn from: neither difficult nor a crowd.
        areas: number of small, medium and large objects, in COCO's sense.
        pixels: number of pixels by label, `VOID` included; of the label map.
        joints: (J,) how many people show each joint; None without joints.
        notes: what is odd.
    """

    index: int
    name: str
    path: Path | None
    size: tuple[int, int] | None = None
    digest: bytes = b""
    labels_digest: bytes = b""
    grey: bool = False
    objects: Mapping[int, int] = field(default_factory=dict)
    areas: tuple[int, int, int] = (0, 0, 0)
    pixels: Mapping[int, int] = field(default_factory=dict)
    joints: np.ndarray | None = None
    notes: tuple[Note, ...] = ()
    image_id: str = ""
    learnt: int = 0


def look_at(
    dataset: Dataset, index: int, classes: Sequence[str], joint_names: Sequence[str] = ()
) -> Sample:
    """Read one sample and look at it.

    Args:
        dataset: of a split.
        index: of the sample.
        classes: names of the labels of objects.
        joint_names: names of the joints, where there are any.
    """
    paths = getattr(dataset, "paths", None)
    path = None if paths is None else Path(paths[index])
    name = f"sample {index}" if path is None else str(path)
    try:
        image, target = dataset[index]
    except (ImageError, OSError) as error:
        reason = str(error).rpartition(f"{path}: ")[2]
        return Sample(index, name, path, notes=(Note(NO_PICTURE, reason),))
    except Exception as error:  # whatever a reader raises, the other samples are looked at too
        what = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        return Sample(index, name, path, notes=(Note(NO_SAMPLE, what),))
    if path is None:
        name = str(target.get("image_id", name))
    height, width = image.shape[1:]
    notes: list[Note] = []
    if max(height, width) > MOST_ELONGATED * min(height, width):
        notes.append(Note(ELONGATED, f"it is {width} x {height}"))
    empty = height * width > 1 and bool((image == image[:, :1, :1]).all())
    if empty:
        red, green, blue = (image[:, 0, 0] * 255 + 0.5).astype(int).tolist()
        notes.append(Note(ONE_COLOUR, f"all of its pixels are ({red}, {green}, {blue}), RGB"))
    notes += check_objects(image, target, classes, joint_names)
    notes += check_label_map(target)
    joints = _joints(target)
    return Sample(
        index,
        name,
        path,
        (height, width),
        digest_of(image),
        digest_of(*(np.asarray(target[key]) for key in _LABELS if key in target)),
        not empty and bool((image[:1] == image[1:]).all()),
        Counter(_object_labels(target).tolist()),
        _areas(target),
        _pixels(target),
        None if joints is None else (joints[..., 2] > 0).sum(axis=0),
        tuple(notes),
        str(target.get("image_id", name)),
        _learnt(target),
    )


def digest_of(*arrays: np.ndarray) -> bytes:
    """16 bytes that differ where shape or content differ.

    >>> digest_of(np.zeros((2, 3))) == digest_of(np.zeros((3, 2)))
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes() if array.ndim == 0 else array.view(np.uint8).data)
    return digest.digest()


def check_objects(
    image: np.ndarray,
    target: Mapping[str, Any],
    classes: Sequence[str],
    joint_names: Sequence[str] = (),
) -> Iterator[Note]:
    """What is odd about the boxes and joints of a picture.

    >>> boxes = np.array([[1.0, 1, 9, 9], [1, 1, 9, 9]])
    >>> target = {"boxes": boxes, "labels": np.array([0, 0])}
    >>> [note.what for note in check_objects(np.zeros((3, 20, 20)), target, ("cow",))]
    ['objects 1 and 2 (cow, cow) have the same box']
    """
    if "joints" in target:
        yield from _joints_outside(_joints(target), joint_names, *image.shape[1:])
    if "boxes" not in target:
        return
    try:
        check_targets([image], [target], len(classes))
    except ValueError as error:
        yield Note(REFUSED, _reason(error))
        return
    boxes = np.asarray(target["boxes"], np.float64)  # (N, 4)
    if len(boxes) == 0:
        yield Note(NO_OBJECT, "it has no object")
        return
    height, width = image.shape[1:]
    names = [classes[label] for label in np.asarray(target["labels"]).tolist()]
    sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2) width and height
    seen = sides * SHORTER_SIDE / min(height, width)
    yield from _repeated(boxes, names)
    whole = np.abs(boxes - (0, 0, width, height)).max(axis=1) <= 1
    for kind, odd in (
        (TINY, (seen < LEAST_SIDE).any(axis=1)),
        (SLENDER, sides.max(axis=1) > MOST_SLENDER * sides.min(axis=1)),
        (WHOLE, whole),
    ):
        numbers = np.flatnonzero(odd)
        if len(numbers):
            first = int(numbers[0])
            size = " x ".join(f"{side:.4g}" for side in sides[first])
            more = f", and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            yield Note(kind, f"object {first + 1} ({names[first]}) is {size}{more}", len(numbers))
    yield from _joints_outside(target.get("keypoints"), joint_names, height, width)


def _repeated(boxes: np.ndarray, names: Sequence[str]) -> Iterator[Note]:
    first_of: dict[bytes, int] = {}
    for number, box in enumerate(boxes):
        first = first_of.setdefault(box.tobytes(), number)
        if first != number:
            pair = f"objects {first + 1} and {number + 1} ({names[first]}, {names[number]})"
            yield Note(REPEATED, f"{pair} have the same box")


def _joints_outside(
    keypoints: np.ndarray | None, joint_names: Sequence[str], height: int, width: int
) -> Iterator[Note]:
    if keypoints is None:
        return
    x, y, visible = np.moveaxis(np.asarray(keypoints), -1, 0)  # (N, J) each
    outside = (visible > 0) & ((x < 0) | (y < 0) | (x > width) | (y > height))
    for person, joint in np.argwhere(outside)[:1]:
        name = joint_names[joint] if joint < len(joint_names) else f"joint {joint + 1}"
        where = f"({x[person, joint]:g}, {y[person, joint]:g})"
        what = f"object {person + 1}, {name} at {where} of {width} x {height}"
        yield Note(JOINT_OUTSIDE, what, int(outside.sum()))


def check_label_map(target: Mapping[str, Any]) -> Iterator[Note]:
    """What is odd about the label map of a picture.

    >>> [n.kind.name for n in check_label_map({"segmentation": np.zeros((2, 2), int)})]
    ['label map of one class']
    """
    pixels = _pixels(target)
    if not pixels:
        return
    void = pixels.get(VOID, 0) / sum(pixels.values())
    if void > MOSTLY_VOID:
        yield Note(ALL_VOID, f"{void:.0%} of its pixels have no class")
    elif len(set(pixels) - {VOID}) == 1:
        yield Note(ONE_CLASS, f"all pixels have the number {next(iter(set(pixels) - {VOID}))}")


def _pixels(target: Mapping[str, Any]) -> dict[int, int]:
    """Number of pixels by label, those that occur."""
    if "segmentation" not in target:
        return {}
    counts = np.bincount(np.ravel(target["segmentation"]))
    return {int(label): int(counts[label]) for label in np.flatnonzero(counts)}


def _object_labels(target: Mapping[str, Any]) -> np.ndarray:
    """(N,) int64: of the objects, of the whole picture, or of the one person with joints."""
    person = (0,) if "joints" in target else ()
    return np.ravel(target.get("labels", target.get("label", person))).astype(np.int64)


def _joints(target: Mapping[str, Any]) -> np.ndarray | None:
    """(people, J, 3), of the objects or of the one person whom the picture shows."""
    if "joints" in target:
        return np.asarray(target["joints"])[None]
    return target.get("keypoints")


def _areas(target: Mapping[str, Any]) -> tuple[int, int, int]:
    """Number of small, medium and large objects; by COCO's area where there is one."""
    if "boxes" not in target:
        return 0, 0, 0
    boxes = np.asarray(target["boxes"], np.float64).reshape(-1, 4)
    area = np.asarray(target.get("area", np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)))
    small, medium = int((area < SMALL).sum()), int(((area >= SMALL) & (area < MEDIUM)).sum())
    return small, medium, len(area) - small - medium


def _learnt(target: Mapping[str, Any]) -> int:
    """Number of objects that a training learns from and AP judges by."""
    labels = _object_labels(target)
    left_out = np.zeros(len(labels), bool)
    for mark in ("difficult", "iscrowd"):
        left_out |= np.asarray(target.get(mark, left_out), bool)
    return int((~left_out).sum())


def _reason(error: Exception) -> str:
    """The message without the name of the operation or the image in front."""
    return str(error).split(": ", 1)[-1]
