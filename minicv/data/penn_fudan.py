"""The Penn-Fudan pedestrians: 170 street scenes with a mask for each person.

Wang, Shi, Song, Shen: Object detection combining recognition and segmentation (ACCV 2007).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minicv.data.image_files import read_labelled
from minicv.vision.label_maps import VOID
from minicv.vision.masks import masks_to_boxes

TEST_IMAGES = 50


class PennFudan:
    """People with boxes and masks, from `PNGImages/` and `PedMasks/`.

    The photographs are sorted by name. `split="train"` is all but the last 50, `"test"` the last
    50, None all. Target: boxes (N, 4) tight around the masks, labels (N,) all 0, masks (N, H, W),
    area (N,) in pixels, and image_id, the name without suffix. The masks number the people 1, 2,
    ...; 0 is background.

    Args:
        root: the folder PennFudanPed.
        split: "train", "test" or None.

    Raises:
        FileNotFoundError: the folder, a photograph's mask, or every photograph is missing.
        AnnotationError: a mask has colours instead of numbers, or another size than its photograph;
            names the file.
        ValueError: an unknown split.
        ImageError: a truncated photograph or mask; names the file.
    """

    classes: tuple[str, ...] = ("person",)

    def __init__(self, root: str | Path, split: str | None = None) -> None:
        if split not in (None, "train", "test"):
            raise ValueError(f'PennFudan: split is {split!r}, expected "train", "test" or None')
        self.root = Path(root)
        images = self.root / "PNGImages"
        if not images.is_dir():
            raise FileNotFoundError(
                f"PennFudan: {self.root} has no folder PNGImages; root is the folder PennFudanPed"
            )
        # The published set has PNG files; a re-encoded copy may have JPEG.
        paths = sorted(p for p in images.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
        if not paths:
            raise FileNotFoundError(f"PennFudan: {images} holds no .png or .jpg")
        if split == "train":
            paths = paths[:-TEST_IMAGES]
        elif split == "test":
            paths = paths[-TEST_IMAGES:]
        self.split = split
        self.paths = paths
        self.label_paths = [self.root / "PedMasks" / f"{path.stem}_mask.png" for path in paths]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        path = self.paths[index]
        image, numbers = read_labelled(path, self.label_paths[index], VOID, "PennFudan")
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
