"""Reading photographs and label maps from picture files, and a plain folder of photographs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from minicv.vision.label_maps import check_label_map

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Photographs of 16 bits and more arrive in these modes of Pillow.
_WIDE_MODES: dict[str, float] = {"I;16": 65535, "I;16L": 65535, "I;16B": 65535, "I": 65535, "F": 1}


class AnnotationError(ValueError):
    """An annotation is wrong; the message names the file and the field."""


class DatasetWarning(UserWarning):
    """Something in a data set was repaired; the message names the file and the field."""


class ImageError(ValueError):
    """A file that should hold a picture does not; the message names the file."""


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture as RGB float32 in 0..1, C x H x W.

    Every format that Pillow reads: grey pictures get three equal channels, palettes become colours,
    the orientation that a camera noted in EXIF is applied, and transparent pixels are laid on
    white.

    Args:
        path: the file.

    Returns:
        (3, H, W) float32, contiguous.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is truncated or holds no picture.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> file = Path(tempfile.mkdtemp()) / "red.png"
        >>> Image.new("RGB", (3, 2), (255, 0, 0)).save(file)
        >>> image = read_image(file)
        >>> image.shape, image[:, 0, 0].tolist()
        ((3, 2, 3), [1.0, 0.0, 0.0])
    """
    with open_picture(path, "read_image", "file") as file:
        file.load()  # decodes, and so finds a truncated file
        picture = ImageOps.exif_transpose(file)
    if picture.mode in _WIDE_MODES:
        grey = np.clip(np.asarray(picture, np.float32) / _WIDE_MODES[picture.mode], 0, 1)
        return np.ascontiguousarray(np.broadcast_to(grey, (3, *grey.shape)))
    if picture.mode != "RGB" and picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    pixels = np.asarray(picture.convert("RGB"))  # (H, W, 3) uint8
    image = np.empty((3, *pixels.shape[:2]), np.float32)
    np.multiply(pixels.transpose(2, 0, 1), np.float32(1 / 255), out=image)
    return image


@contextlib.contextmanager
def open_picture(path: str | Path, operation: str, kind: str = "file") -> Iterator[Image.Image]:
    """The file while it is read; what Pillow raises meanwhile becomes an `ImageError`."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{operation}: there is no {kind} {path}")
    try:
        with Image.open(path) as file:
            yield file
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow's message about an unknown format would repeat the path.
        reason = "it is no picture that Pillow reads" if "identify" in str(error) else str(error)
        raise ImageError(f"{operation}: cannot read {path}: {reason}") from error


class ImageFolder:
    """All photographs of a folder, sorted by name, without labels.

    `ds[i]` is the image and a target that has only `image_id`, the file's name. `classes` is empty.

    Args:
        root: the folder. Files with a picture's suffix are taken, hidden ones and subfolders left
            out.

    Raises:
        FileNotFoundError: `root` is no folder.
        ValueError: the folder holds no picture.
        ImageError: on reading, a file that holds no picture.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, root: str | Path) -> None:
        root = Path(root)
        if not root.is_dir():
            raise FileNotFoundError(f"ImageFolder: there is no folder {root}")
        self.root = root
        self.paths: Sequence[Path] = sorted(
            path
            for path in root.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
        if not self.paths:
            raise ValueError(f"ImageFolder: {root} holds no picture ({', '.join(SUFFIXES)})")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        return read_image(path), {"image_id": path.name}


def read_label_map(path: str | Path) -> np.ndarray:
    """The numbers in a picture file, one for each pixel: a grey picture's values or a palette's.

    A palette picture (Pascal VOC) holds a number for each pixel, and a colour for each number, in
    which viewers show it. The numbers are read, not the colours.

    Args:
        path: a picture of one channel with 8 bits (a .png; a .jpg would have blurred its numbers).

    Returns:
        (H, W) uint8.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is truncated or holds no picture.
        AnnotationError: the picture has colours instead of numbers, or more than 8 bits.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "labels.png"
    >>> Image.fromarray(np.array([[0, 3, 255]], np.uint8)).save(file)
    >>> read_label_map(file).tolist()
    [[0, 3, 255]]
    """
    with open_picture(path, "read_label_map", "label map") as file:
        mode = file.mode
        labels = np.array(file)  # decodes, and so finds a truncated file
    if mode not in ("L", "P"):
        raise AnnotationError(
            f"read_label_map: {path} has the mode {mode}, expected one number of 8 bits for each "
            "pixel (mode L or P); where classes are drawn as colours, write their numbers instead"
        )
    return labels


def read_labelled(
    image_path: Path, label_path: Path, num_classes: int, reader: str
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and its label map; errors of a file as in `read_image` and `read_label_map`.

    Args:
        image_path, label_path: the files.
        num_classes: K; labels are 0..K-1 or `VOID`.
        reader: name of the data set, with which the message begins.

    Returns:
        (3, H, W) float32 and (H, W) uint8.

    Raises:
        AnnotationError: a label map of another size than its photograph, or with a number that is
            no class; names the file.
    """
    image, labels = read_image(image_path), read_label_map(label_path)
    try:
        check_label_map(labels, num_classes, str(label_path), image.shape[1:])
    except ValueError as error:
        raise AnnotationError(f"{reader}: {error}") from error
    return image, labels
