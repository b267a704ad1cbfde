"""Finds pictures that cannot be read before a training begins, in a part of the time of reading.

One truncated photograph would end a training in the middle of its first epoch, and the next one the
training after that. Looked for beforehand, all of them are named at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from minicv.data.faults import Faults
from minicv.data.image_files import ImageError, open_picture, read_image

_DRAFT = 8  # libjpeg decodes an eighth of the width and of the height, from all of the file


def decodes(path: str | Path) -> str | None:
    """None if `read_image` can read the picture, else the reason why it cannot.

    The whole file is looked at, but as little as possible is computed: a JPEG is decoded at an
    eighth of its size, the checksums of a PNG are compared; other formats are read. What fails the
    cheap test is read in full, and that decides.

    >>> import tempfile
    >>> from PIL import Image
    >>> file = Path(tempfile.mkdtemp()) / "cow.jpg"
    >>> Image.effect_noise((64, 64), 60).save(file)
    >>> decodes(file)
    >>> _ = file.write_bytes(file.read_bytes()[:1500])
    >>> decodes(file)
    'image file is truncated (...)'
    """
    try:
        if _passes_the_cheap_test(path):
            return None
        read_image(path)
    except (ImageError, OSError) as error:
        # The file is named by whoever asks: "read_image: cannot read x.jpg: reason".
        reason = str(error).removeprefix("read_image: ")
        return reason.removeprefix(f"cannot read {path}: ")
    return None


def check_pictures(
    pictures: Any, faults: Faults | None = None, workers: int | None = None
) -> list[int]:
    """The numbers of the pictures that can be read; each other one is noted among the faults.

    Args:
        pictures: a data set with ``paths``, or a sequence of paths. A data set that has none, since
            it draws its pictures, passes whole.
        faults: takes each picture that cannot be read, by `Faults.unreadable`; then it is settled,
            so that with ``Faults()``, as for None, an error names all of them.
        workers: threads; None takes one for each core, at most eight.

    Returns:
        indices in increasing order, such as `Subset` takes.

    Raises:
        ImageError: some cannot be read, and ``faults`` neither collects nor skips them.
    """
    faults = Faults() if faults is None else faults
    paths: Sequence[str | Path] | None = getattr(pictures, "paths", None)
    if paths is None:
        if not isinstance(pictures, Sequence) or isinstance(pictures, str):
            return list(range(len(pictures)))
        paths = pictures
    names = [Path(path) for path in paths]
    files = list(dict.fromkeys(names))  # a file that is listed twice is read once
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        reasons = dict(zip(files, pool.map(decodes, files), strict=True))
    for file, reason in reasons.items():
        if reason is not None:
            faults.unreadable(file, reason)
    faults.settle("check_pictures" if paths is pictures else type(pictures).__name__)
    return [index for index, name in enumerate(names) if reasons[name] is None]


def _passes_the_cheap_test(path: str | Path) -> bool:
    """Whether the file is surely whole; False asks for a full reading."""
    try:
        with open_picture(path, "decodes") as picture:
            width, height = picture.size
            if picture.format in ("JPEG", "MPO"):
                picture.draft(None, (max(1, width // _DRAFT), max(1, height // _DRAFT)))
                picture.load()
                return True
            if picture.format == "PNG":
                picture.verify()
                return True
    except (ImageError, OSError):
        return False
    return False
