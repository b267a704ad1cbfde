"""How large a picture is, upright and as stored, and whether an annotation was made for it.

A camera held on its side stores the picture lying down and notes in EXIF how to turn it upright.
`read_image` turns it. Labelling tools differ: some show the picture upright, others as it is
stored, and the boxes are drawn on what was shown. The size that the annotation notes tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import ImageError, exif_orientation, open_picture

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class PictureSize:
    """Size of a picture.

    Attributes:
        width, height: upright, as `read_image` returns the picture.
        orientation: EXIF's number, 1 for a picture that is stored upright.
    """

    width: int
    height: int
    orientation: int = 1

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height as the file stores the picture, before it is turned."""
        lying = self.orientation in (5, 6, 7, 8)
        return (self.height, self.width) if lying else (self.width, self.height)


def picture_size(path: str | Path) -> PictureSize:
    """The size of a picture, from the header of its file.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture.

    >>> import tempfile
    >>> from PIL import Image
    >>> file = Path(tempfile.mkdtemp()) / "turned.jpg"
    >>> exif = Image.Exif()
    >>> exif[EXIF_ORIENTATION] = 6
    >>> Image.new("RGB", (40, 30)).save(file, exif=exif)
    >>> picture_size(file), picture_size(file).stored
    (PictureSize(width=30, height=40, orientation=6), (40, 30))
    """
    with open_picture(path, "picture_size") as picture:
        width, height = picture.size
        orientation = exif_orientation(picture)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    return PictureSize(width, height, orientation)


def upright_points(points: np.ndarray, size: PictureSize) -> np.ndarray:
    """Points of the stored picture, in the picture when it is turned upright.

    Args:
        points: (..., 2), x and y in pixels of the stored picture.
        size: of the picture.

    Returns:
        (..., 2) float64.

    The names say which corner of the upright picture the first stored pixel is in:

    >>> upright_points(np.array([[0.0, 0.0], [40.0, 10.0]]), PictureSize(30, 40, 6)).tolist()
    [[30.0, 0.0], [20.0, 40.0]]
    """
    x, y = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    width, height = size.stored
    turned = {
        1: (x, y),
        2: (width - x, y),  # mirrored
        3: (width - x, height - y),  # upside down
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),  # turned to the right by a quarter to stand upright
        7: (height - y, width - x),
        8: (y, width - x),
    }[size.orientation]
    return np.stack(turned, axis=-1)


def upright_box(box: Sequence[float] | np.ndarray, size: PictureSize) -> np.ndarray:
    """A box x1, y1, x2, y2 of the stored picture, in the picture when it is turned upright.

    >>> upright_box([0.0, 0.0, 40.0, 10.0], PictureSize(30, 40, 6)).tolist()
    [20.0, 0.0, 30.0, 40.0]
    """
    corners = upright_points(np.asarray(box, np.float64).reshape(2, 2), size)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def upright_mask(mask: np.ndarray, size: PictureSize) -> np.ndarray:
    """A mask (H, W) of the stored picture, as it lies on the picture when it is turned upright.

    >>> lying = np.zeros((30, 40), bool)
    >>> lying[0, 0] = True
    >>> np.argwhere(upright_mask(lying, PictureSize(30, 40, 6))).tolist()
    [[0, 29]]
    """
    turned = {
        1: mask,
        2: mask[:, ::-1],
        3: mask[::-1, ::-1],
        4: mask[::-1],
        5: mask.T,
        6: mask[::-1].T,
        7: mask[::-1, ::-1].T,
        8: mask[:, ::-1].T,
    }[size.orientation]
    return np.ascontiguousarray(turned)


def size_if_readable(picture: Path, faults: Faults) -> PictureSize | None:
    """The size of a picture; None, and a note among the faults, where it cannot be read."""
    try:
        return picture_size(picture)
    except (ImageError, OSError) as error:
        reason = str(error).removeprefix("picture_size: ")
        faults.unreadable(picture, reason.removeprefix(f"cannot read {picture}: "))
        return None


def drawn_on_stored(
    size: PictureSize,
    declared: tuple[int, int] | None,
    picture: Path,
    annotation: Path,
    faults: Faults,
    field: str = "size",
) -> bool | None:
    """Whether an annotation was drawn on the picture as stored, and must be turned upright.

    Args:
        size: of the picture.
        declared: width and height that the annotation notes; None, or a 0, where it notes none.
        picture, annotation: the files, for the messages.
        faults: takes what is wrong.
        field: where the annotation notes the size.

    Returns:
        True or False; None where the annotation was made for a picture of another size, which is
        noted as an error: its boxes would lie on the wrong things.
    """
    upright = (size.width, size.height)
    if declared is None or 0 in declared:
        if size.orientation != 1:
            faults.repaired(
                "orientation without a size",
                annotation,
                f"it notes no size, and {picture} is turned by its EXIF orientation "
                f"{size.orientation}",
                "taken as drawn on the picture when it is upright",
            )
        return False
    if declared == upright:
        if size.orientation != 1 and size.stored == upright:
            faults.repaired(
                "ambiguous orientation",
                annotation,
                f"{field} {declared[0]} x {declared[1]} cannot tell whether {picture}, of EXIF "
                f"orientation {size.orientation}, was shown upright when it was labelled",
                "taken as drawn on the picture when it is upright",
            )
        return False
    if declared == size.stored:
        faults.repaired(
            "drawn on the picture as stored",
            annotation,
            f"{field} is {declared[0]} x {declared[1]}, but {picture} is {upright[0]} x "
            f"{upright[1]} when its EXIF orientation {size.orientation} is applied",
            "turned upright",
        )
        return True
    faults.error(
        "annotation of another size",
        annotation,
        f"{field} is {declared[0]} x {declared[1]}, but {picture} is {upright[0]} x {upright[1]}; "
        "label the picture again, or scale it back to the size it had",
    )
    return None
