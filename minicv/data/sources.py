"""Data sources by name: from ``farmyard:200`` or ``camvid:DIR`` to training, validation and test.

A source says which labels it provides, and a task says which it needs; the two meet here. A new
source is one function that opens it and one entry in `SOURCES`.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from minicv.data.camvid import CamVid
from minicv.data.class_folder import ClassFolder, splits_of, splits_of_classes
from minicv.data.class_list import open_class_list
from minicv.data.coco_folder import CocoParts, find_coco_parts
from minicv.data.cvat import CVATImages, subsets_of
from minicv.data.derived_labels import derivation, with_derived
from minicv.data.farmyard import Farmyard
from minicv.data.faults import Faults
from minicv.data.idx_files import open_idx
from minicv.data.labelme import LabelmeFolder
from minicv.data.leeds_sports import open_leeds_sports
from minicv.data.mask_folder import MaskFolder
from minicv.data.one_object import SingleObjectScenes
from minicv.data.penn_fudan import PennFudan
from minicv.data.splits import Splits, every_tenth, named_splits
from minicv.data.unlabelled import open_unlabelled
from minicv.data.voc import VOCDetection, annotated_classes
from minicv.data.voc_layout import VOCFolder
from minicv.data.voc_segmentation import VOCSegmentation
from minicv.data.voc_splits import VOCParts
from minicv.data.wrapped import Cached, Subset
from minicv.data.yolo import YoloDetection
from minicv.data.yolo_folder import YoloFolder

FARMYARD_TRAINING_SCENES = 900
FARMYARD_VALIDATION_SCENES = 40
FARMYARD_TEST_SCENES = 100
FARMYARD_MOST_SCENES = 1_000_000  # all are kept once they are drawn


@dataclass(frozen=True)
class Request:
    """What is asked of a source.

    Attributes:
        needs: the labels that are wanted, so that no mask is made in vain.
        classes: the names of the classes; None for those that the set itself says.
        faults: takes what is wrong with the files; None warns and raises, as `Faults()` does.
        wishes: labels that are read where the set has any.
    """

    needs: tuple[str, ...]
    classes: tuple[str, ...] | None = None
    faults: Faults | None = None
    wishes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A kind of data source.

    Attributes:
        usage: how it is written, with a word about what it is.
        native: names of the labels in its targets, among boxes, labels, masks, keypoints,
            segmentation; label, the class of a whole picture; box, that of its one object; joints,
            of its one person.
        open: from the paths that follow the colon, and what is asked of them, to the splits.
        paths: how many files or folders follow the colon, separated by commas; or how many may.
        takes_classes: whether the user may name the classes.
        sometimes: labels that its files may have or not; `native` names them too.
    """

    usage: str
    native: tuple[str, ...]
    open: Callable[[list[str], Request], Splits]
    paths: int | tuple[int, ...] = 1
    takes_classes: bool = False
    sometimes: tuple[str, ...] = ()

    @property
    def provides(self) -> tuple[str, ...]:
        """The labels that it has, and those that can be made of them."""
        return with_derived(self.native)

    def gives(self, needs: Sequence[str]) -> bool:
        """Whether one target can have all of the labels ``needs``."""
        return set(needs) <= set(self.native) or derivation(needs, self.native) is not None


def open_data(
    source: str,
    needs: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    faults: Faults | None = None,
    wishes: Sequence[str] = (),
) -> Splits:
    """The splits of ``source``, for a task that learns from the labels ``needs``.

    - ``farmyard``: 900 scenes to train on, or as many as ``farmyard:N`` says, 40 for validation and
      100 for the test, drawn from three different seeds.
    - ``pennfudan:DIR``: by sorted name, the last 50 of 170 are for testing; of the other 120 every
      tenth is for validation.
    - ``voc:DIR`` and ``vocseg:DIR``: their own train, val and test lists or folders; every tenth
      picture validates where there is no val list; a set without a test list, or without the
      annotations of its pictures, is tested on val.
    - ``camvid:DIR``: its own train, val and test.
    - ``folder:DIR``: its folders train, val and test; where there are none, every tenth picture of
      each class validates.
    - ``csv:FILE``: its column of splits; without one, every tenth picture of each class validates.
    - ``pictures:DIR``: by sorted name every tenth picture validates.
    - ``idx:DIR``: of the files ``train`` every tenth picture validates; ``t10k`` is the test.
    - ``lsp:DIR``: the last eighth by number is the test, of the original 2,000 the last half; of
      the others every tenth validates.
    - ``masks:IMAGES,MASKS``: by sorted name every tenth picture validates.
    - ``coco:DIR``: the parts after which its files or folders are called; where none is for
      validation, every tenth picture validates. ``coco:IMAGES,FILE.json`` names the file to learn
      from; further files, for validation and for the test, may follow it.
    - ``yolo:DIR``: the parts of its data.yaml, lists or folders; where none is for validation,
      every tenth picture validates.

    Some labels are made of others where the files do not have them. For ``label`` each object is
    cut out around its box, see `ObjectCrops`; for ``label`` and ``box`` only pictures with exactly
    one object are taken, see `OneObject`; for ``joints`` each person is cut out, see `PersonCrops`.
    For ``label`` and ``box``, Farmyard draws scenes with one object.

    Args:
        source: as above.
        needs: names of labels; see `Source`.
        classes: the names of the classes, for a source that takes them.
        faults: takes what is wrong with the files; None warns and raises, as `Faults()` does.
        wishes: names of labels that are read where the files have any, see `Source.sometimes`.

    Raises:
        ValueError: the word before the colon is unknown, the source lacks a label that is needed or
            takes no names of classes, or a path does not exist. What is wrong with the files is
            said when the split is used.

    >>> open_data("farmyard", ["boxes", "labels"]).train.classes
    ('cow', 'cat', 'dog', 'duck', 'person')
    """
    name, _, rest = source.partition(":")
    known = SOURCES.get(name)
    forms = re.sub(r" \(.*?\)", "", sources_help(needs))
    expected = f"expected {forms}; --help says what each is"
    if known is None:
        lacks_kind = f"; {source} is there: write its kind before it" * _exists(source)
        raise ValueError(f"--data {source}: {expected}{lacks_kind}")
    lacking = [label for label in needs if label not in known.provides]
    if not known.gives(needs):
        lacking, together = (lacking, "") if lacking else ([*needs], " together")
        raise ValueError(
            f"--data {source}: {name} provides {_listed(known.provides or ['no labels'])}, but "
            f"{_listed(lacking)} {'are' if len(lacking) > 1 or lacking[0].endswith('s') else 'is'} "
            f"needed{together}; {expected}"
        )
    if classes is not None and not known.takes_classes:
        raise ValueError(
            f"--classes: {name} says itself what its classes are; leave the option out"
        )
    named = None if classes is None else tuple(classes)
    made = None if set(needs) <= set(known.native) else derivation(needs, known.native)
    asked = Request(made.made_of if made else tuple(needs), named, faults, tuple(wishes))
    splits = _opened(known, source, rest, asked, expected)
    return made.of(splits) if made else splits


def _opened(known: Source, source: str, rest: str, asked: Request, expected: str) -> Splits:
    """The splits of a known kind of source, after a look at what follows the colon."""
    name = source.partition(":")[0]
    if name == "farmyard" and re.fullmatch(r"\d*", rest, re.ASCII):
        if len(rest) > 9 or int(rest or 1) > FARMYARD_MOST_SCENES:
            raise ValueError(
                f"--data {source:.60}: expected a number of scenes up to {FARMYARD_MOST_SCENES:,}"
            )
        return known.open([rest], asked)
    if not rest or name == "farmyard":
        raise ValueError(f"--data {source}: {expected}")
    paths = _paths(rest, known.paths)
    if paths is None:
        raise ValueError(f"--data {source}: expected {known.usage}")
    for path in paths:
        if not Path(path).exists():
            raise ValueError(f"--data {source}: there is no file or folder {path}")
    return known.open(paths, asked)


def _paths(rest: str, counts: int | tuple[int, ...]) -> list[str] | None:
    """``rest`` cut at its commas into paths; commas within a name that exists are kept.

    >>> _paths("images,masks", 2), _paths("images", 2), _paths("images,a.json", (1, 2, 3))
    (['images', 'masks'], None, ['images', 'a.json'])
    """
    parts = rest.split(",")
    counts = (counts,) if isinstance(counts, int) else counts
    cuts = [
        [",".join(parts[a:b]) for a, b in itertools.pairwise((0, *inner, len(parts)))]
        for count in counts
        for inner in itertools.combinations(range(1, len(parts)), count - 1)
    ]
    for paths in cuts:
        if all(Path(path).exists() for path in paths):
            return paths
    if len(counts) > 1 and len(parts) in counts:
        return parts
    return cuts[0] if len(cuts) == 1 else None


def _exists(path: str) -> bool:
    try:
        return path not in ("", ".") and Path(path).exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False


def sources_help(needs: Sequence[str]) -> str:
    """How the sources are written that provide all of ``needs``.

    >>> sources_help(["segmentation"])[:46]
    'farmyard or farmyard:SCENES (drawn on the fly)'
    """
    usages = [source.usage for source in SOURCES.values() if source.gives(needs)]
    return _listed(usages, "or")


def _listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"


def _farmyard(paths: list[str], asked: Request) -> Splits:
    """Scenes are cached, so that only the first epoch draws."""
    (scenes,) = paths
    draw = SingleObjectScenes if "label" in asked.needs or "box" in asked.needs else Farmyard

    def opener(number: int, seed: int) -> Callable[[], Cached]:
        return lambda: Cached(draw(number, seed=seed))

    return Splits(
        opener(int(scenes) if scenes else FARMYARD_TRAINING_SCENES, 0),
        opener(FARMYARD_VALIDATION_SCENES, 1),
        opener(FARMYARD_TEST_SCENES, 2),
        drawn=True,
    )


def _penn_fudan(paths: list[str], asked: Request) -> Splits:
    (folder,) = paths
    development = every_tenth(lambda: PennFudan(folder, "train", asked.faults))
    return Splits(
        lambda: development.train,
        lambda: development.validation,
        lambda: PennFudan(folder, "test", asked.faults),
    )


def _voc(paths: list[str], asked: Request) -> Splits:
    (root,) = paths
    names = cache(lambda: annotated_classes(root, asked.faults))  # so that all splits agree

    def part(name: str | None) -> VOCDetection:
        return VOCDetection(root, name, asked.classes or names(), faults=asked.faults)

    return _by_lists(VOCParts(VOCFolder(root, "VOCDetection"), part, asked.faults))


def _camvid(paths: list[str], asked: Request) -> Splits:
    (folder,) = paths
    return Splits(
        lambda: CamVid(folder, "train", asked.faults),
        lambda: CamVid(folder, "val", asked.faults),
        lambda: CamVid(folder, "test", asked.faults),
    )


def _voc_segmentation(paths: list[str], asked: Request) -> Splits:
    (root,) = paths

    def part(name: str | None) -> VOCSegmentation:
        return VOCSegmentation(root, name, asked.classes, faults=asked.faults)

    return _by_lists(VOCParts(VOCSegmentation.folder(root), part, asked.faults))


def _masks(paths: list[str], asked: Request) -> Splits:
    images, masks = paths
    failed: list[bool] = []

    def opened() -> MaskFolder:
        try:
            return MaskFolder(images, masks, asked.classes, asked.faults)
        except (ValueError, OSError):
            failed.append(True)
            raise

    whole = cache(opened)
    tenths = every_tenth(whole)

    def rule() -> str:
        """What the masks mean is told too, unless it was told why they cannot be read."""
        said = "" if failed else whole().said
        return f"{said}; {tenths.rule}" if said else tenths.rule

    return Splits(lambda: tenths.train, lambda: tenths.validation, lambda: None, rule=rule)


def _class_folder(paths: list[str], asked: Request) -> Splits:
    (root,) = paths

    def part(name: str | None) -> ClassFolder:
        return ClassFolder(root, name, asked.classes, asked.faults)

    return splits_of_classes(splits_of(root), part, root, "there are no folders for splits")


def _by_lists(parts: VOCParts) -> Splits:
    if not parts.names:
        return every_tenth(functools.partial(parts.open, None))
    return named_splits(parts.names, parts.open, where=parts.folder.root)


def _labelme(paths: list[str], asked: Request) -> Splits:
    (folder,) = paths
    wanted = {name: name in asked.needs for name in ("masks", "segmentation")}
    return every_tenth(lambda: LabelmeFolder(folder, asked.classes, faults=asked.faults, **wanted))


def _cvat(paths: list[str], asked: Request) -> Splits:
    (path,) = paths
    wanted = {name: name in asked.needs for name in ("masks", "segmentation")}
    subsets = subsets_of(path)

    def part(subset: str | None) -> CVATImages:
        return CVATImages(path, subset, asked.classes, faults=asked.faults, **wanted)

    if not subsets:
        return every_tenth(lambda: part(None))
    return named_splits(subsets, part, where=path)


def _coco(paths: list[str], asked: Request) -> Splits:
    keypoints = "keypoints" in asked.needs
    parts = CocoParts(
        find_coco_parts(paths, keypoints),
        "masks" in asked.needs,
        keypoints,
        asked.classes,
        asked.faults,
        masks_if_there="masks" in asked.wishes,
    )

    def part(role: str) -> Any:
        dataset = parts.open(role)
        # The file is sorted by id; every tenth picture is counted by name.
        return dataset and Subset(
            dataset, sorted(range(len(dataset)), key=dataset.paths.__getitem__)
        )

    return named_splits(list(parts.parts), part, where=paths[0])


def _yolo(paths: list[str], asked: Request) -> Splits:
    (path,) = paths
    faults = Faults() if asked.faults is None else asked.faults
    folder = YoloFolder(path, faults)
    if not {"train", ""} & {*folder.parts}:
        faults.settle("YoloDetection")  # what is wrong with data.yaml says why

    def part(role: str | None) -> Any:
        if role == "test" and not any(map(folder.label_file, folder.parts["test"])):
            return None
        return YoloDetection(folder, role, asked.classes, faults)

    names = [role for role in folder.parts if role]
    if not names:
        return every_tenth(lambda: part(None))
    return named_splits(names, part, where=path)


SOURCES: dict[str, Source] = {
    "farmyard": Source(
        "farmyard or farmyard:SCENES (drawn on the fly)",
        ("boxes", "labels", "masks", "keypoints", "segmentation", "label", "box"),
        _farmyard,
    ),
    "pennfudan": Source(
        "pennfudan:DIR (the folder PennFudanPed)", ("boxes", "labels", "masks"), _penn_fudan
    ),
    "voc": Source(
        "voc:DIR (a folder with XML files of Pascal VOC, labelImg, CVAT or Roboflow, and pictures)",
        ("boxes", "labels"),
        _voc,
        takes_classes=True,
    ),
    "labelme": Source(
        "labelme:DIR (a folder with the JSON files of labelme)",
        ("boxes", "labels", "masks", "segmentation"),
        _labelme,
        takes_classes=True,
    ),
    "cvat": Source(
        "cvat:DIR (a folder with CVAT's annotations.xml and the pictures, or that file)",
        ("boxes", "labels", "masks", "segmentation"),
        _cvat,
        takes_classes=True,
    ),
    "coco": Source(
        "coco:DIR (a folder with COCO's JSON files and the pictures) or coco:IMAGES,FILE.json",
        ("boxes", "labels", "masks", "keypoints"),
        _coco,
        paths=(1, 2, 3, 4),
        takes_classes=True,
        sometimes=("masks", "keypoints"),
    ),
    "yolo": Source(
        "yolo:DIR (pictures with YOLO's text files; with data.yaml, classes.txt or --classes)",
        ("boxes", "labels"),
        _yolo,
        takes_classes=True,
    ),
    "folder": Source(
        "folder:DIR (a folder of pictures for each class, as DIR/cow/1.jpg)",
        ("label",),
        _class_folder,
        takes_classes=True,
    ),
    "csv": Source(
        "csv:FILE (a text file with a picture's path and its class in each line)",
        ("label",),
        lambda paths, asked: open_class_list(paths, asked.classes, asked.faults),
        takes_classes=True,
    ),
    "idx": Source(
        "idx:DIR (a folder with MNIST's or Fashion-MNIST's files, packed or not)",
        ("label",),
        lambda paths, asked: open_idx(paths, asked.classes, asked.faults),
        paths=(1, 2),
        takes_classes=True,
    ),
    "pictures": Source(
        "pictures:DIR (a folder of pictures without labels)",
        (),
        lambda paths, asked: open_unlabelled(paths[0], asked.faults),
    ),
    "lsp": Source(
        "lsp:DIR (Leeds Sports Pose: a folder with joints.mat and images)",
        ("joints",),
        lambda paths, asked: open_leeds_sports(paths, asked.faults),
    ),
    "masks": Source(
        "masks:IMAGES,MASKS (a folder of pictures and one of masks; --classes or labelmap.txt)",
        ("segmentation",),
        _masks,
        paths=2,
        takes_classes=True,
    ),
    "camvid": Source(
        "camvid:DIR (a folder with train, trainannot and so on)", ("segmentation",), _camvid
    ),
    "vocseg": Source(
        "vocseg:DIR (a folder with SegmentationClass, JPEGImages and ImageSets/Segmentation, as "
        "Pascal VOC has it)",
        ("segmentation",),
        _voc_segmentation,
        takes_classes=True,
    ),
}

__all__ = [
    "SOURCES",
    "Request",
    "Source",
    "Splits",
    "every_tenth",
    "named_splits",
    "open_data",
    "sources_help",
]
