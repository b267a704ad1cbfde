"""A folder of pictures and a folder of masks: the commonest form of segmentations.

`masks:IMAGES,MASKS` on the command line. Which mask belongs to which picture is told by the names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import SUFFIXES, AnnotationError
from minicv.data.label_maps_of_set import LabelMaps, Pair
from minicv.data.label_names import find_label_file, read_labels
from minicv.data.mask_coding import (
    BINARY,
    CodingError,
    Looks,
    check_occurring,
    choose_coding,
    colours_of,
    is_binary,
)
from minicv.data.mask_files import Coding
from minicv.data.picture_folder import pictures_in
from minicv.vision.label_maps import VOID

READER = "MaskFolder"
_MASK_WORDS = (
    *("masks?", "labels?", "labelids", "labeltrainids", "gt", "groundtruth", "seg", "segs"),
    *("segmentations?", "segmentationmap", "annotations?", "annot", "target", "matte", "trimap"),
)
_PICTURE_WORDS = ("images?", "img", "imgs", "photos?", "pictures?", "pics?", "rgb", "input", "sat")
_IS_MASK_WORD = re.compile("|".join(_MASK_WORDS))
_IS_PICTURE_WORD = re.compile("|".join(_PICTURE_WORDS))


class MaskFolder:
    """Pictures with a class for every pixel, from a folder of pictures and one of masks.

    A mask is called as its picture is, in any format that keeps numbers, or with a word more, such
    as ``cow_1_mask.png``, ``gt-cow_1.png`` or ``cow_1.jpg.png``. Subfolders are entered; both
    folders may be one.

    What the masks hold is told by all of them together:

    - numbers: 0..K-1 are the classes, and 255 is `VOID`, a pixel without a class;
    - nothing but 0 and 255, or 0 and 1: the background, and the object;
    - colours: a file of `LABEL_FILES`, in the folder of masks or beside it, says what they mean.

    `classes` is empty, for there are no instances. `segmentation_classes` are the names, and
    `segmentation_colors` (K, 3) uint8 their colours. Target: segmentation (H, W) int64 and
    image_id, the picture's name without suffix.

    Args:
        images, masks: the folders.
        classes: names, in the order of their numbers; for masks of 0 and 255 also the object's
            alone. None takes those of the file beside the masks, or class0, class1 and so on.
        faults: takes what is wrong with the files; None warns and raises. Pictures without a mask
            are left out.

    Attributes:
        said: a sentence on what the masks mean, where they do not say it themselves, or "".

    Raises:
        FileNotFoundError: a folder is missing, or a mask has no picture.
        AnnotationError: masks that are JPEGs, smoothed, transparent, of another size than their
            picture, or hold what is no class; several masks of one picture; fewer than two classes
            occur. Names all of the files.
        ImageError: a picture or mask cannot be read.
        ValueError: there is no pair of picture and mask.
    """

    classes: tuple[str, ...] = ()

    def __init__(
        self,
        images: str | Path,
        masks: str | Path,
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        self.images, self.masks = Path(images), Path(masks)
        for folder in (self.images, self.masks):
            if not folder.is_dir():
                raise FileNotFoundError(f"{READER}: there is no folder {folder}")
        pairs = _pairs(self.images, self.masks, faults)
        if not pairs:
            faults.settle(READER)
            raise ValueError(
                f"{READER}: no picture in {self.images} has a mask in {self.masks}; expected masks "
                "that are called as their pictures are, such as a.jpg and a.png or a_mask.png"
            )
        self.said = ""
        self._maps = LabelMaps(
            pairs, lambda looks: self._decide(looks, classes, faults), self.masks, faults, READER
        )
        self.segmentation_classes = self._maps.coding.names
        self.segmentation_colors: np.ndarray = colours_of(self._maps.coding)
        good = self._maps.good
        self.paths = [pairs[index][0] for index in good]
        self.label_paths = [pairs[index][1] for index in good]
        names = [_named_in(path, self.images) for path in self.paths]
        self.ids = [name for name, _ in names]
        if len({*self.ids}) < len(self.ids):
            self.ids = [name + suffix for name, suffix in names]
        if good:
            check_occurring(self._maps.looks, self._maps.coding, self.masks, faults)
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, labels = self._maps.read(self._maps.good[index])
        return image, {"segmentation": labels, "image_id": self.ids[index]}

    def _decide(self, looks: Looks, classes: Sequence[str] | None, faults: Faults) -> Coding:
        file = find_label_file(self.masks, self.masks.parent, self.images)
        labels = []
        if file is not None:
            try:
                labels = read_labels(file, READER)
            except AnnotationError as error:
                what = str(error).removeprefix(f"{READER}: ").removeprefix(f"{file}").lstrip(": ")
                faults.error("wrong names of classes", file, what)
        try:
            coding = choose_coding(looks, classes, labels)
        except CodingError:
            if file is None or labels:
                raise
            raise CodingError(f"{file} must be mended first, which says what they mean") from None
        if coding.colours:
            self.said = f"the colours of the masks are those of {file}"
        elif is_binary(looks) and len(coding.names) == len(BINARY):
            object_number = max(coding.numbers)
            background, thing = coding.names
            self.said = (
                f"the masks hold 0 and {object_number}: 0 is {background!r}, {object_number} is "
                f"{thing!r}"
            )
        elif classes is None and not labels:
            names = ", ".join(coding.names[:5])
            more = " and so on" if len(coding.names) > 5 else ""
            self.said = (
                f"the masks name no classes, which are called {names}{more}; --classes names them"
            )
        # Masks of 0 and 255 among masks of 0 and 1 would lose their objects without a word.
        void = sum(VOID in look.as_numbers for _, look in looks)
        if void and coding.numbers.get(VOID) == VOID:
            void_said = f"{VOID} is taken for no class, in {void} of {len(looks)} masks"
            self.said = f"{self.said}; {void_said}" if self.said else void_said
        return coding


def _named_in(path: Path, folder: Path) -> tuple[str, str]:
    """The name of a picture within the folder, and its suffix."""
    return path.relative_to(folder).with_suffix("").as_posix(), path.suffix


def _pairs(images: Path, masks: Path, faults: Faults) -> list[Pair]:
    """Pictures and their masks, sorted by picture; what has no partner is noted."""
    pictures, mask_files = pictures_in(images, recursive=True), pictures_in(masks, recursive=True)
    if images.resolve() == masks.resolve():
        mask_files = [path for path in mask_files if _without_words(path.stem, _IS_MASK_WORD)[1]]
        pictures = sorted({*pictures} - {*mask_files})
    elif images.resolve() in masks.resolve().parents:
        pictures = sorted({*pictures} - {*mask_files})
    elif masks.resolve() in images.resolve().parents:
        mask_files = sorted({*mask_files} - {*pictures})
    finder = _Finder(pictures, images)
    of_picture: dict[Path, list[Path]] = {}
    for mask in mask_files:
        fitting = finder.of_mask(mask, masks)
        if len(fitting) == 1:
            of_picture.setdefault(fitting[0], []).append(mask)
        elif fitting:
            what = f"its name fits {_joined(fitting)}; rename one of them"
            faults.error("ambiguous picture", mask, what)
        else:
            what = f"there is no picture of that name in {images}"
            faults.error("annotation without picture", mask, what, FileNotFoundError)
    if of_picture:
        for picture in pictures:
            if picture not in of_picture:
                what = f"there is no mask of that name in {masks}"
                faults.repaired("picture without annotation", picture, what, "left out")
    pairs = []
    for picture, own in sorted(of_picture.items()):
        if len(own) == 1:
            pairs.append((picture, own[0]))
            continue
        what = (
            f"it has {len(own)} masks ({_joined(own)}), expected one with the classes of all "
            "pixels; join those of single objects"
        )
        faults.error("several masks of a picture", picture, what)
    return pairs


class _Finder:
    """Finds the picture of a mask: by its name, then without words such as "mask", then numbers."""

    def __init__(self, pictures: Iterable[Path], folder: Path) -> None:
        self._by_name: list[dict[str, list[Path]]] = [{}, {}]
        for path in pictures:
            inner = path.relative_to(folder).parent
            stem = _plain(path.stem)
            self._add(0, inner, stem, path)
            self._add(1, inner, _without_words(stem, _IS_PICTURE_WORD)[0], path)

    def of_mask(self, mask: Path, folder: Path) -> list[Path]:
        """The pictures that fit best."""
        inner = mask.relative_to(folder).parent
        stem = _plain(mask.stem)
        bare = _without_suffix(stem)
        without = _without_suffix(_without_words(bare, _IS_MASK_WORD)[0])
        numberless = re.sub(r"[_\-. ]*\d+$", "", bare)
        single = _without_words(numberless, _IS_MASK_WORD)[0]
        tries = ((0, stem), (0, bare), (0, without), (1, without), (0, numberless), (0, single))
        for level, name in tries:
            if not name:
                continue
            for key in (_key(inner, name), name):
                if found := self._by_name[level].get(key):
                    return found
        return []

    def _add(self, level: int, inner: Path, name: str, path: Path) -> None:
        for key in {_key(inner, name), name}:
            self._by_name[level].setdefault(key, []).append(path)


def _key(inner: Path, name: str) -> str:
    return f"{_plain(inner.as_posix())}/{name}"


def _plain(name: str) -> str:
    """A name without the differences that other computers make."""
    return unicodedata.normalize("NFC", name).casefold()


def _without_suffix(stem: str) -> str:
    """``cow`` for the mask ``cow.jpg.png``."""
    suffix = Path(stem).suffix
    return stem.removesuffix(suffix) if suffix in SUFFIXES else stem


def _without_words(stem: str, words: re.Pattern[str]) -> tuple[str, bool]:
    """The name without such words at its beginning and its end, and whether it had one.

    >>> _without_words("gt-cow_1_mask", _IS_MASK_WORD), _without_words("unmasked", _IS_MASK_WORD)
    (('cow_1', True), ('unmasked', False))
    """
    found = False
    first = rf"({words.pattern})([_\-. ]+(?=.)|(?=\d))"  # mask_cow, mask1
    while (match := re.match(first, stem, re.IGNORECASE)) or (
        match := re.search(rf"(?<=.)[_\-. ]+({words.pattern})$", stem, re.IGNORECASE)
    ):
        stem = stem[: match.start()] + stem[match.end() :]
        found = True
    return stem, found


def _joined(paths: Sequence[Path]) -> str:
    names = [path.name for path in paths]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
