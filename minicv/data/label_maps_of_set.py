"""The label maps of a data set: all looked at when the set is made, then read one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, ImageError, read_image
from minicv.data.mask_coding import CodingError, Looks
from minicv.data.mask_files import Coding, MaskLook, look_at_mask, read_mask, why_unknown
from minicv.data.picture_size import PictureSize, drawn_on_stored, size_if_readable

Pair = tuple[Path, Path]  # a picture and its mask


class LabelMaps:
    """Pictures with a mask each, whose numbers or colours are classes.

    Every mask is read once for the numbers in it, in threads: one that is truncated, has another
    size than its picture, or holds a number that is no class would else be found in the middle of
    a training. Each is noted among the faults and left out.

    Args:
        pairs: pictures and their masks.
        decide: from what is in the masks to what it means; raises `CodingError`.
        where: the folder or file that is named if the masks do not say what they mean.
        faults: takes what is wrong; the caller settles it.
        reader: name of the data set.

    Attributes:
        coding: what numbers and colours mean; without classes if that could not be decided.
        good: the numbers of the pairs that can be read, in order.
        looks: what is in their masks.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        decide: Callable[[Looks], Coding],
        where: Path,
        faults: Faults,
        reader: str,
    ) -> None:
        self.pairs, self.reader = list(pairs), reader
        looks = look_at_masks([mask for _, mask in pairs], faults)
        held = [(mask, looks[mask]) for _, mask in pairs if mask in looks]
        self.coding = Coding(())
        self.good: list[int] = []
        self.looks: Looks = []
        self._turned: dict[int, PictureSize] = {}
        try:
            self.coding = decide(held)
        except CodingError as error:
            faults.error("masks without meaning", where, str(error))
            return
        for index, (picture, mask) in enumerate(pairs):
            size = size_if_readable(picture, faults)
            if size is None or mask not in looks:
                continue
            look = looks[mask]
            if self.coding.unknown_in(look):
                faults.error("unknown class", mask, why_unknown(mask, look, self.coding))
                continue
            turned = lies_on_stored(look, size, picture, mask, faults)
            if turned is None:
                continue
            if turned:
                self._turned[index] = size
            self.good.append(index)
        self.looks = [(pairs[i][1], looks[pairs[i][1]]) for i in self.good]

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The picture (3, H, W) float32 and the labels (H, W) int64 of the pair of that number.

        Raises:
            ImageError, AnnotationError: a file changed since the set was made; names it.
        """
        picture, mask = self.pairs[index]
        image = read_image(picture)
        try:
            labels = read_mask(mask, self.coding, self._turned.get(index))
        except AnnotationError as error:
            raise AnnotationError(f"{self.reader}: {mask}: {error}") from None
        if labels.shape != image.shape[1:]:
            raise AnnotationError(
                f"{self.reader}: {mask}: {sizes_differ(labels.shape, image.shape[1:])}"
            )
        return image, labels.astype(np.int64)


def look_at_masks(masks: Sequence[Path], faults: Faults) -> dict[Path, MaskLook]:
    """What is in each mask; those that cannot be read are noted and left out."""

    def look(mask: Path) -> MaskLook | Exception:
        try:
            return look_at_mask(mask)
        except (ImageError, AnnotationError, OSError) as error:
            return error

    files = list(dict.fromkeys(masks))
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = dict(zip(files, pool.map(look, files), strict=True))
    for mask, result in found.items():
        if isinstance(result, AnnotationError):
            faults.error("wrong mask", mask, str(result))
        elif isinstance(result, Exception):
            faults.unreadable(mask, str(result).removeprefix(f"read_mask: cannot read {mask}: "))
    return {mask: result for mask, result in found.items() if isinstance(result, MaskLook)}


def lies_on_stored(
    look: MaskLook, size: PictureSize, picture: Path, mask: Path, faults: Faults
) -> bool | None:
    """Whether the mask lies on the picture as stored; None, and a note, for another size."""
    held = (look.width, look.height)
    if held not in ((size.width, size.height), size.stored):
        what = sizes_differ((look.height, look.width), (size.height, size.width))
        faults.error("annotation of another size", mask, what)
        return None
    return drawn_on_stored(size, held, picture, mask, faults, "its size")


def sizes_differ(mask: Sequence[int], image: Sequence[int]) -> str:
    """The sentence about a mask (height, width) of another size than its picture."""
    return (
        f"the label map is {mask[0]} x {mask[1]} (height x width) but its image is "
        f"{image[0]} x {image[1]}"
    )
