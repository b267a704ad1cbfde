"""Data sources by name: from ``farmyard:200`` or ``camvid:DIR`` to training, validation and test.

A source says which labels it provides, and a task says which it needs; the two meet here. A new
source is one function that opens it and one entry in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minicv.data.camvid import CamVid
from minicv.data.farmyard import Farmyard
from minicv.data.penn_fudan import PennFudan
from minicv.data.voc import VOCDetection, VOCSegmentation, annotated_classes
from minicv.data.wrapped import Cached, Subset

FARMYARD_TRAINING_SCENES = 900
FARMYARD_VALIDATION_SCENES = 40
FARMYARD_TEST_SCENES = 100


class Splits:
    """The parts of a data set, each opened when it is first used, and then remembered.

    ``validation`` chooses the best weights, ``test`` judges them. The names of the labels are the
    data sets' own: ``train.classes`` of boxes, ``train.segmentation_classes`` of pixels.

    Args:
        train, validation, test: functions that open each part. One that gives None for ``test``
            says that the source has no test part; ``test`` is then ``validation``.
        drawn: whether there can be as many images as are wanted; photographs are few.

    >>> splits = Splits(lambda: Farmyard(3), lambda: Farmyard(2, seed=1), lambda: None)
    >>> len(splits.train), splits.test is splits.validation
    (3, True)
    """

    def __init__(
        self,
        train: Callable[[], Any],
        validation: Callable[[], Any],
        test: Callable[[], Any],
        drawn: bool = False,
    ) -> None:
        self._train, self._validation, self._test = train, validation, test
        self.drawn = drawn

    @cached_property
    def train(self) -> Any:
        """The data set to learn from."""
        return self._train()

    @cached_property
    def validation(self) -> Any:
        """The data set that chooses the best weights."""
        return self._validation()

    @cached_property
    def test(self) -> Any:
        """The data set that judges the result."""
        own = self._test()
        return self.validation if own is None else own


@dataclass(frozen=True)
class Source:
    """A kind of data source.

    Attributes:
        usage: how it is written, with a word about what it is.
        provides: names of the labels in its targets, among boxes, labels, masks, keypoints and
            segmentation.
        open: from what follows the colon to the splits; raises ValueError for what it cannot read.
        folder: whether a folder follows the colon.
    """

    usage: str
    provides: tuple[str, ...]
    open: Callable[[str], Splits]
    folder: bool = True


def open_data(source: str, needs: Sequence[str]) -> Splits:
    """The splits of ``source``, for a task that learns from the labels ``needs``.

    - ``farmyard``: 900 scenes to train on, or as many as ``farmyard:N`` says, 40 for validation and
      100 for the test, drawn from three different seeds.
    - ``pennfudan:DIR``: by sorted name, the last 50 of 170 are for testing; of the other 120 every
      tenth is for validation.
    - ``voc:DIR`` and ``vocseg:DIR``: their own train, val and test lists; a set without a test list
      is tested on val.
    - ``camvid:DIR``: its own train, val and test.

    Raises:
        ValueError: the word before the colon is unknown, the source lacks a label that is needed,
            or there is no such folder. What is wrong inside of the folder is said when the split
            is used.

    >>> open_data("farmyard", ["boxes", "labels"]).train.classes
    ('cow', 'cat', 'dog', 'duck', 'person')
    """
    name, _, rest = source.partition(":")
    known = SOURCES.get(name)
    expected = f"expected {sources_help(needs)}"
    if known is None:
        raise ValueError(f"--data {source}: {expected}")
    lacking = [label for label in needs if label not in known.provides]
    if lacking:
        raise ValueError(
            f"--data {source}: {name} provides {_listed(known.provides)}, but {_listed(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} needed; {expected}"
        )
    if known.folder and rest and not Path(rest).is_dir():
        raise ValueError(f"--data {source}: there is no folder {rest}")
    if known.folder != bool(rest) and not (name == "farmyard" and rest.isdigit()):
        raise ValueError(f"--data {source}: {expected}")
    return known.open(rest)


def sources_help(needs: Sequence[str]) -> str:
    """How the sources are written that provide all of ``needs``.

    >>> sources_help(["segmentation"])[:46]
    'farmyard or farmyard:SCENES (drawn on the fly)'
    """
    usages = [source.usage for source in SOURCES.values() if set(needs) <= set(source.provides)]
    return _listed(usages, "or")


def _listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"


def _farmyard(scenes: str) -> Splits:
    """Scenes are cached, so that only the first epoch draws."""

    def opener(number: int, seed: int) -> Callable[[], Cached]:
        return lambda: Cached(Farmyard(number, seed=seed))

    return Splits(
        opener(int(scenes) if scenes else FARMYARD_TRAINING_SCENES, 0),
        opener(FARMYARD_VALIDATION_SCENES, 1),
        opener(FARMYARD_TEST_SCENES, 2),
        drawn=True,
    )


def _penn_fudan(folder: str) -> Splits:
    def part(held_out: bool) -> Subset:
        development = PennFudan(folder, "train")
        tenth = np.arange(len(development)) % 10 == 9
        return Subset(development, np.flatnonzero(tenth == held_out).tolist())

    return Splits(lambda: part(False), lambda: part(True), lambda: PennFudan(folder, "test"))


def _voc(folder: str) -> Splits:
    names = cache(lambda: annotated_classes(folder))  # of all XML files, so that all splits agree

    def split(name: str) -> VOCDetection:
        return VOCDetection(folder, name, classes=names())

    return _own_splits(split, lists=(folder, "Main"))


def _camvid(folder: str) -> Splits:
    return _own_splits(lambda name: CamVid(folder, name))


def _voc_segmentation(folder: str) -> Splits:
    return _own_splits(lambda name: VOCSegmentation(folder, name), lists=(folder, "Segmentation"))


def _own_splits(split: Callable[[str], Any], lists: tuple[str, str] | None = None) -> Splits:
    """train, val and test; no test where the lists of VOC, (folder, kind), have none."""

    def test() -> Any:
        if lists is not None and not any(Path(lists[0]).glob(f"**/ImageSets/{lists[1]}/test.txt")):
            return None
        return split("test")

    return Splits(lambda: split("train"), lambda: split("val"), test)


SOURCES: dict[str, Source] = {
    "farmyard": Source(
        "farmyard or farmyard:SCENES (drawn on the fly)",
        ("boxes", "labels", "masks", "keypoints", "segmentation"),
        _farmyard,
        folder=False,
    ),
    "pennfudan": Source(
        "pennfudan:DIR (the folder PennFudanPed)", ("boxes", "labels", "masks"), _penn_fudan
    ),
    "voc": Source(
        "voc:DIR (a folder with Annotations, JPEGImages and ImageSets/Main, as Pascal VOC has it)",
        ("boxes", "labels"),
        _voc,
    ),
    "camvid": Source(
        "camvid:DIR (a folder with train, trainannot and so on)", ("segmentation",), _camvid
    ),
    "vocseg": Source(
        "vocseg:DIR (a folder with SegmentationClass, JPEGImages and ImageSets/Segmentation, as "
        "Pascal VOC has it)",
        ("segmentation",),
        _voc_segmentation,
    ),
}
