"""Every object alone on black, in the middle of a square: a set like Fashion-MNIST, from masks."""

from __future__ import annotations

import numpy as np

from minicv.data.loader import Dataset

MARGIN = 0.1  # black on each side of the longer side of an object, as a share of it


class CutOuts:
    """One square picture for each object of ``dataset``: what its mask shows, and black around it.

    Target: ``label``, the object's class, an int; and ``image_id``, such as ``"im1 object 3"``: the
    third object of the picture im1. `classes` are those of ``dataset``. Each picture is read once,
    at the beginning, and the objects stay in memory.

    Args:
        dataset: with masks and labels.
        least: pixels that an object shows at least; a smaller one is left out.

    Raises:
        ValueError: there is no such object.

    >>> from minicv.data.farmyard import Farmyard
    >>> cut_outs = CutOuts(Farmyard(4))
    >>> image, target = cut_outs[0]
    >>> image.shape[1] == image.shape[2], image[:, 0].max().item(), sorted(target)
    (True, 0.0, ['image_id', 'label'])
    """

    def __init__(self, dataset: Dataset, least: int = 60) -> None:
        self.classes = tuple(dataset.classes)
        self._samples: list[tuple[np.ndarray, dict]] = []
        for index in range(len(dataset)):
            image, target = dataset[index]
            for number, mask in enumerate(target["masks"]):
                if mask.sum() >= max(1, least):
                    name = f"{target.get('image_id', index)} object {number + 1}"
                    named = {"label": int(target["labels"][number]), "image_id": name}
                    self._samples.append((cut_out(image, mask), named))
        if not self._samples:
            raise ValueError(
                f"CutOuts: no object shows {least} pixels or more in {len(dataset)} pictures"
            )

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict]:
        image, target = self._samples[index]
        return image, dict(target)

    def labels_of(self, index: int) -> np.ndarray:
        """(1,) int64: the label of a sample."""
        return np.array([self._samples[index][1]["label"]], np.int64)


def cut_out(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(3, S, S): what the mask shows, in the middle of a black square.

    Args:
        image: (3, H, W).
        mask: (H, W) bool, with at least one pixel.

    >>> image, mask = np.ones((3, 4, 4), np.float32), np.zeros((4, 4), bool)
    >>> mask[1:3, 1:2] = True
    >>> cut_out(image, mask)[0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    within = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    pixels = image[:, within[0], within[1]] * mask[within]
    height, width = pixels.shape[1:]
    side = max(height, width)
    side += 2 * max(1, round(MARGIN * side))
    square = np.zeros((len(image), side, side), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = pixels
    return square
