"""Scale jittering: zoom in or out by a random factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.crop import crop, lay_on_ground, places_of_window
from minicv.data.transforms.photograph import check_photograph
from minicv.data.transforms.resize import resize
from minicv.vision.label_maps import VOID


@dataclass(frozen=True)
class RandomScale:
    """Zoom by a random factor and return a picture of the size it had (scale jittering).

    A factor above 1 cuts a random window and enlarges it; a factor below 1 shrinks the picture and
    lays it at a random place on a grey ground, so that objects are seen small. Instances that the
    cut takes most of are dropped, as in `crop`; a picture's one object stays in sight, see
    `places_of_window`. In segmentation the ground has the class `fill_class`.

    Args:
        scale: least and greatest factor; drawn so that halving and doubling are equally likely.
        p: probability that anything happens.
        fill: brightness of the ground, 0..1.
        fill_class: class of the ground in `segmentation`; `VOID`, no class, by default.
        min_visible: share of a box's area that must remain.
        min_size: least side of a box in pixels, before enlarging.

    Source: Liu et al., SSD (ECCV 2016), section 3.6; Ghiasi et al., Simple copy-paste (CVPR 2021).

    Example:
        >>> zoom = RandomScale((0.5, 0.5))
        >>> boxes = np.array([[0.0, 0.0, 8.0, 8.0]], np.float32)
        >>> image, target = zoom(
        ...     np.ones((3, 8, 8), np.float32), {"boxes": boxes}, np.random.default_rng(0)
        ... )
        >>> image.shape, (target["boxes"][:, 2:] - target["boxes"][:, :2]).tolist()
        ((3, 8, 8), [[4.0, 4.0]])
    """

    scale: tuple[float, float] = (0.6, 1.6)
    p: float = 1.0
    fill: float = 0.5
    fill_class: int = VOID
    min_visible: float = 0.3
    min_size: float = 2.0

    def __post_init__(self) -> None:
        _check_scale("RandomScale", self.scale)

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomScale", rng)
        check_photograph("RandomScale", image)
        if rng.uniform() >= self.p:
            return image, target
        factor = _draw_factor(self.scale, rng)
        across, down = rng.uniform(), rng.uniform()
        height, width = size = image.shape[1:]
        if factor >= 1:
            window = max(1, int(height / factor + 0.5)), max(1, int(width / factor + 0.5))
            place = _random(places_of_window(target, window, size), down, across)
            image, target = crop(image, target, *place, *window, self.min_visible, self.min_size)
            return resize(image, target, (height, width))
        small = max(1, int(height * factor + 0.5)), max(1, int(width * factor + 0.5))
        image, target = resize(image, target, small)
        place = _place(small, size, down, across)
        return lay_on_ground(image, target, *place, height, width, self.fill, self.fill_class)


@dataclass(frozen=True)
class RandomScaleCrop:
    """Resize by a random factor, then take a random window of exactly `size` (H, W).

    It suits the training of segmenters: all windows of a batch have one size, whatever the sizes of
    the photographs, and everything is seen at several scales. A resized picture that is smaller
    than the window is laid at a random place in it, on a ground without a class. `RandomScale`
    keeps the picture's own size instead.

    Args:
        size: height and width of the window.
        scale: least and greatest factor; drawn so that halving and doubling are equally likely.
        fill: brightness of the ground, 0..1.
        fill_class: class of the ground in `segmentation`; `VOID`, no class, by default.
        min_visible, min_size: which instances are dropped; see `crop`.

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

    size: tuple[int, int]
    scale: tuple[float, float] = (0.75, 1.5)
    fill: float = 0.5
    fill_class: int = VOID
    min_visible: float = 0.3
    min_size: float = 2.0

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(
                f"RandomScaleCrop: size is {self.size}, expected (height, width) of at least 1"
            )
        _check_scale("RandomScaleCrop", self.scale)

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomScaleCrop", rng)
        check_photograph("RandomScaleCrop", image)
        factor = _draw_factor(self.scale, rng)
        down, across = rng.uniform(), rng.uniform()
        new_height, new_width = (max(1, int(side * factor + 0.5)) for side in image.shape[1:])
        image, target = resize(image, target, (new_height, new_width))
        window = min(self.size[0], new_height), min(self.size[1], new_width)
        places = places_of_window(target, window, (new_height, new_width))
        place = _random(places, down, across)
        image, target = crop(image, target, *place, *window, self.min_visible, self.min_size)
        if window == tuple(self.size):
            return image, target
        place = _place(window, self.size, down, across)
        return lay_on_ground(image, target, *place, *self.size, self.fill, self.fill_class)


def _check_scale(name: str, scale: tuple[float, float]) -> None:
    if not 0 < scale[0] <= scale[1]:
        raise ValueError(f"{name}: scale is {scale}, expected 0 < least <= greatest")


def _draw_factor(scale: tuple[float, float], rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(*np.log(scale))))


def _place(
    inner: tuple[int, int], outer: tuple[int, ...], down: float, across: float
) -> tuple[int, int]:
    """Row and column at which `inner` (H, W) lies in `outer`, for shares of the room in 0..1."""
    return _random(((0, outer[0] - inner[0]), (0, outer[1] - inner[1])), down, across)


def _random(
    places: tuple[tuple[int, int], tuple[int, int]], down: float, across: float
) -> tuple[int, int]:
    """Row and column between their least and greatest values, for random shares in 0..1."""
    (top, lowest), (left, rightmost) = places
    return top + int(down * (lowest - top + 1)), left + int(across * (rightmost - left + 1))
