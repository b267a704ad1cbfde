"""The pictures that a command is given, one after the other, and the files made from them."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from minicv.data import ImageError, read_image
from minicv.data.image_files import SUFFIXES
from minicv.files import write_whole

OWN_MARK = "minicv"  # the "Software" of every picture that a command writes

# Formats that not every Pillow reads, and files of cameras and drawing programs; and what to do.
_EXPORT = "export it as JPEG or PNG with the camera's or the drawing program"
_HEIF = "for HEIC install pillow-heif (pip install pillow-heif), or convert it to JPEG or PNG"
_AVIF = "for AVIF install Pillow 11.3 or newer, or convert it to JPEG or PNG"
_JPEG_2000 = "for JPEG 2000 install a Pillow built with OpenJPEG, or convert it to JPEG or PNG"
ADVICE: dict[str, str] = {
    **dict.fromkeys((".heic", ".heif", ".hif"), _HEIF),
    **dict.fromkeys((".avif", ".avifs"), _AVIF),
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"), _JPEG_2000),
    **dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"), _EXPORT),
    **dict.fromkeys((".jxl", ".psd", ".svg"), _EXPORT),
}
TAKEN_FROM_FOLDERS = {*SUFFIXES, *ADVICE, ".jfif", ".jpe", ".pgm", ".pnm"}


class Picture(NamedTuple):
    """One picture that was read.

    Attributes:
        path: of the file.
        id: what tells it from all others of this run: the file's name, with as many folders before
            it as that takes.
        name: for the files made from it, also different for each, without a suffix. It has the
            subfolders in which ``--recursive`` found the picture.
        image: (3, H, W), RGB float in 0..1.
    """

    path: Path
    id: str
    name: str
    image: np.ndarray


class Pictures:
    """Pictures from files and folders; one that cannot be read is named and passed over.

    Of a folder hidden files are left out (``._x.jpg`` is no picture), and what a command wrote to
    ``out`` before. A line on standard error names each file that fails; `check` raises at the end,
    when the others are done.

    Args:
        command: with which the lines begin.
        paths: files and folders.
        out: folder to which the command writes; none of its files replaces a picture given.
        endings: of the files made from a picture: NAME + ending.
        recursive: whether folders within folders are entered.

    Raises:
        ValueError: a folder without pictures.
    """

    def __init__(
        self,
        command: str,
        paths: Sequence[Path],
        out: Path,
        endings: Sequence[str] = (),
        *,
        recursive: bool = False,
    ) -> None:
        self.command = command
        self.out = out
        self.unread = self.failed = 0
        found: dict[str, tuple[Path, PurePath]] = {}  # a picture that is named twice comes once
        for path in paths:
            inside = self._inside(path, recursive) if path.is_dir() else [path]
            root = path if path.is_dir() else path.parent
            for own in inside:
                found.setdefault(os.path.abspath(own), (own, PurePath(own.relative_to(root))))
        self.paths = [path for path, _ in found.values()]
        self.ids = _telling_apart(list(found), [len(inner.parts) for _, inner in found.values()])
        inputs = {_folded(path) for path in found}
        self.names = []
        taken: set[str] = set()
        for _, inner in found.values():
            self.names.append(_free_name(inner.with_suffix(""), taken, out, endings, inputs))

    def __iter__(self) -> Iterator[Picture]:
        for path, own_id, name in zip(self.paths, self.ids, self.names, strict=True):
            try:
                image = read_image(path)
            except Exception as error:  # whatever is wrong with a file, the others go on
                self.unread += 1
                self._say(_reason(path, error))
                continue
            yield Picture(path, own_id, name, image)

    def fail(self, picture: Picture, error: Exception) -> None:
        """Name a picture that was read, but on which the command failed."""
        self.failed += 1
        self._say(_reason(picture.path, error))

    def check(self) -> None:
        """Raise if a picture was passed over.

        Raises:
            ValueError: says how many.
        """
        if self.failed:
            raise ValueError(f"{self.unread + self.failed} of the pictures failed, see above")
        if self.unread:
            raise ValueError(f"{self.unread} of the pictures could not be read, see above")

    def _inside(self, folder: Path, recursive: bool) -> list[Path]:
        """The pictures of a folder, sorted, those of its subfolders after its own."""
        found, passed, own = [], [], 0
        entered: set[str] = set()  # a link may lead back
        waiting = [folder]
        while waiting:
            place = waiting.pop(0)
            real = os.path.realpath(place)
            if real in entered:
                continue
            entered.add(real)
            visible = sorted(path for path in place.iterdir() if not path.name.startswith("."))
            subfolders = [p for p in visible if p.is_dir() and p.name != "__MACOSX"]
            if recursive:
                waiting = subfolders + waiting
            else:
                passed = [p.name for p in subfolders if not _same(p, self.out)]
            for path in visible:
                if path.suffix.lower() not in TAKEN_FROM_FOLDERS or path.is_dir():
                    continue
                if _within(path, self.out) and drawn_by_minicv(path):
                    own += 1
                else:
                    found.append(path)
        if own:
            self._say(f"{folder}: passed over {own} pictures that minicv wrote to {self.out}")
        if not found:
            more = f"; --recursive enters its subfolders, {_listed(passed)}" if passed else ""
            raise ValueError(
                f"{folder}: the folder holds no pictures ({', '.join(SUFFIXES)}){more}"
            )
        if passed:
            self._say(
                f"{folder}: passed over its subfolders {_listed(passed)}; --recursive enters them"
            )
        return found

    def _say(self, line: str) -> None:
        print(f"minicv {self.command}: {line}", file=sys.stderr)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG with the mark by which `drawn_by_minicv` knows it, whole or not at all.

    Missing folders are made.
    """
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", OWN_MARK)
    # A level of 6 takes twice as long, for a twentieth.
    write_whole(path, lambda file: picture.save(file, "PNG", pnginfo=mark, compress_level=3))


def drawn_by_minicv(path: Path) -> bool:
    """Whether a command of minicv wrote this picture.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.png"
    >>> save_picture(Image.new("RGB", (2, 2)), file)
    >>> drawn_by_minicv(file), drawn_by_minicv(file.parent / "absent.png")
    (True, False)
    """
    if path.suffix.lower() != ".png":
        return False
    try:
        with Image.open(path, formats=("PNG",)) as file:
            return file.info.get("Software") == OWN_MARK
    except Exception:  # a file that is no picture is named when it is read
        return False


def _reason(path: Path, error: Exception) -> str:
    """What went wrong with a file, in one line that names it."""
    text = " ".join(str(error).split())
    if not isinstance(error, (ImageError, OSError, ValueError, MemoryError)):
        text = f"{type(error).__name__}: {text}"
    elif isinstance(error, MemoryError):
        text = f"there is not enough memory for it ({text or 'MemoryError'})"
    if str(path) not in text:
        text = f"{path}: {text}"
    advice = ADVICE.get(path.suffix.lower())
    # The content has told more than the suffix can: "it is a text file, not a picture".
    said = any(word in text for word in ("export", "install", "not a picture"))
    return f"{text}; {advice}" if advice and isinstance(error, ImageError) and not said else text


def _telling_apart(paths: Sequence[str], depths: Sequence[int]) -> list[str]:
    """The end of each path, of that many parts, and of more where two ends are equal.

    >>> _telling_apart(["/photos/one/a.jpg", "/photos/two/a.jpg", "/photos/two/b.jpg"], [1, 1, 1])
    ['one/a.jpg', 'two/a.jpg', 'b.jpg']
    """
    parts = [PurePath(path).parts for path in paths]
    depths = list(depths)
    while True:
        ends = ["/".join(own[-depth:]) for own, depth in zip(parts, depths, strict=True)]
        counts: dict[str, int] = {}
        for end in ends:
            counts[end] = counts.get(end, 0) + 1
        longer = [
            depth + 1 if counts[end] > 1 and depth < len(own) else depth
            for own, end, depth in zip(parts, ends, depths, strict=True)
        ]
        if longer == depths:
            return ends
        depths = longer


def _free_name(
    inner: PurePath, taken: set[str], out: Path, endings: Sequence[str], inputs: set[str]
) -> str:
    """``inner``, with a number behind it where another picture has that name, or where a file made
    from it would replace a picture given: a.jpg, a.png and A.png give a, a_2 and A_3."""
    name, number = inner.as_posix(), 1

    def free() -> bool:
        files = (os.path.abspath(out / (name + ending)) for ending in endings)
        return _folded(name) not in taken and not any(_folded(file) in inputs for file in files)

    while not free():
        number += 1
        name = f"{inner.as_posix()}_{number}"
    taken.add(_folded(name))
    return name


def _folded(name: str) -> str:
    """The name as a disk takes it that does not tell upper from lower case, nor é from e and ´."""
    return unicodedata.normalize("NFC", name).casefold()


def _within(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _listed(names: Iterable[str]) -> str:
    """The first three names, and how many more.

    >>> _listed("abcde")
    'a, b, c and 2 more'
    """
    names = list(names)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
