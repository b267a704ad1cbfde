"""``--data farmyard | camvid:DIR | ...``: from a word on the command line to the splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data import (
    Cached,
    CamVid,
    Farmyard,
    PennFudan,
    Subset,
    VOCDetection,
    VOCSegmentation,
)

FARMYARD_TRAINING_SCENES = 900
FARMYARD_HELD_OUT = 40
FARMYARD_SEGMENTATION_TEST = 100

# What each kind of source is, and how it is labelled; a detector needs boxes.
BOXES, CLASSES_OF_PIXELS = "boxes", "a class for every pixel"
_KINDS = {
    "farmyard": ("farmyard or farmyard:SCENES (drawn on the fly)", (BOXES, CLASSES_OF_PIXELS)),
    "pennfudan": ("pennfudan:DIR (the folder PennFudanPed)", (BOXES,)),
    "voc": (
        "voc:DIR (a folder with Annotations, JPEGImages and ImageSets/Main, as Pascal VOC has it)",
        (BOXES,),
    ),
    "camvid": ("camvid:DIR (a folder with train, trainannot and so on)", (CLASSES_OF_PIXELS,)),
    "vocseg": (
        "vocseg:DIR (a folder with SegmentationClass, JPEGImages and ImageSets/Segmentation, as "
        "Pascal VOC has it)",
        (CLASSES_OF_PIXELS,),
    ),
}


def data_help(labels: str) -> str:
    """The sources that are labelled with ``labels``, `BOXES` or `CLASSES_OF_PIXELS`.

    >>> data_help(CLASSES_OF_PIXELS)[:46]
    'farmyard or farmyard:SCENES (drawn on the fly)'
    """
    *first, last = [what for what, kinds in _KINDS.values() if labels in kinds]
    return f"{', '.join(first)} or {last}"


DATA_HELP = f"for detectors {data_help(BOXES)}; for segmenters {data_help(CLASSES_OF_PIXELS)}"


@dataclass(frozen=True)
class Splits:
    """The parts of a data set; ``validation`` chooses the best weights, ``test`` judges them.

    ``classes`` are the names of the labels: of boxes for a detector, of pixels for a segmenter.
    ``drawn`` says that there can be as many images as are wanted; photographs are few.
    """

    train: Any
    validation: Any
    test: Any
    classes: tuple[str, ...]
    drawn: bool = False


def open_data(source: str) -> Splits:
    """The splits of ``source`` for a detector.

    - ``farmyard``: 900 scenes to train on, or as many as ``farmyard:N`` says, and 40 each for
      validation and test, drawn from three different seeds.
    - ``pennfudan:DIR``: by sorted name, the last 50 of 170 are for testing; of the other 120 every
      tenth is for validation.
    - ``voc:DIR``: its own train, val and test lists; a set without a test list is tested on val.

    Raises:
        ValueError: the word before the colon is unknown or a source without boxes, or the folder is
            missing.

    >>> open_data("farmyard").classes
    ('cow', 'cat', 'dog', 'duck', 'person')
    """
    kind, rest = _kind_of(source, BOXES)
    if kind == "farmyard":
        # Later passes need no drawing, and a detector no masks and joints.
        parts = _farmyard(rest, FARMYARD_HELD_OUT, keep=("boxes", "labels", "image_id"))
        return Splits(*parts, classes=parts[0].classes, drawn=True)
    folder = _folder(source, rest)
    if kind == "pennfudan":
        development = PennFudan(folder, "train")
        held_out = np.arange(len(development)) % 10 == 9
        return Splits(
            Subset(development, np.flatnonzero(~held_out)),
            Subset(development, np.flatnonzero(held_out)),
            PennFudan(folder, "test"),
            classes=development.classes,
        )
    train = VOCDetection(folder, "train")
    validation = VOCDetection(folder, "val", classes=train.classes)
    lists = next(folder.glob("**/ImageSets/Main/test.txt"), None)
    test = VOCDetection(folder, "test", classes=train.classes) if lists else validation
    return Splits(train, validation, test, classes=train.classes)


def open_segmentation_data(source: str) -> Splits:
    """The splits of ``source`` for a segmenter.

    - ``farmyard``: 900 scenes to train on, or as many as ``farmyard:N`` says, 40 for validation and
      100 for the test, drawn from three different seeds.
    - ``camvid:DIR``: its own train, val and test.
    - ``vocseg:DIR``: its own train, val and test lists; a set without a test list is tested on val.

    Raises:
        ValueError: the word before the colon is unknown or a source without label maps, or the
            folder is missing.

    >>> open_segmentation_data("farmyard").classes[-3:]
    ('sky', 'tree', 'grass')
    """
    kind, rest = _kind_of(source, CLASSES_OF_PIXELS)
    if kind == "farmyard":
        parts = _farmyard(rest, FARMYARD_SEGMENTATION_TEST, keep=("segmentation", "image_id"))
        return Splits(*parts, classes=parts[0].segmentation_classes, drawn=True)
    folder = _folder(source, rest)
    if kind == "camvid":
        parts = [CamVid(folder, split) for split in ("train", "val", "test")]
        return Splits(*parts, classes=parts[0].segmentation_classes)
    train, validation = (VOCSegmentation(folder, split) for split in ("train", "val"))
    lists = next(folder.glob("**/ImageSets/Segmentation/test.txt"), None)
    test = VOCSegmentation(folder, "test") if lists else validation
    return Splits(train, validation, test, classes=train.segmentation_classes)


def _kind_of(source: str, labels: str) -> tuple[str, str]:
    """The word before the colon and what follows it; refuses what has not those labels."""
    kind, _, rest = source.partition(":")
    if kind in _KINDS and labels not in _KINDS[kind][1]:
        other = CLASSES_OF_PIXELS if labels == BOXES else BOXES
        model = "a detector" if labels == BOXES else "a segmenter"
        raise ValueError(
            f"--data {source}: {kind} has {other}, but {model} learns from {labels}; expected "
            f"{data_help(labels)}"
        )
    known = not rest or rest.isdigit() if kind == "farmyard" else kind in _KINDS and rest
    if not known:
        raise ValueError(f"--data {source}: expected {data_help(labels)}")
    return kind, rest


def _folder(source: str, name: str) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise ValueError(f"--data {source}: there is no folder {folder}")
    return folder


def _farmyard(scenes: str, test: int, keep: tuple[str, ...]) -> list[Cached]:
    """Scenes for training, validation and test, each drawn once."""
    train = int(scenes) if scenes else FARMYARD_TRAINING_SCENES
    lengths = (train, FARMYARD_HELD_OUT, test)
    return [Cached(Farmyard(n, seed=seed), keep=keep) for seed, n in enumerate(lengths)]
