"""The Penn-Fudan pedestrians: 170 street scenes with a mask for each person.

Wang, Shi, Song, Shen: Object detection combining recognition and segmentation (ACCV 2007).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicv.data.faults import Faults
from minicv.data.image_files import AnnotationError, read_image
from minicv.data.label_maps_of_set import lies_on_stored, look_at_masks, sizes_differ
from minicv.data.mask_files import MaskLook, read_numbers
from minicv.data.picture_folder import PictureFolder, pictures_in
from minicv.data.picture_size import PictureSize, size_if_readable, upright_mask
from minicv.vision.masks import masks_to_boxes

TEST_IMAGES = 50
MOST_PEOPLE = 100  # in a photograph; a mask with more numbers was blurred


class PennFudan:
    """People with boxes and masks, from `PNGImages/` and `PedMasks/`.

    The photographs are sorted by name. `split="train"` is all but the last 50, `"test"` the last
    50, None all. Target: boxes (N, 4) tight around the masks, labels (N,) all 0, masks (N, H, W),
    area (N,) in pixels, and image_id, the name without suffix. The masks number the people 1, 2,
    ...; 0 is background.

    Args:
        root: the folder PennFudanPed.
        split: "train", "test" or None.
        faults: takes what is wrong with the files; None warns and raises.

    Raises:
        FileNotFoundError: the folder, a photograph's mask, or every photograph is missing.
        AnnotationError: a mask is a JPEG, has colours instead of numbers, more than a hundred of
            them, only 0 and 255, or another size than its photograph. Names all of the files.
        ValueError: an unknown split.
        ImageError: a mask cannot be read; on reading, a truncated photograph.
    """

    classes: tuple[str, ...] = ("person",)

    def __init__(
        self, root: str | Path, split: str | None = None, faults: Faults | None = None
    ) -> None:
        if split not in (None, "train", "test"):
            raise ValueError(f'PennFudan: split is {split!r}, expected "train", "test" or None')
        faults = Faults() if faults is None else faults
        self.root, self.split = Path(root), split
        images = self.root / "PNGImages"
        if not images.is_dir():
            raise FileNotFoundError(
                f"PennFudan: {self.root} has no folder PNGImages; root is the folder PennFudanPed"
            )
        paths = pictures_in(images)  # PNG files as published; a copy may have JPEG
        if not paths:
            raise FileNotFoundError(f"PennFudan: {images} holds no picture")
        if split == "train":
            paths = paths[:-TEST_IMAGES]
        elif split == "test":
            paths = paths[-TEST_IMAGES:]
        masks = PictureFolder(self.root / "PedMasks")
        self.paths: list[Path] = []
        self.label_paths: list[Path] = []
        self._turned: list[PictureSize | None] = []
        self._people: list[int] = []
        pairs = []
        for path in paths:
            found = masks.named(f"{path.stem}_mask.png") or masks.named(f"{path.stem}.png")
            if found:
                pairs.append((path, found[0]))
                continue
            what = f"it has no mask {masks.folder / path.stem}_mask.png"
            faults.error("picture without annotation", path, what, FileNotFoundError)
        looks = look_at_masks([mask for _, mask in pairs], faults)
        for path, mask in pairs:
            size = size_if_readable(path, faults)
            if size is None or mask not in looks:
                continue
            if why := _why_no_people(looks[mask]):
                faults.error("wrong mask", mask, why)
                continue
            turned = lies_on_stored(looks[mask], size, path, mask, faults)
            if turned is not None:
                self.paths.append(path)
                self.label_paths.append(mask)
                self._turned.append(size if turned else None)
                self._people.append(len({*looks[mask].as_numbers} - {0}))
        faults.settle("PennFudan")

    def __len__(self) -> int:
        return len(self.paths)

    def labels_of(self, index: int) -> np.ndarray:
        """The labels of a picture's people, without reading it."""
        return np.zeros(self._people[index], np.int64)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path, mask, turned = self.paths[index], self.label_paths[index], self._turned[index]
        image = read_image(path)
        try:
            numbers = read_numbers(mask)
        except AnnotationError as error:
            raise AnnotationError(f"PennFudan: {mask}: {error}") from None
        numbers = numbers if turned is None else upright_mask(numbers, turned)
        if numbers.shape != image.shape[1:]:
            what = sizes_differ(numbers.shape, image.shape[1:])
            raise AnnotationError(f"PennFudan: {mask}: {what}")
        people = np.unique(numbers)
        people = people[people != 0]
        masks = numbers == people[:, None, None]  # (N, H, W)
        return image, {
            "boxes": masks_to_boxes(masks),
            "labels": np.zeros(len(people), np.int64),
            "masks": masks,
            "area": masks.sum(axis=(1, 2)).astype(np.float32),
            "image_id": path.stem,
        }


def _why_no_people(look: MaskLook) -> str:
    """Why the numbers of a mask cannot be those of people; "" if they can."""
    if look.colours and not look.is_grey:
        return f"it has the mode {look.mode} with colours, expected a number for each person"
    people = set(look.as_numbers) - {0}
    if len(people) > MOST_PEOPLE:
        return (
            f"it numbers {len(people):,} people, more than {MOST_PEOPLE}; smoothed or compressed "
            "masks hold numbers in between: save the published ones without"
        )
    if people and people <= {255, 65535}:
        return f"it holds only 0 and {max(people)}, which does not tell people apart; expected 1, 2"
    if min(look.as_numbers) < 0:
        return "it holds negative numbers"
    return ""
