"""Reading a label map from a picture file whose numbers are classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from minicv.data.errors import AnnotationError
from minicv.data.image_folder import ImageError


def read_label_map(path: str | Path) -> np.ndarray:
    """The numbers in a picture file, one for each pixel: a grey picture's values or a palette's.

    A palette picture (Pascal VOC) holds numbers, and beside them a colour for each number, with
    which it is shown. The numbers are what is read.

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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"read_label_map: there is no label map {path}")
    try:
        with Image.open(path) as file:
            mode = file.mode
            labels = np.array(file)  # decodes, and so finds a truncated file
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "it is no picture that Pillow reads" if "identify" in str(error) else str(error)
        raise ImageError(f"read_label_map: cannot read {path}: {reason}") from error
    if mode not in ("L", "P"):
        raise AnnotationError(
            f"read_label_map: {path} has the mode {mode}, expected one number of 8 bits for each "
            "pixel (mode L or P); where classes are drawn as colours, write their numbers instead"
        )
    return labels
