"""Squares of one size, as a classifier sees pictures: always the same one, or a random one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from minicv.data.transforms.compose import need_rng
from minicv.data.transforms.photograph import check_photograph

Fit = Literal["crop", "stretch"]
Resample = Literal["bilinear", "bicubic"]
_TRIES = 10  # to draw a window that lies in the picture
_LONGEST = 4 / 3  # a random window is at most so many times as long as it is short


def square(
    image: np.ndarray,
    size: int,
    fit: Fit = "crop",
    fraction: float = 0.875,
    resample: Resample = "bilinear",
) -> np.ndarray:
    """A picture as a square of ``size`` pixels; smoothed first where it shrinks.

    - ``"crop"``: the middle square, whose side is ``fraction`` of the picture's shorter side. With
      0.875 that is what published networks were tested on: the shorter side brought to 256 pixels,
      and the 224 in the middle cut out.
    - ``"stretch"``: the whole picture. Nothing is lost, but proportions are.

    A picture that has this size already is taken as it is.

    Args:
        image: (C, H, W).
        size: S.
        fit: see above.
        fraction: above 0, at most 1.
        resample: see `window_of`.

    Returns:
        (C, S, S) float32.

    >>> image = np.arange(8, dtype=np.float32).reshape(1, 2, 4)
    >>> square(image, 2, "crop", 1.0).tolist()
    [[[1.0, 2.0], [5.0, 6.0]]]
    >>> square(image, 1, "stretch").tolist()
    [[[3.5]]]
    """
    height, width = image.shape[1:]
    if height == width == size:
        return image
    if fit == "stretch":
        return window_of(image, (0, 0, width, height), size, resample)
    side = fraction * min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return window_of(image, (left, top, left + side, top + side), size, resample)


def window_of(
    image: np.ndarray, box: Sequence[float], size: int, resample: Resample = "bilinear"
) -> np.ndarray:
    """What lies in a box of the picture, as a square.

    Args:
        image: (C, H, W), in 0..1.
        box: x1, y1, x2, y2 in its pixels.
        size: S.
        resample: ``"bilinear"``, or ``"bicubic"``, which keeps edges sharper; what it adds beyond
            0..1 beside them is cut off.

    Returns:
        (C, S, S) float32.

    >>> image = np.array([[[0, 0.25, 0.5, 0.75]]], dtype=np.float32)
    >>> window_of(image, (1, 0, 2, 1), 1).tolist()
    [[[0.25]]]
    """
    x1, y1, x2, y2 = box
    cubic = resample == "bicubic"
    kind = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    result = np.empty((len(image), size, size), np.float32)
    for channel, plane in zip(result, image, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))  # mode F
        channel[:] = np.asarray(picture.resize((size, size), kind, (x1, y1, x2, y2)))
    return np.clip(result, 0, 1, out=result) if cubic else result


class RandomSquare:
    """A random window of the picture as a square, so that a thing is seen in several sizes.

    The window's area is drawn between ``least_area`` and the whole. With ``"crop"`` its longer side
    is at most 4/3 of the shorter; where no such window is found in ten tries, it is the middle
    square. With ``"stretch"`` its sides are in the same ratio to those of the picture. With a
    ``least_area`` of 1, `square` is all that happens: of the whole shorter side, for "crop".

    Args:
        size: S.
        fit: as for `square`.
        least_area: share of the picture's area that a window has at least, above 0.

    Raises:
        ValueError: a size below 1, or a share that is none.

    Source: Szegedy et al., Going deeper with convolutions (CVPR 2015), section 6.

    >>> image, _ = RandomSquare(8)(np.zeros((3, 20, 30), "float32"), {}, np.random.default_rng(0))
    >>> image.shape
    (3, 8, 8)
    """

    def __init__(self, size: int, fit: Fit = "crop", least_area: float = 0.4) -> None:
        if size < 1 or not 0 < least_area <= 1:
            raise ValueError(
                f"RandomSquare: size={size}, least_area={least_area}; expected a size of at least "
                "1, and a share above 0 and up to 1"
            )
        self.size, self.fit, self.least_area = size, fit, least_area

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomSquare", rng)
        check_photograph("RandomSquare", image)
        if self.least_area == 1:
            return square(image, self.size, self.fit, 1.0), target
        height, width = image.shape[1:]
        for _ in range(_TRIES):
            share = rng.uniform(self.least_area, 1)
            longer = math.exp(rng.uniform(-1, 1) * math.log(_LONGEST))
            if self.fit == "stretch":
                across, down = width * math.sqrt(share * longer), height * math.sqrt(share / longer)
            else:
                across = math.sqrt(share * height * width * longer)
                down = across / longer
            if across <= width and down <= height:
                left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
                box = (left, top, left + across, top + down)
                return window_of(image, box, self.size), target
        return square(image, self.size, self.fit, 1.0), target


class RandomShift:
    """Move the picture up or down, and left or right; its edge is repeated where nothing was.

    Args:
        most: pixels, from 0 on; each number of pixels is equally likely.

    Raises:
        ValueError: ``most`` is negative.

    Source: He et al., Deep residual learning (CVPR 2016), section 4.2, with zeros at the edge.

    >>> shift = RandomShift(1)
    >>> image = np.arange(3, dtype=np.float32).reshape(1, 1, 3)
    >>> [shift(image, {}, np.random.default_rng(s))[0][0, 0].tolist() for s in (4, 2)]
    [[1.0, 2.0, 2.0], [0.0, 0.0, 1.0]]
    """

    def __init__(self, most: int) -> None:
        if most < 0:
            raise ValueError(f"RandomShift: most={most}; expected a number of pixels from 0 on")
        self.most = most

    def __call__(
        self, image: np.ndarray, target: dict, rng: np.random.Generator | None
    ) -> tuple[np.ndarray, dict]:
        rng = need_rng("RandomShift", rng)
        check_photograph("RandomShift", image)
        down, across = rng.integers(-self.most, self.most + 1, size=2).tolist()
        if not down and not across:
            return image, target
        shifted = np.empty_like(image)
        _move(image, shifted, 1, down)
        return _move(shifted, np.empty_like(image), 2, across), target


def _move(image: np.ndarray, out: np.ndarray, axis: int, pixels: int) -> np.ndarray:
    """``out``, with pixel i of an axis that of i + pixels, and the edge where there is none.

    Slices, for picking pixels by number takes five times as long.
    """
    size = image.shape[axis]
    pixels = max(1 - size, min(pixels, size - 1))  # farther away there is nothing but the edge
    before = (slice(None),) * axis
    first, last = max(0, -pixels), min(size, size - pixels)  # which have a pixel
    out[(*before, slice(first, last))] = image[(*before, slice(first + pixels, last + pixels))]
    out[(*before, slice(0, first))] = image[(*before, slice(0, 1))]
    out[(*before, slice(last, size))] = image[(*before, slice(size - 1, size))]
    return out
