"""Cut a window out of a picture and its labels."""

from __future__ import annotations

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.instances import sanitize, shift_points


def crop(
    image: np.ndarray,
    target: dict,
    top: int,
    left: int,
    height: int,
    width: int,
    min_visible: float = 0.3,
    min_size: float = 2.0,
) -> tuple[np.ndarray, dict]:
    """Cut out height x width pixels from row `top` and column `left`.

    Boxes are clipped to the window, and made tight around what is left of the masks where there are
    masks. Instances that are hardly left are dropped: less than `min_visible` of the box's area, or
    a side shorter than `min_size` pixels. Joints outside the window become invisible. A picture
    that loses all of its instances keeps empty arrays.

    Raises:
        ValueError: the window does not lie in the picture.

    Example:
        >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [6.0, 2.0, 8.0, 4.0]], np.float32)
        >>> image, target = crop(np.zeros((3, 6, 8), np.float32), {"boxes": boxes}, 1, 0, 5, 5)
        >>> image.shape, target["boxes"].tolist()
        ((3, 5, 5), [[0.0, 0.0, 4.0, 3.0]])
    """
    full_height, full_width = image.shape[1:]
    inside = 0 <= top <= top + height <= full_height and 0 <= left <= left + width <= full_width
    if not inside or height < 1 or width < 1:
        raise ValueError(
            f"crop: rows {top}..{top + height} and columns {left}..{left + width} are no window of "
            f"a picture of {full_height} x {full_width}"
        )
    rows, columns = slice(top, top + height), slice(left, left + width)
    target = dict(target)
    shift_points(target, -left, -top)
    for key in ("masks", "segmentation"):
        if key in target:
            target[key] = np.ascontiguousarray(target[key][..., rows, columns])
    target = sanitize(target, height, width, min_visible, min_size)
    return np.ascontiguousarray(image[:, rows, columns]), target


class RandomCrop:
    """Cut a window of `size` (H, W) from a random place; see `crop`.

    A side of the picture that is shorter than the window's is kept whole.

    Example:
        >>> cut = RandomCrop((4, 4))
        >>> image, _ = cut(np.zeros((3, 9, 3), np.float32), {}, np.random.default_rng(0))
        >>> image.shape
        (3, 4, 3)
    """

    def __init__(
        self, size: tuple[int, int], min_visible: float = 0.3, min_size: float = 2.0
    ) -> None:
        if min(size) < 1:
            raise ValueError(f"RandomCrop: size is {size}, expected (height, width) of at least 1")
        self.size, self.min_visible, self.min_size = size, min_visible, min_size

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomCrop", rng)
        full_height, full_width = image.shape[1:]
        height, width = min(self.size[0], full_height), min(self.size[1], full_width)
        top = int(rng.integers(full_height - height + 1))
        left = int(rng.integers(full_width - width + 1))
        return crop(image, target, top, left, height, width, self.min_visible, self.min_size)
