"""Pictures as autoencoders and GANs take them: squares of one size, grey or in colour.

    images (3, H, W) of any size  ->  squares (N, C, S, S), float32 in 0..1

These models describe a whole picture by a few numbers, or draw it from a few. So all pictures have
the same size, and a grey set has one channel: three equal ones would be the same work three times.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minicv.data.transforms.square import square
from minicv.models.model import Model, Target

USUAL_SIZE = 64
USUAL_CHANNELS = 3


@dataclass(frozen=True)
class PictureSettings:
    """The size and the colours of the pictures that a model sees and draws.

    Attributes:
        size: S, the side of the square. None is 64; `minicv train` measures the training pictures.
        channels: C, 1 for grey or 3 for colour. None is 3; `minicv train` looks whether the
            training pictures are grey.

    Raises:
        ValueError: a size below 1, or another number of channels.

    >>> PictureSettings().shape, PictureSettings(28, 1).shape
    ((3, 64, 64), (1, 28, 28))
    """

    size: int | None = None
    channels: int | None = None

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.size is not None and self.size < 1:
            raise ValueError(f"{name}: size={self.size}; expected at least 1 pixel, or None")
        if self.channels not in (None, 1, 3):
            raise ValueError(
                f"{name}: channels={self.channels}; expected 1 for grey, 3 for colour, or None"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, S, S), with the usual numbers where the settings have none."""
        size = USUAL_SIZE if self.size is None else self.size
        return (USUAL_CHANNELS if self.channels is None else self.channels, size, size)


def as_squares(images: Sequence[np.ndarray], size: int, channels: int) -> np.ndarray:
    """Pictures as squares: the whole of each, stretched; grey is the mean of the three colours.

    Args:
        images: each (3, H, W), RGB float in 0..1; sizes may differ. One that has the size already
            is taken as it is.
        size: S.
        channels: C, 1 or 3.

    Returns:
        (N, C, S, S) float32 in 0..1.

    >>> image = np.stack([np.full((2, 4), level) for level in (0.0, 0.25, 0.5)])
    >>> as_squares([image], 1, 1).tolist(), as_squares([image], 1, 3).ravel().tolist()
    ([[[[0.25]]]], [0.0, 0.25, 0.5])
    """
    squares = np.empty((len(images), channels, size, size), np.float32)
    for own, image in zip(squares, images, strict=True):
        if channels == 1:
            image = image.mean(axis=0, keepdims=True)
        own[:] = square(image, size, "stretch")
    return np.clip(squares, 0, 1, out=squares)


def checked_squares(
    model: Model,
    shape: tuple[int, int, int],
    images: Sequence[np.ndarray],
    method: str,
    targets: Sequence[Target] = (),
) -> np.ndarray:
    """The images that a method of a model is given, as squares of its ``shape`` (C, S, S).

    Raises:
        ValueError: there are none, or one is wrong; see `Model.checked`.
    """
    images = model.checked(images, method, targets)
    if not len(images):
        raise ValueError(f"{type(model).__name__}.{method}: no images; expected at least one")
    return as_squares(images, *shape[1::-1])


def as_rgb(picture: np.ndarray) -> np.ndarray:
    """(C, S, S), grey or colour -> (3, S, S), to be drawn.

    >>> as_rgb(np.ones((1, 2, 2))).shape, as_rgb(np.ones((3, 2, 2))).shape
    ((3, 2, 2), (3, 2, 2))
    """
    return np.broadcast_to(picture, (3, *picture.shape[1:]))


def generator_of(picture: np.ndarray) -> np.random.Generator:
    """A generator that the picture's own pixels seed: the same in any batch, and at every call.

    With it a prediction may draw at random and still be reproducible. The pixels count in steps of
    1/255, so that a rounding of the last digits changes nothing.

    Args:
        picture: floats in 0..1, any shape.

    >>> a, b = (generator_of(np.full((1, 2, 2), level)).random() for level in (0.5, 0.5))
    >>> c = generator_of(np.full((1, 2, 2), 0.6)).random()
    >>> a == b, a == c
    (True, False)
    """
    pixels = np.floor(np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.random.default_rng(zlib.crc32(pixels.tobytes()))
