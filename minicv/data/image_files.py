"""Reading photographs and label maps from picture files, and a plain folder of photographs."""

from __future__ import annotations

import contextlib
import importlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from minicv.data.no_picture import NEEDS_HEIF, is_heif, why_no_picture

# The formats of Pillow that are read, whatever the suffix. Pillow knows more, and among them are
# programs: it would start Ghostscript for a PostScript file that is called holiday.jpg.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = (
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif"),
    *(".jp2", ".jpe", ".jpeg", ".jpg", ".jpx", ".mpo", ".pbm", ".pgm", ".png", ".pnm"),
    *(".ppm", ".tif", ".tiff", ".webp"),
)
MOST_PIXELS = 175_000_000  # of a picture; as float32 they take 2.1 GB
_EXIF_ORIENTATION = 0x0112
# How a picture of that orientation is turned upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SLACK = 1e-4  # by which the rounding of other programs may leave 0..1


class AnnotationError(ValueError):
    """An annotation is wrong; the message names the file and the field."""


class DatasetWarning(UserWarning):
    """Something in a data set was repaired; the message names the file and the field."""


class ImageError(ValueError):
    """A file that should hold a picture does not; the message names the file."""


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture as RGB float32 in 0..1, C x H x W.

    The formats are those of `FORMATS`, told by the file's content and not by its suffix; HEIC is
    read where the package pillow-heif is installed. Of a file with several pictures (an animated
    GIF, a TIFF of many pages) the first is read.

    - Grey pictures get three equal channels, palettes become colours, CMYK, YCbCr, Lab and HSV
      become RGB.
    - Transparent pixels are laid on white.
    - The orientation that a camera noted in EXIF is applied; EXIF that is damaged is passed over.
    - Grey of 16 bits is divided by 65535. Whole numbers of 32 bits are taken as 8 bits if none is
      above 255, and else as 16. Floating-point numbers must lie in 0..1. (Of colours with 16 bits
      Pillow keeps the upper 8.)

    Args:
        path: the file.

    Returns:
        (3, H, W) float32, contiguous.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is truncated, holds no picture, has more than `MOST_PIXELS` pixels, or
            numbers in another range than is said above.

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
        turn = _TURNS.get(exif_orientation(file))
        picture = file if turn is None else file.transpose(turn)
        if picture.mode == "F" or picture.mode.startswith("I"):
            grey = _in_unit_range(np.asarray(picture), picture.mode, file.format or "")
            return np.ascontiguousarray(np.broadcast_to(grey, (3, *grey.shape)))
        pixels = np.asarray(_as_rgb(picture))  # (H, W, 3) uint8
    image = np.empty((3, *pixels.shape[:2]), np.float32)
    np.multiply(pixels.transpose(2, 0, 1), np.float32(1 / 255), out=image)
    return image


@contextlib.contextmanager
def open_picture(path: str | Path, operation: str, kind: str = "file") -> Iterator[Image.Image]:
    """The file while it is read; what Pillow raises meanwhile becomes an `ImageError`.

    Every picture file is opened here. Only `FORMATS` are tried, so that no file can start another
    program. Pillow's warnings (of odd metadata, of a large picture) are not shown: what matters is
    an error.

    Args:
        path: the file.
        operation: with which a message begins.
        kind: what the file should be, for the message that there is none.

    Raises:
        FileNotFoundError: there is no such file, or it is a folder.
        ImageError: the file cannot be read as a picture; the message says what it is instead.
    """
    if not Path(path).is_file():
        what = f"{path} is a folder, not a {kind}" if Path(path).is_dir() else None
        raise FileNotFoundError(f"{operation}: {what or f'there is no {kind} {path}'}")
    try:
        with _QUIET, Image.open(path, formats=_formats_of(path)) as file:
            width, height = file.size
            if width * height > MOST_PIXELS:
                raise Image.DecompressionBombError
            _check_holds_pixels(file, Path(path).stat().st_size)
            yield file
    except ImageError as error:  # raised by what reads the pixels
        raise ImageError(f"{operation}: cannot read {path}: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{operation}: cannot read {path}: {why_no_picture(path)}") from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{operation}: cannot read {path}: it has more than the {MOST_PIXELS // 10**6} million "
            "pixels that are read; scale it down"
        ) from error
    except MemoryError as error:
        raise ImageError(
            f"{operation}: cannot read {path}: there is not enough memory for its pixels"
        ) from error
    # A damaged file makes Pillow raise nearly anything: struct.error, RuntimeError, IndexError ...
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"{operation}: cannot read {path}: {reason}") from error


def exif_orientation(picture: Image.Image) -> int:
    """The orientation that a camera noted, 1..8; 1 where there is none or the note is damaged."""
    try:
        orientation = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # damaged EXIF raises nearly anything, and the pixels are good
        return 1
    return orientation if orientation in _TURNS else 1


def _check_holds_pixels(file: Image.Image, size: int) -> None:
    """Refuse a PNG of fewer bytes than its pixels take; Pillow would read zeros for the others.

    Deflate makes at most 1032 bytes of one (RFC 1951: 258 bytes of two codes of a bit each).
    """
    if file.format != "PNG":
        return
    width, height = file.size
    bits = {"RGB": 24, "RGBA": 32, "LA": 16, "I": 16, "I;16": 16}.get(file.mode, 1)
    if width * height * bits / 8 > 1032 * size:
        raise ImageError(
            f"it is said to be {width} x {height}, but {size:,} bytes cannot hold so many pixels; "
            "it is cut short or damaged"
        )


class _QuietPillow:
    """While any thread reads a picture, warnings that come from within Pillow are not shown.

    `warnings.catch_warnings` is not made for threads: two that overlap can leave a filter behind.
    The filter here is set by the first thread and taken away by the last.
    """

    def __init__(self) -> None:
        self._lock, self._readers = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._filter = warnings.filters[0]

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0 and self._filter in warnings.filters:
                warnings.filters.remove(self._filter)  # type: ignore[attr-defined]


_QUIET = _QuietPillow()


def _formats_of(path: str | Path) -> tuple[str, ...]:
    """The formats to try: with HEIF for such a file, if there is a package that reads it."""
    Image.init()  # once; an older Pillow lacks AVIF, and must not be asked for it
    known = tuple(name for name in FORMATS if name in Image.OPEN)
    if not is_heif(path):
        return known
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError:
        raise ImageError(NEEDS_HEIF) from None
    return (*known, "HEIF")


def _in_unit_range(values: np.ndarray, mode: str, form: str) -> np.ndarray:
    """Grey values of more than 8 bits as float32 in 0..1.

    Raises:
        ImageError: says the range that the values have and the one that they should have.
    """
    if values.size == 0:
        return values.astype(np.float32)
    low, high = values.min(), values.max()
    if mode == "F":
        # A comparison with NaN is False.
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            raise ImageError(
                f"its floating-point numbers lie in {low:g}..{high:g}, expected 0..1; scale them, "
                "or save the picture with 8 or 16 bits"
            )
        return np.clip(values, 0, 1).astype(np.float32)
    if mode != "I":  # I;16, with the bytes in one order or the other
        return values.astype(np.float32) / np.float32(65535)
    if low < 0 or high > 65535:
        raise ImageError(
            f"its numbers of 32 bits lie in {low}..{high}, expected 0..255 or 0..65535; save the "
            "picture with 8 or 16 bits"
        )
    # Pillow gives these two formats 32 bits only where they hold 16.
    eight_bits = high <= 255 and form not in ("PNG", "PPM")
    return values.astype(np.float32) / np.float32(255 if eight_bits else 65535)


def _as_rgb(picture: Image.Image) -> Image.Image:
    """The picture with 8 bits for red, green and blue, and its transparent pixels on white."""
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture
    if picture.mode == "LAB":
        from PIL import ImageCms  # some builds of Pillow lack it

        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(picture, lab, rgb, outputMode="RGB")
        assert turned is not None
        return turned
    if picture.mode in ("RGBa", "La"):  # colours that are multiplied by their opacity
        picture = picture.convert("RGBA" if picture.mode == "RGBa" else "LA")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    return picture.convert("RGB")


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
