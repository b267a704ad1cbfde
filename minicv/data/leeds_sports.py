"""Leeds Sports Pose: people at sports, one in each photograph, with 14 joints.

``lsp:DIR`` on the command line.

Johnson, Everingham: Clustered pose and nonlinear appearance models for human pose estimation (BMVC
2010), 2,000 photographs; Learning effective human pose estimation from inaccurate annotation (CVPR
2011), the extended training set of 10,000.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minicv.data.crops import window_around
from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, read_image
from minicv.data.mat_files import read_mat_array
from minicv.data.picture_folder import pictures_in
from minicv.data.picture_size import size_if_readable
from minicv.data.splits import Splits, every_tenth
from minicv.vision.keypoints import LEEDS_SPORTS_JOINTS

READER = "LeedsSports"
SPLITS = ("train", "test")
ORIGINAL, EXTENDED = "original", "extended"  # the two layouts of joints.mat
_JOINTS = len(LEEDS_SPORTS_JOINTS)
_PICTURE = re.compile(r"im0*(\d{1,9})", re.ASCII | re.IGNORECASE)
_OFFICIAL = 2000  # photographs of the original set; the first half is for training
_SLACK = 2.0  # pixels by which a joint may lie outside and is taken to be at the border
_HALF = 0.5  # the middle of the first pixel is 0.5 here; MATLAB calls it 1


class LeedsSports:
    """Photographs of one person each with its joints, from ``images/`` and ``joints.mat``.

    **Layouts.** ``joints.mat`` of the extended set is 14 x 3 x N: x, y, and 1 for a joint that is
    annotated. That of the original set is 3 x 14 x N: x, y, and 1 for a joint that is hidden; there
    all joints are annotated. Column n belongs to the photograph ``im0000n.jpg``, from 1 on.

    **Coordinates.** MATLAB counts from 1, so that the middle of the first pixel is 1; here it is
    0.5, and half a pixel is subtracted. A joint that is not annotated is 0, 0, 0. An annotated one
    that lies up to two pixels outside is moved to the border; one further away counts as not
    annotated. Right and left are the person's.

    **Crops.** The person rarely fills the photograph: half of the extended set's people take less
    than half of its height or width. So each photograph is cut to what pose estimation works on,
    the person's box, which follows from the annotated joints: their extent, and ``context`` times
    its longer side on each side, as far as the photograph goes. Such a box says a little of where
    the joints are, in the test too, as a perfect detector would.

    **Splits.** The first 1,000 photographs of the original 2,000 are for training and the others
    for the test, as their authors say. Of any other number the last eighth is for the test: of 320
    the last 40.

    `joint_names` are those of `minicv.vision.keypoints.LEEDS_SPORTS_JOINTS`, `classes` is person.
    Target: joints, (14, 3) float32 as x, y, annotated (0 or 1), in the crop, and image_id, such as
    ``"im00001"``. A person without any joint is left out.

    Args:
        root: the folder with ``images`` and ``joints.mat``.
        split: "train" or "test"; None for all.
        faults: takes what is wrong with the files; None warns and raises.
        context: see above; None takes the whole photographs.

    Raises:
        ValueError: an unknown split, or a negative ``context``; there are fewer than 8 photographs
            and so none for the test.
        FileNotFoundError: the folder, ``images`` or ``joints.mat`` is missing, or a photograph is.
        AnnotationError: ``joints.mat`` is damaged, has another shape, or numbers that are not
            finite, or others than 0 and 1 in the third row.
        ImageError: a photograph cannot be read. Names all of them.
    """

    classes: tuple[str, ...] = ("person",)
    joint_classes: tuple[str, ...] = ("person",)
    joint_names: tuple[str, ...] = LEEDS_SPORTS_JOINTS

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        faults: Faults | None = None,
        context: float | None = 0.15,
    ) -> None:
        if split not in (None, *SPLITS):
            raise ValueError(f"{READER}: split is {split!r}, expected {' or '.join(SPLITS)}")
        if context is not None and not 0 <= context < math.inf:
            raise ValueError(
                f"{READER}: context is {context}, expected a share of the person's size of at "
                "least 0, such as 0.15"
            )
        faults = Faults() if faults is None else faults
        self.root, self.split, self.context = Path(root), split, context
        self.file = self.root / "joints.mat"
        self.paths: list[Path] = []
        self._joints: list[np.ndarray] = []  # (14, 3) of each photograph
        columns, self.layout = _read_columns(self.root)
        self._take_pictures(columns, faults)
        if not self.paths and not faults.found:
            raise ValueError(
                f"{READER}: {self.root} has {len(columns)} photographs, of which none is for the "
                f"{split}; expected at least 8"
            )
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path, joints = self.paths[index], self._joints[index].copy()
        image = read_image(path)
        if self.context is not None:
            rows, columns = person_window(joints, self.context, *image.shape[1:])
            image = np.ascontiguousarray(image[:, rows, columns])
            joints[joints[:, 2] > 0] -= (columns.start, rows.start, 0)
        return image, {"joints": joints, "image_id": path.stem}

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a photograph's person; there is one class."""
        return np.zeros(1, np.int64)

    def _take_pictures(self, columns: np.ndarray, faults: Faults) -> None:
        """Fill `paths` and the joints from the columns (N, 14, 3)."""
        folder, count = self.root / "images", len(columns)
        by_number = _by_number(folder)
        for number in sorted({*by_number} - {*range(1, count + 1)}):
            what = f"{self.file} ends with number {count}"
            faults.repaired("picture without annotation", by_number[number], what, "left out")
        first_of_test = count - _for_the_test(count, self.layout)
        for number, joints in enumerate(columns, start=1):
            picture = by_number.get(number)
            if picture is None:
                missing = folder / f"im{number:05d}.jpg"
                if faults.skip_unreadable:
                    faults.unreadable(missing, f"{self.file} is for it, but it is not there")
                    continue
                what = f"it is for {count} photographs, but there is no {missing}"
                faults.error("annotation without picture", self.file, what, FileNotFoundError)
            elif self.split in (None, SPLITS[number > first_of_test]):
                self._take(picture, joints, faults)

    def _take(self, picture: Path, joints: np.ndarray, faults: Faults) -> None:
        size = size_if_readable(picture, faults)
        if size is None:
            return
        try:
            annotated = self._annotated(joints)  # (14,) bool
        except AnnotationError as error:
            faults.error("wrong joints", self.file, f"{picture.stem}: {error}")
            return
        points = joints[:, :2] - _HALF  # (14, 2)
        inside = np.clip(points, 0, (size.width, size.height))
        outside = annotated & (np.abs(points - inside).max(axis=1) > _SLACK)
        if outside.any():
            joint = int(np.flatnonzero(outside)[0])
            more = f", and {outside.sum() - 1} more" if outside.sum() > 1 else ""
            x, y = points[joint]
            what = f"{picture.stem}: {self.joint_names[joint]} is at ({x:.5g}, {y:.5g}), outside "
            what += f"of the {size.width} x {size.height} picture{more}"
            faults.repaired("joint outside of its picture", self.file, what, "not annotated")
        annotated &= ~outside
        if not annotated.any():
            what = f"{picture.stem}: no joint is annotated"
            faults.repaired("person without joints", self.file, what, "left out")
            return
        target = np.zeros((_JOINTS, 3), np.float32)
        target[annotated, :2], target[annotated, 2] = inside[annotated], 1
        self.paths.append(picture)
        self._joints.append(target)

    def _annotated(self, joints: np.ndarray) -> np.ndarray:
        """(14,) bool.

        Raises:
            AnnotationError: the third numbers are not 0 and 1, or a place is not finite.
        """
        marks = joints[:, 2]
        strange = np.flatnonzero((marks != 0) & (marks != 1))
        if len(strange):
            joint = int(strange[0])
            meaning = "annotated" if self.layout == EXTENDED else "hidden"
            raise AnnotationError(
                f"the third number of {self.joint_names[joint]} is {marks[joint]:g}, expected 0 "
                f"or 1 ({meaning})"
            )
        annotated = marks == 1 if self.layout == EXTENDED else np.ones(_JOINTS, bool)
        endless = np.flatnonzero(annotated & ~np.isfinite(joints).all(axis=1))
        if len(endless):
            joint = int(endless[0])
            raise AnnotationError(
                f"{self.joint_names[joint]} is at ({joints[joint, 0]:g}, {joints[joint, 1]:g}), "
                "expected finite numbers"
            )
        return annotated


def open_leeds_sports(paths: Sequence[str], faults: Faults | None = None) -> Splits:
    """The splits of a folder: of the photographs for training every tenth validates."""
    (root,) = paths
    tenths = every_tenth(lambda: LeedsSports(root, "train", faults))

    def test() -> LeedsSports | None:
        columns, layout = _read_columns(Path(root))
        return LeedsSports(root, "test", faults) if _for_the_test(len(columns), layout) else None

    return Splits(
        lambda: tenths.train,
        lambda: tenths.validation,
        test,
        rule="by number the last eighth of the photographs is for the test (the last half of the "
        "original 2,000); of the others every tenth validates",
    )


def person_window(
    joints: np.ndarray, context: float, height: int, width: int
) -> tuple[slice, slice]:
    """Rows and columns of a picture that hold a person's joints and some of what is around them.

    Args:
        joints: (J, 3) as x, y, annotated; at least one is annotated, and all of those lie in the
            picture.
        context: share of the longer side of the joints' extent that is added on each side, though
            never less than a pixel.
        height, width: of the picture, where the window ends.

    >>> joints = np.array([[4.0, 5, 1], [6, 15, 1], [0, 0, 0]])
    >>> person_window(joints, 0.2, 16, 20)
    (slice(3, 16, None), slice(2, 8, None))
    """
    points = joints[joints[:, 2] > 0, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = max(context * float((high - low).max()), 1.0)
    return window_around((*(low - margin), *(high + margin)), 0.0, height, width)


def _read_columns(root: Path) -> tuple[np.ndarray, str]:
    """(N, 14, 3) float64 as the file has them, x, y and a mark, and the layout of the file."""
    if not root.is_dir():
        raise FileNotFoundError(f"{READER}: there is no folder {root}")
    array = read_mat_array(root / "joints.mat", "joints", READER)
    if array.ndim == 2:  # of one photograph
        array = array[:, :, None]
    shape = array.shape
    if array.ndim == 3 and array.size:
        if shape[:2] == (_JOINTS, 3):
            return array.transpose(2, 0, 1), EXTENDED
        if shape[:2] == (3, _JOINTS):
            return array.transpose(2, 1, 0), ORIGINAL
    raise AnnotationError(
        f"{READER}: {root / 'joints.mat'}: joints are {' x '.join(map(str, array.shape))}, "
        f"expected {_JOINTS} x 3 x N (the extended set) or 3 x {_JOINTS} x N (the original one)"
    )


def _for_the_test(count: int, layout: str) -> int:
    """How many of ``count`` photographs are for the test.

    >>> _for_the_test(2000, ORIGINAL), _for_the_test(10_000, EXTENDED), _for_the_test(320, EXTENDED)
    (1000, 1250, 40)
    """
    return count // 2 if (count, layout) == (_OFFICIAL, ORIGINAL) else count // 8


def _by_number(folder: Path) -> dict[int, Path]:
    """The photographs ``im00001.jpg`` and so on, by their numbers."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{READER}: there is no folder {folder}")
    found: dict[int, Path] = {}
    for path in pictures_in(folder):
        if match := _PICTURE.fullmatch(path.stem):
            found.setdefault(int(match[1]), path)
    return found
