"""MNIST and its kin: all pictures of a set in one file, all of their classes in another.

``idx:DIR`` or ``idx:IMAGES,LABELS`` on the command line.

**The format.** Two zero bytes, one byte for the type of the numbers, one for the number of
dimensions; then each dimension as a whole number of 32 bits, most significant byte first; then the
numbers, the last dimension fastest, in the same order of bytes. Types: 0x08 uint8, 0x09 int8, 0x0B
int16, 0x0C int32, 0x0D float32, 0x0E float64. A file may be packed with gzip.

LeCun, Cortes, Burges: The MNIST database of handwritten digits (1998).
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import MOST_PIXELS, AnnotationError
from minicv.data.label_names import find_label_file, read_labels
from minicv.data.splits import Splits, every_tenth

READER = "IdxImages"
MOST_UNPACKED = 2**31  # bytes; they stay in memory
FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"),
    "Ankle boot",
)
Files = tuple[Path, Path]  # of images and of labels

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS = 8
_GZIP = b"\x1f\x8b"
_DEFLATE_AT_MOST = 1032  # bytes from one byte, RFC 1951
_NAME = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<part>train|t10k|test)[-_.](?P<kind>images|labels)"
    r"[-_.]idx\d-\w+(?P<packed>\.gz)?",
    re.IGNORECASE,
)


class IdxImages:
    """Grey pictures of one size with a class each, such as MNIST and Fashion-MNIST.

    The pictures stay in memory as uint8, and become three equal channels when they are asked for.

    `classes` are those that are given; or else the lines of a file ``classes.txt`` (or another of
    `minicv.data.label_names.LABEL_FILES`) beside; or else the ten of Fashion-MNIST where "fashion"
    stands in the name of the folder or of the files; or else the numbers, "0", "1" and so on, up to
    the greatest in any of the set's files. Target: label, an int, and image_id, such as
    ``"train-17"``.

    Args:
        root: the folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same
            with ``t10k``, packed with gzip or not (it may hold them in a folder ``raw``, as
            torchvision does); or a pair of files, the images and the labels.
        split: "train" or "test" (the files t10k); a pair of files is "train" alone.
        classes: names of the labels 0, 1 and so on.
        faults: takes what is wrong with the labels; None warns and raises.

    Raises:
        ValueError: an unknown split; the folder holds the files of several sets.
        FileNotFoundError: a file is missing.
        AnnotationError: a file is damaged, see `read_idx`; the images are not N x H x W of uint8;
            there are none; there is not one label for each; a label has no name; training has
            fewer than two classes.
    """

    def __init__(
        self,
        root: str | Path | Sequence[str | Path],
        split: str = "train",
        classes: Sequence[str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        faults = Faults() if faults is None else faults
        parts = find_idx_files(root)
        if split not in parts:
            raise ValueError(
                f"{READER}: split is {split!r}, expected one of {', '.join(parts)}, whose files "
                "are there"
            )
        images, labels = parts[split]
        self.root, self.split = images.parent, split
        numbers = {part: _read_labels(files[1]) for part, files in parts.items()}
        self.pixels = _read_pictures(images)  # (N, H, W) uint8
        if len(numbers[split]) != len(self.pixels):
            raise AnnotationError(
                f"{READER}: {labels} holds {len(numbers[split]):,} labels, but {images} "
                f"{len(self.pixels):,} pictures; expected a label for each picture"
            )
        if classes is None:
            greatest = max(int(of_part.max(initial=0)) for of_part in numbers.values())
            classes = _names_of(parts["train"], greatest + 1)
        self.classes: tuple[str, ...] = tuple(classes)
        self.labels: list[int] = numbers[split].tolist()
        self._check_labels(numbers[split], labels, faults)
        faults.settle(READER)

    def __len__(self) -> int:
        return len(self.pixels)

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a picture, without reading it."""
        return np.array([self.labels[index]], np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image = np.empty((3, *self.pixels.shape[1:]), np.float32)
        np.multiply(self.pixels[index], np.float32(1 / 255), out=image)  # (H, W) -> (3, H, W)
        number = range(len(self))[index]
        return image, {"label": self.labels[index], "image_id": f"{self.split}-{number}"}

    def _check_labels(self, labels: np.ndarray, file: Path, faults: Faults) -> None:
        known = range(len(self.classes))
        for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
            if label not in known:
                first = int(np.flatnonzero(labels == label)[0])
                what = (
                    f"{count:,} labels are {label}, the first is that of picture {first}; expected "
                    f"0..{len(known) - 1}, for the classes {_shown(self.classes)}"
                )
                faults.error("label out of range", file, what)
        if self.split == "train" and len(set(self.labels)) < 2:
            what = f"all {len(labels):,} labels are {labels[0]}, so there is nothing to tell apart"
            faults.error("fewer than two classes", file, what)


def open_idx(
    paths: Sequence[str], classes: Sequence[str] | None = None, faults: Faults | None = None
) -> Splits:
    """The splits of a folder, or of a pair of files: every tenth training picture validates.

    The files ``t10k`` are the test part, where they are there.
    """
    root = paths[0] if len(paths) == 1 else paths
    tenths = every_tenth(lambda: IdxImages(root, "train", classes, faults))
    test = cache(
        lambda: IdxImages(root, "test", classes, faults) if "test" in find_idx_files(root) else None
    )
    rule = "there are no files for validation: every tenth picture of the training file validates"
    return Splits(lambda: tenths.train, lambda: tenths.validation, test, rule=rule)


def find_idx_files(root: str | Path | Sequence[str | Path]) -> dict[str, Files]:
    """The files of images and of labels of each part, "train" and maybe "test".

    Of a file that is there both packed and not, the one that is not is taken.

    Args:
        root: a folder, or the pair of files.

    Raises:
        FileNotFoundError: there is no such folder, or no pair of files to learn from in it.
        ValueError: it holds the files of several sets.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
    ...     (root / name).touch()
    >>> [file.name for file in find_idx_files(root)["train"]]
    ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte']
    """
    if not isinstance(root, (str, Path)):
        images, labels = map(Path, root)
        return {"train": (images, labels)}
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"{READER}: there is no folder {folder}")
    found = _named_files(folder)
    if not found and (folder / "raw").is_dir():
        found = _named_files(folder / "raw")
    sets = sorted({name for name, _, _ in found})
    if len(sets) > 1:
        raise ValueError(
            f"{READER}: {folder} holds the files of several sets, {_shown(sets)}; name two files, "
            "as idx:IMAGES,LABELS, or move each set to a folder of its own"
        )
    files = {(part, kind): path for (_, part, kind), path in found.items()}
    parts: dict[str, Files] = {}
    for part in ("train", "test"):
        there = {kind: files[part, kind] for kind in ("images", "labels") if (part, kind) in files}
        if len(there) == 1:
            ((kind, path),) = there.items()
            lacking = "labels" if kind == "images" else "images"
            raise FileNotFoundError(f"{READER}: {path} is there, but no file of its {lacking}")
        if there:
            parts[part] = there["images"], there["labels"]
    if "train" not in parts:
        raise FileNotFoundError(
            f"{READER}: {folder} holds no train-images-idx3-ubyte and train-labels-idx1-ubyte, "
            "packed with gzip (.gz) or not"
        )
    return parts


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an idx file, of any type and shape, in this computer's order of bytes.

    The file may be packed with gzip, whatever its name. No more is read than the header says, and
    what cannot be in a file of that length is refused beforehand.

    Raises:
        FileNotFoundError: there is no such file.
        AnnotationError: the file is no idx file, or ends before its header says, or goes on
            afterwards; the gzip data are damaged; unpacked, it would be more than `MOST_UNPACKED`.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a-idx1-ubyte"
    >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    >>> read_idx(file)
    array([7, 8, 9], dtype=uint8)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{READER}: there is no file {path}")
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            size = path.stat().st_size
            if not packed:
                return _read(file, size)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, min(size * _DEFLATE_AT_MOST, MOST_UNPACKED), size)
    except _IdxError as error:
        raise AnnotationError(f"{READER}: {path}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise AnnotationError(
            f"{READER}: {path} is packed with gzip, but damaged or cut short ({error}); fetch it "
            "again"
        ) from None
    except MemoryError:
        raise AnnotationError(
            f"{READER}: {path}: there is not enough memory for what it holds"
        ) from None


class _IdxError(Exception):
    """What is wrong with a file, which is named by whoever reads it."""


def _read(file: io.BufferedIOBase, most: int, packed: int | None = None) -> np.ndarray:
    """The array of an open file of ``most`` bytes at most; ``packed`` bytes where it is packed."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not head[3]:
        types = ", ".join(f"{code:#04x} ({np.dtype(t).name})" for code, t in _TYPES.items())
        raise _IdxError(
            f"it begins with the bytes {head.hex(' ') or 'of nothing'}, so it is no idx file; "
            f"expected 00 00, a type among {types}, and the number of dimensions"
        )
    dtype, rank = np.dtype(_TYPES[head[2]]), head[3]
    if rank > _MOST_DIMENSIONS:
        raise _IdxError(f"it has {rank} dimensions, expected at most {_MOST_DIMENSIONS}")
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise _IdxError("it ends within its header")
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    wanted = dtype.itemsize
    for length in shape:
        wanted *= length
    said = (
        f"its header says {' x '.join(map(str, shape))} of {dtype.name}, which are {wanted:,} bytes"
    )
    if len(head) + len(sizes) + wanted > most:
        holds = f"{packed:,} packed bytes hold" if packed else f"it has {most:,} bytes, which hold"
        if most == MOST_UNPACKED:
            raise _IdxError(f"{said}; of packed files {MOST_UNPACKED:,} are read; unpack it first")
        raise _IdxError(f"{said}, but {holds} less; it is cut short, or the header is damaged")
    content = np.empty(wanted, np.uint8)
    view, done = content.data, 0
    while done < wanted:
        step = file.readinto(view[done : done + 2**20])
        if not step:
            raise _IdxError(f"{said}, but there are {done:,}; it is cut short")
        done += step
    if file.read(1):
        raise _IdxError(f"{said}, but it goes on after them; the header is damaged")
    array = content.view(dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_pictures(path: Path) -> np.ndarray:
    """(N, H, W) uint8."""
    array = read_idx(path)
    if array.dtype != np.uint8 or array.ndim != 3:
        raise AnnotationError(
            f"{READER}: {path} holds {' x '.join(map(str, array.shape))} of {array.dtype.name}; "
            "expected grey pictures, N x H x W of uint8"
        )
    count, height, width = array.shape
    if not 0 < height * width <= MOST_PIXELS:
        raise AnnotationError(f"{READER}: {path} holds pictures of {width} x {height} pixels")
    if not count:
        raise AnnotationError(f"{READER}: {path} holds no picture")
    return array


def _read_labels(path: Path) -> np.ndarray:
    """(N,) int64."""
    array = read_idx(path)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise AnnotationError(
            f"{READER}: {path} holds {' x '.join(map(str, array.shape))} of {array.dtype.name}; "
            "expected one whole number for each picture"
        )
    return array.astype(np.int64)


def _names_of(files: Files, count: int) -> list[str]:
    """The names of ``count`` labels in a set of these files."""
    folder = files[0].parent
    beside = find_label_file(folder)
    if beside is not None:
        return [label.name for label in read_labels(beside, READER)]
    place = folder.absolute()
    above = place.parent.name if place.name == "raw" else ""
    if any("fashion" in name.casefold() for name in (place.name, above, files[0].name)):
        return list(FASHION)
    return [str(label) for label in range(count)]


def _named_files(folder: Path) -> dict[tuple[str, str, str], Path]:
    """Files by the name of their set, "train" or "test", and "images" or "labels"."""
    found: dict[tuple[str, str, str], Path] = {}
    for path in sorted(folder.iterdir(), reverse=True):  # a.gz comes before a, which replaces it
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            part = "train" if match["part"].lower() == "train" else "test"
            found[match["set"], part, match["kind"].lower()] = path
    return found


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(name or "one without a name" for name in names[:20])
    return f"{shown} ..." if len(names) > 20 else shown
