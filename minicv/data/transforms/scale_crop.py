"""Pictures of any size, randomly enlarged or reduced, become windows of one size."""

from __future__ import annotations

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.crop import crop
from minicv.data.transforms.ground import lay_on_ground
from minicv.data.transforms.resize import resize
from minicv.vision.label_maps import VOID


class RandomScaleCrop:
    """Resize by a random factor, then take a random window of exactly `size` (H, W).

    What segmentation is trained on: a batch of windows of one size from photographs of many, each
    thing seen at several scales. Where the resized picture is smaller than the window, it is laid
    at a random place of it, on a ground without a class. `RandomScale` keeps the picture's own size
    instead.

    Args:
        size: height and width of the window.
        scale: least and greatest factor; drawn so that halving and doubling are equally likely.
        fill: brightness of the ground, 0..1.
        fill_class: class of the ground in `segmentation`; none by default.
        min_visible, min_size: which instances are kept; see `crop`.

    Raises:
        ValueError: a side below 1, or factors out of order.

    Source: Chen et al., DeepLab (TPAMI 2018), section 4.1, with its factors from 0.5 to 1.5.

    Example:
        >>> window = RandomScaleCrop((5, 5), scale=(2.0, 2.0))
        >>> target = {"segmentation": np.arange(12).reshape(2, 6)}
        >>> image = np.zeros((3, 2, 6), np.float32)
        >>> image, target = window(image, target, np.random.default_rng(0))
        >>> image.shape, int((target["segmentation"] == VOID).sum())
        ((3, 5, 5), 5)
    """

    def __init__(
        self,
        size: tuple[int, int],
        scale: tuple[float, float] = (0.75, 1.5),
        fill: float = 0.5,
        fill_class: int = VOID,
        min_visible: float = 0.3,
        min_size: float = 2.0,
    ) -> None:
        if min(size) < 1:
            raise ValueError(
                f"RandomScaleCrop: size is {size}, expected (height, width) of at least 1"
            )
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f"RandomScaleCrop: scale is {scale}, expected 0 < least <= greatest")
        self.size, self.scale = size, scale
        self.fill, self.fill_class = fill, fill_class
        self.min_visible, self.min_size = min_visible, min_size

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomScaleCrop", rng)
        factor = float(np.exp(rng.uniform(*np.log(self.scale))))
        down, across = rng.uniform(), rng.uniform()
        new_height, new_width = (max(1, int(side * factor + 0.5)) for side in image.shape[1:])
        image, target = resize(image, target, (new_height, new_width))
        height, width = self.size
        window = min(height, new_height), min(width, new_width)
        top = int(down * (new_height - window[0] + 1))
        left = int(across * (new_width - window[1] + 1))
        image, target = crop(image, target, top, left, *window, self.min_visible, self.min_size)
        if window == (height, width):
            return image, target
        top = int(down * (height - window[0] + 1))
        left = int(across * (width - window[1] + 1))
        return lay_on_ground(image, target, top, left, height, width, self.fill, self.fill_class)
