"""YOLO's form: a text file of boxes for each picture, in fractions of its width and height.

Redmon et al., You Only Look Once (CVPR 2016); the form is that of its program, darknet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, read_image
from minicv.data.picture_size import PictureSize, drawn_on_stored, size_if_readable
from minicv.data.yolo_folder import YoloFolder
from minicv.data.yolo_lines import READER, read_label_file


@dataclass
class _Entry:
    """A picture and its objects."""

    picture: Path
    size: PictureSize
    boxes: list[list[float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


class YoloDetection:
    """Pictures with the text files of boxes that YOLO tools write.

    The text files stand beside the pictures or in folders called labels; `YoloFolder` says which
    layouts are known. A line is ``class cx cy w h``, in fractions of the picture as it is seen. Of
    lines with an outline or with joints the box is taken.

    A picture without a text file counts as one without objects, and a warning says how many there
    are. Boxes that reach out are clipped; those without area, and lines that repeat another, are
    dropped, with a warning for each kind.

    Target: boxes (N, 4), labels (N,), area (N,) of the boxes, and image_id, the picture's path
    within the folder.

    Args:
        root: the folder, its data.yaml, or a `YoloFolder`.
        part: "train", "val" or "test", as data.yaml, lists or folders divide the set; None takes
            all pictures.
        classes: the names, in the order of their labels. None takes those of data.yaml, classes.txt
            or obj.names; where there are none of these, ``classes`` says what 0, 1, 2 ... mean.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: there is no folder, no picture, no label, or a listed picture is missing.
        AnnotationError: nothing says the names of the classes; a line is wrong, or its class has no
            name; a text file labels two pictures.
        ImageError: a picture cannot be read.
        ValueError: the set has no such part.
    """

    def __init__(
        self,
        root: str | Path | YoloFolder,
        part: str | None = None,
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        folder = root if isinstance(root, YoloFolder) else YoloFolder(root, faults)
        self.root = folder.root
        named = folder.names if folder.names is not None else classes
        if named is None:
            raise AnnotationError(
                f"{READER}: nothing in {self.root} says what the classes are called; write "
                "classes.txt there, a name a line, or name them with --classes"
            )
        self.names = tuple(named)
        self.classes: tuple[str, ...] = self.names if classes is None else tuple(classes)
        if part is not None and part not in folder.parts:
            faults.settle(READER)  # what is wrong with data.yaml may say why
            raise ValueError(
                f"{READER}: {self.root} has no part {part!r}; it has "
                f"{', '.join(filter(None, folder.parts)) or 'none'}"
            )
        pictures = folder.pictures if part is None else folder.parts[part]
        labelled = any(folder.label_file(picture) for picture in pictures)
        if pictures and not labelled:
            what = (
                f"none of its {len(pictures)} pictures has a text file of labels; expected it "
                "beside the picture, or in labels/ where that is in images/"
            )
            faults.error("no labels", self.root, what, FileNotFoundError)
        self._entries: list[_Entry] = []
        self._unknown: list[tuple[int, str, Path]] = []  # class, line and file
        self._occurring: set[int] = set()
        for picture in pictures if labelled else ():
            self._read(folder, picture, faults)
        self._note_unknown(faults)
        objects = any(entry.labels for entry in self._entries)
        errors = any(not fault.repair for fault in faults.found)
        if part in (None, "train") and not objects and not errors:
            what = f"its {len(pictures)} pictures have no object to learn from"
            faults.error("no objects", self.root, what)
        self.paths = [entry.picture for entry in self._entries]
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self._entries)

    def labels_of(self, index: int) -> np.ndarray:
        """The labels of a picture's objects, without reading the picture."""
        return np.array(self._entries[index].labels, np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        entry = self._entries[index]
        image = read_image(entry.picture)
        boxes = np.array(entry.boxes, np.float32).reshape(-1, 4)
        return image, {
            "boxes": boxes,
            "labels": np.array(entry.labels, np.int64),
            "area": (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]),
            "image_id": entry.picture.relative_to(self.root).as_posix(),
        }

    def _read(self, folder: YoloFolder, picture: Path, faults: Faults) -> None:
        size = size_if_readable(picture, faults)
        if size is None:
            return
        entry = _Entry(picture, size)
        self._entries.append(entry)
        file = folder.label_file(picture)
        if file is None:
            what = "there is no text file for it"
            faults.repaired(
                "picture without annotation", picture, what, "taken as a picture without objects"
            )
            return
        found = read_label_file(file, folder.joint_numbers, faults)
        if found:
            drawn_on_stored(size, None, picture, file, faults)  # fractions tell no size
        for item in found:
            box = np.array(item.corners) * (size.width, size.height, size.width, size.height)
            self._occurring.add(item.index)
            label = self._label(item.index, f"line {item.line}", file, faults)
            if label is None:
                continue
            if (box[2:].astype(np.float32) <= box[:2].astype(np.float32)).any():
                what = f"line {item.line} has no area"
                faults.repaired("box without area", file, what, "dropped")
                continue
            entry.boxes.append(box.tolist())
            entry.labels.append(label)

    def _label(self, index: int, where: str, file: Path, faults: Faults) -> int | None:
        """The label of class ``index``; None, and a note, if it has none."""
        if index >= len(self.names):
            self._unknown.append((index, where, file))
            return None
        if self.names[index] not in self.classes:
            what = f"{where} has the class {self.names[index]!r}, which is not among the declared "
            faults.error("unknown class", file, f"{what}classes {', '.join(self.classes)}")
            return None
        return self.classes.index(self.names[index])

    def _note_unknown(self, faults: Faults) -> None:
        """Note the numbers that no class has. Whether they begin at 1, only all of them tell."""
        last = len(self.names) - 1
        for index, where, file in self._unknown:
            from_one = index == last + 1 and 0 not in self._occurring
            hint = "; classes are numbered from 0, these seem to begin at 1" * from_one
            what = f"{where} has the class {index}, expected 0 to {last}{hint}"
            faults.error("unknown class", file, what)
