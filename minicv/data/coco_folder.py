"""Where COCO files and their pictures stand in a folder, as COCO and several tools lay them out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from minicv.data.coco import CocoDetection, joints_of
from minicv.data.coco_file import READER, CocoFile, read_coco_file
from minicv.data.faults import Faults
from minicv.data.listed_pictures import ListedPictures
from minicv.data.picture_folder import pictures_in, visible
from minicv.data.split_names import role_in

# Files of COCO that hold no boxes of objects, or no labels.
_OTHERS = ("captions", "panoptic", "stuff", "image_info")
_PICTURE_FOLDERS = ("images", "jpegimages", "data", "img", "imgs", "pictures", "photos")
_KINDS = {False: "instances", True: "person_keypoints"}
_PREFIX = re.compile(r"^_?(instances|person_keypoints|annotations?|labels|coco)[_.-]?", re.I)


@dataclass(frozen=True)
class CocoPart:
    """A part of a set: the folder of its pictures, and its file."""

    images: Path
    file: Path


def find_coco_parts(paths: Sequence[str | Path], keypoints: bool = False) -> dict[str, CocoPart]:
    """The parts "train", "val" and "test" of a set, as far as it has them.

    Args:
        paths: the folder of the set, or the folder of the pictures and the files for training,
            validation and test, the last two as far as there are any. A set's folder is laid out as
            COCO has it (``annotations/instances_train2017.json`` and ``train2017/``), as CVAT
            exports it (``annotations/instances_default.json`` and ``images/``), as Roboflow does
            (``train/_annotations.coco.json`` with the pictures beside), or with one file and its
            pictures anywhere below (labelme2coco, Label Studio, FiftyOne).
        keypoints: prefer the file ``person_keypoints_...`` to ``instances_...``.

    Raises:
        ValueError: there is no JSON file, or several for one part; says which.
    """
    if len(paths) > 1:
        return _named_parts([Path(path) for path in paths])
    root = Path(paths[0])
    if not root.is_dir():
        raise ValueError(f"coco:{root} is no folder; expected coco:DIR or coco:IMAGES,FILE.json")
    by_role: dict[str, list[Path]] = {}
    for file in _candidates(root):
        beside = file.parent.name if file.parent != root else ""
        by_role.setdefault(role_in(file.stem) or role_in(beside), []).append(file)
    if not by_role:
        raise ValueError(
            f"coco:{root} holds no JSON file of COCO, neither in it nor in annotations/ or train/; "
            "expected coco:DIR or coco:IMAGES,FILE.json"
        )
    whole = by_role.pop("", [])
    if whole and "train" not in by_role:
        by_role["train"] = whole
    parts = {}
    for role, files in by_role.items():
        file = _only(root, role, files, keypoints)
        parts[role] = CocoPart(_pictures_of(root, file, role), file)
    return parts


def _named_parts(paths: Sequence[Path]) -> dict[str, CocoPart]:
    images, *files = paths
    if not images.is_dir() or any(file.is_dir() for file in files):
        raise ValueError(
            f"coco:{','.join(map(str, paths))}: expected the folder of the pictures first, and "
            "then the JSON files for training, validation and test"
        )
    roles = ("train", "val", "test")
    return {role: CocoPart(images, file) for role, file in zip(roles, files, strict=False)}


def _candidates(root: Path) -> list[Path]:
    """The JSON files in the folder, in annotations/, and in folders of parts, with boxes by name.

    A file of another kind with the same ending is found out when it is read.
    """
    folders = [root]
    for folder in visible(root.iterdir()):
        if folder.is_dir() and (folder.name.lower() == "annotations" or role_in(folder.name)):
            folders.append(folder)
    files = [file for folder in folders for file in visible(folder.iterdir())]
    return [
        file
        for file in files
        if file.suffix.lower() == ".json" and not file.name.lower().startswith(_OTHERS)
    ]


def _only(root: Path, role: str, files: Sequence[Path], keypoints: bool) -> Path:
    """The one file of a part."""
    wanted, other = _KINDS[keypoints], _KINDS[not keypoints]
    for kind in (wanted, "", other):
        fitting = [
            file
            for file in files
            if (file.stem.startswith(kind) if kind else not file.stem.startswith((wanted, other)))
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(file.relative_to(root).as_posix() for file in fitting[:5])
            more = f" and {len(fitting) - 5} more" if len(fitting) > 5 else ""
            raise ValueError(
                f"coco:{root} holds several files for {role}: {names}{more}; write which, as "
                "coco:IMAGES,FILE.json"
            )
    raise AssertionError("a part has a file")


def _pictures_of(root: Path, file: Path, role: str) -> Path:
    """The folder with the pictures of a file: beside it, or called as it is, or the set's."""
    if file.parent.name.lower() != "annotations" and pictures_in(file.parent):
        return file.parent
    tail = _PREFIX.sub("", file.stem).lower()  # train2017
    folders = [folder for folder in visible(root.iterdir()) if folder.is_dir()]
    general = [
        next(iter(folder for folder in folders if folder.name.lower() == name), None)
        for name in _PICTURE_FOLDERS
    ]
    known = [folder for folder in general if folder is not None]
    inner = [f for folder in known for f in visible(folder.iterdir()) if f.is_dir()]
    there = [*folders, *inner]
    alike = [folder for folder in there if folder.name.lower() == tail]
    of_role = [f for f in there if role_in(f.name) == role and f.name.lower() != "default"]
    for folder in (*alike, *of_role):
        if pictures_in(folder, recursive=True):
            return folder
    return next((folder for folder in known if pictures_in(folder, recursive=True)), root)


class CocoParts:
    """The parts of a set, opened one by one, with the classes and joints of all of them.

    Args:
        parts: of `find_coco_parts`.
        masks: decode the segmentations too.
        keypoints: whether joints are wanted, so that a set without any is refused.
        classes: the names, in the order of their labels; None takes those of the files.
        faults: takes what is wrong with the files; None warns and raises.
        masks_if_there: decode the segmentations if most of the objects have one. Annotation tools
            write one for each object that was outlined, also where most were framed.
    """

    def __init__(
        self,
        parts: dict[str, CocoPart],
        masks: bool = False,
        keypoints: bool = False,
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
        *,
        masks_if_there: bool = False,
    ) -> None:
        self.parts, self.masks, self.keypoints = parts, masks, keypoints
        self._masks_if_there = masks_if_there
        self._classes = classes
        self.faults = Faults() if faults is None else faults

    @cached_property
    def contents(self) -> dict[str, CocoFile]:
        """The content of each part's file. All are read, since the classes are those of all."""
        return {
            role: read_coco_file(part.file, self.faults, unlabelled=role == "test")
            for role, part in self.parts.items()
        }

    def open(self, role: str) -> CocoDetection | None:
        """The data set of a part; None for a test whose pictures are not labelled.

        Raises:
            ValueError: joints or masks are wanted and there are none.
            As `CocoDetection`.
        """
        content = self.contents[role]
        if role == "test" and not content.objects:
            return None
        categories = [c for file in self.contents.values() for c in file.categories]
        joints = joints_of(categories)
        if self.keypoints and not joints:
            raise ValueError(
                f"{READER}: {content.path}: no category has keypoints, the names of its joints"
            )
        if self.masks and content.objects and not self._outlined(content):
            raise ValueError(
                f"{READER}: {content.path}: none of its {len(content.objects):,} objects has a "
                "segmentation, and masks are needed; a detector, such as faster_rcnn, learns from "
                "boxes alone"
            )
        masks = self.masks or (
            self._masks_if_there and all(map(self._mostly_outlined, self.contents.values()))
        )
        if role == "train":
            self._note_unlisted()
            if all(item.iscrowd for item in content.objects):
                what = f"it has {len(content.pictures)} images, and no object to learn from"
                self.faults.error("no objects", content.path, what)
        return CocoDetection(
            self.parts[role].images,
            content,
            masks,
            self._classes or tuple(dict.fromkeys(category.name for category in categories)),
            joints,
            self.faults,
        )

    @staticmethod
    def _outlined(content: CocoFile) -> bool:
        """Whether any object has a segmentation."""
        return any(item.segmentation for item in content.objects)

    @staticmethod
    def _mostly_outlined(content: CocoFile) -> bool:
        """Whether more than half of the objects have a segmentation."""
        outlined = sum(bool(item.segmentation) for item in content.objects)
        return 2 * outlined > len(content.objects)

    def _note_unlisted(self) -> None:
        """Note the pictures that no file lists, in the folders of those that are listed."""
        finders = {part.images: ListedPictures(part.images) for part in self.parts.values()}
        listed: set[Path] = set()
        for role, part in self.parts.items():
            for picture in self.contents[role].pictures:
                where = picture.where
                path = finders[part.images].find(picture.name, part.file, where, self.faults)
                if path is not None:
                    listed.add(path)
        named = set().union(*(content.names for content in self.contents.values()))
        files = " and ".join(str(part.file) for part in self.parts.values())
        for folder in sorted({path.parent for path in listed}):
            for picture_path in pictures_in(folder):
                if picture_path not in listed and picture_path.name not in named:
                    what = f"{files} does not list it"
                    self.faults.repaired(
                        "picture without annotation", picture_path, what, "left out"
                    )
