"""Photographs as the input of a network: checked, resized, normalised, joined to a batch.

`ImageBatch` also brings boxes from the pixels of an image to those of the batch, and back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minicv.autograd import Tensor
from minicv.models.backbones.backbone import Backbone
from minicv.models.published_input import published_size, resize_unsmoothed
from minicv.vision.boxes import clip_boxes_to_image, scale_boxes

BEYOND = (
    0.01  # by which a number may lie beyond 0..1: the rounding of a resize, or of a colour space
)


def check_image(image: np.ndarray, name: str) -> None:
    """Raise unless this is a photograph as every model takes it: (3, H, W), RGB float in 0..1.

    Args:
        image: what was given.
        name: what the message begins with, such as "make_batch: image 3".

    Raises:
        ValueError: no NumPy array, another shape, no pixels, whole numbers, NaN or infinite ones,
            or numbers beyond 0..1. The message says what to write instead.

    >>> check_image(np.zeros((3, 4, 5), "uint8"), "FCN8s: image 0")
    Traceback (most recent call last):
    ...
    ValueError: FCN8s: image 0 is uint8; expected floats in 0..1, as minicv.data.read_image gives...
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{name} is {_kind_of(image)}")
    if image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape:
        raise ValueError(
            f"{name} has shape {image.shape}; expected (3, height, width), RGB with at least one "
            f"pixel{_right_shape(image.shape)}"
        )
    if image.dtype.kind != "f":
        raise ValueError(
            f"{name} is {image.dtype}; expected floats in 0..1, as minicv.data.read_image gives, "
            f"or {_as_floats(image.dtype)}"
        )
    least, most = float(image.min()), float(image.max())
    if not np.isfinite(least + most):  # also where only one of them is NaN or infinite
        wrong = image.size - int(np.isfinite(image).sum())
        raise ValueError(
            f"{name}: {wrong} of its {image.size} numbers are NaN or infinite; expected RGB in "
            "0..1; np.nan_to_num(image) makes them 0"
        )
    if least < -BEYOND or most > 1 + BEYOND:
        if least >= 0 and most <= 255:
            advice = "an image of 0..255; divide by 255: image / 255"
        elif least >= 0:
            advice = "divide by the number that stands for white"
        elif least >= -1 - BEYOND and most <= 1 + BEYOND:
            advice = "an image of -1..1; write (image + 1) / 2"
        else:
            advice = "a model subtracts its mean by itself: give the image as read_image does"
        raise ValueError(
            f"{name} has numbers from {least:.4g} to {most:.4g}; expected RGB in 0..1 ({advice})"
        )


def checked_images(
    images: Sequence[np.ndarray], name: str, ids: Sequence[object] = ()
) -> list[np.ndarray]:
    """The images one by one, each checked, in float32.

    Args:
        images: a list of (3, H, W), or one array (N, 3, H, W).
        name: what the message begins with, such as "FasterRCNN.predict".
        ids: how the message calls each image; without them by its number.

    Raises:
        ValueError: no list of images, or an image as `check_image` refuses it.

    >>> checked_images(np.zeros((3, 4, 5), "float32"), "FCN8s.predict")
    Traceback (most recent call last):
    ...
    ValueError: FCN8s.predict: got one image, an array of shape (3, 4, 5); expected a list of...
    """
    if isinstance(images, np.ndarray) and images.ndim in (2, 3):
        raise ValueError(
            f"{name}: got one image, an array of shape {images.shape}; expected a list of images: "
            "write [image]"
        )
    if isinstance(images, np.ndarray) and images.ndim != 4:
        raise ValueError(
            f"{name}: got an array of shape {images.shape}; expected a list of images, each "
            "(3, height, width)"
        )
    if not isinstance(images, (list, tuple, np.ndarray)) and (
        not isinstance(images, Sequence) or isinstance(images, (str, bytes))
    ):
        raise ValueError(f"{name}: images is {_kind_of(images)}, and they come in a list: [image]")
    if isinstance(images, np.ndarray) and _is_right(images):  # one look instead of N
        return list(images.astype(np.float32, copy=False))
    for index, image in enumerate(images):
        check_image(image, f"{name}: image {ids[index] if index < len(ids) else index}")
    return [image.astype(np.float32, copy=False) for image in images]


def _is_right(images: np.ndarray) -> bool:
    """Whether `check_image` would let each image of (N, C, H, W) pass."""
    if images.shape[1] != 3 or images.size == 0 or images.dtype.kind != "f":
        return False
    least, most = float(images.min()), float(images.max())
    return least >= -BEYOND and most <= 1 + BEYOND  # False of NaN


def _kind_of(thing: object) -> str:
    """What someone gave instead of an array, and what to write."""
    kind = type(thing).__name__
    if isinstance(thing, Tensor):
        return "a Tensor; expected a NumPy array: write minicv.backend.to_numpy(tensor.data)"
    if isinstance(thing, (str, bytes, os.PathLike)):
        return f"the path {thing!r}; expected the pixels: write minicv.data.read_image(path)"
    if isinstance(thing, Image.Image):
        return (
            "a picture of Pillow; expected a NumPy array: write minicv.data.read_image(path), or "
            "np.asarray(picture.convert('RGB'), 'float32').transpose(2, 0, 1) / 255"
        )
    if hasattr(thing, "__cuda_array_interface__"):
        return f"a {kind} on the GPU; expected a NumPy array: write minicv.backend.to_numpy(image)"
    return f"a {kind}; expected a NumPy array (3, height, width), RGB float in 0..1"


def _right_shape(shape: tuple[int, ...]) -> str:
    """What to write for an image of that shape, as the end of a sentence."""
    if 0 in shape:
        return ""
    if len(shape) == 2:
        return "; of a grey image write np.stack([image] * 3)"
    if len(shape) == 4 and shape[0] == 1:
        return "; write image[0]"
    if len(shape) != 3:
        return ""
    if shape[2] in (3, 4):
        colours = "image" if shape[2] == 3 else "image[..., :3]"
        return f"; where colours come last, write {colours}.transpose(2, 0, 1)"
    if shape[0] == 1:
        return "; of a grey image write np.repeat(image, 3, axis=0)"
    if shape[2] == 1:
        return "; of a grey image write np.stack([image[..., 0]] * 3)"
    if shape[0] == 4:
        return "; to leave the transparency out, write image[:3]"
    return ""


def _as_floats(dtype: np.dtype) -> str:
    """How whole numbers of that kind become 0..1."""
    if dtype.kind == "b":
        return "turn it into floats: image.astype('float32')"
    white = 65535 if dtype == np.uint16 else 255
    return f"divide by {white}: image.astype('float32') / {white}"


def resized_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """The shorter side becomes ``min_size``; less, where the longer would pass ``max_size``.

    >>> resized_size(400, 800, min_size=300, max_size=1000)
    (300, 600)
    >>> resized_size(400, 800, min_size=300, max_size=500)
    (250, 500)
    """
    scale = min(min_size / min(height, width), max_size / max(height, width))
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(C, H, W) to (C, height, width), bilinear; smoothed first when it shrinks.

    >>> resize_image(np.ones((3, 4, 6), dtype="float32"), 2, 3).shape
    (3, 2, 3)
    """
    if image.shape[1:] == (height, width):
        return image
    planes = [
        Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for plane in image
    ]
    return np.stack([np.asarray(plane) for plane in planes])


def normalised_batch(
    images: Sequence[np.ndarray],
    mean: Sequence[float],
    std: Sequence[float],
    multiple_of: int = 1,
) -> np.ndarray:
    """(image - mean) / std, in one array; what lies beyond an image is 0, the mean colour.

    Args:
        images: each (3, H, W); sizes may differ, and smaller ones stand at the top left.
        mean, std: per colour, in the units of the images.
        multiple_of: height and width of the result are multiples of this.

    Returns:
        (N, 3, H, W) float32.

    >>> images = [np.full((3, 2, 5), 0.75, "float32"), np.full((3, 3, 4), 0.5, "float32")]
    >>> batch = normalised_batch(images, mean=[0.5] * 3, std=[0.25] * 3, multiple_of=4)
    >>> batch.shape, batch[0, 0, :3, 4].tolist()
    ((2, 3, 4, 8), [1.0, 1.0, 0.0])
    """
    sizes = zip(*(image.shape[1:] for image in images), strict=True)
    height, width = (-(-max(lengths) // multiple_of) * multiple_of for lengths in sizes)
    offset = np.asarray(mean, np.float32)[:, None, None]
    factor = 1 / np.asarray(std, np.float32)[:, None, None]
    if all(image.shape[1:] == (height, width) for image in images):
        batch = np.stack(images, dtype=np.float32)
        batch -= offset
        batch *= factor
        return batch
    batch = np.zeros((len(images), 3, height, width), np.float32)
    for plane, image in zip(batch, images, strict=True):
        plane[:, : image.shape[1], : image.shape[2]] = (image - offset) * factor
    return batch


def denormalised(pixels: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """pixels * std + mean: what a network sees, as colours in 0..1 again.

    Args:
        pixels: (..., 3, H, W), normalised.
        mean, std: per colour, as of `normalised_batch`.

    >>> denormalised(np.full((3, 1, 2), -1.0, "float32"), [0.5] * 3, [0.25] * 3)[0].tolist()
    [[0.25, 0.25]]
    """
    offset = np.asarray(mean, np.float32)[:, None, None]
    return np.clip(pixels * np.asarray(std, np.float32)[:, None, None] + offset, 0, 1)


@dataclass(frozen=True)
class ImageBatch:
    """Photographs of any size as one array: resized, normalised and padded.

    Attributes:
        images: as they were given, each (3, H, W), RGB float in 0..1.
        pixels: (N, 3, H, W), normalised; what lies beyond an image is 0, its mean colour.
        sizes: height and width of each image within the batch, before padding.
    """

    images: Sequence[np.ndarray]
    pixels: np.ndarray
    sizes: list[tuple[int, int]]

    def boxes_to_batch(self, index: int, boxes: np.ndarray) -> np.ndarray:
        """(R, 4) boxes of image ``index``, from its own pixels to those of the batch."""
        scale_y, scale_x = self.scale(index)
        return scale_boxes(boxes, scale_x, scale_y)

    def boxes_to_image(self, index: int, boxes: np.ndarray) -> np.ndarray:
        """(R, 4) boxes, from the pixels of the batch back to those of image ``index``."""
        scale_y, scale_x = self.scale(index)
        boxes = scale_boxes(boxes, 1 / scale_x, 1 / scale_y)
        height, width = self.images[index].shape[1:]
        return clip_boxes_to_image(boxes, (height, width))

    def input_image(self, index: int, backbone: Backbone) -> np.ndarray:
        """Image ``index`` as ``backbone`` sees it, without padding: (3, h, w), RGB in 0..1."""
        height, width = self.sizes[index]
        return denormalised(self.pixels[index, :, :height, :width], backbone.mean, backbone.std)

    def scale(self, index: int) -> tuple[float, float]:
        """New height over old height of image ``index``, and the same for its width."""
        (height, width), (_, old_height, old_width) = self.sizes[index], self.images[index].shape
        return height / old_height, width / old_width


def batch_for(
    backbone: Backbone,
    images: Sequence[np.ndarray],
    min_size: int,
    max_size: int,
    smoothed: bool = True,
) -> ImageBatch:
    """`make_batch` with the normalisation of ``backbone`` and the greatest stride of regions."""
    return make_batch(
        images,
        min_size=min_size,
        max_size=max_size,
        mean=backbone.mean,
        std=backbone.std,
        multiple_of=backbone.region_strides[-1],
        smoothed=smoothed,
    )


def make_batch(
    images: Sequence[np.ndarray],
    *,
    min_size: int,
    max_size: int,
    mean: Sequence[float],
    std: Sequence[float],
    multiple_of: int,
    smoothed: bool = True,
) -> ImageBatch:
    """Resize each image, subtract the mean, divide by the deviation, pad to a common size.

    Args:
        images: each (3, H, W), RGB float in 0..1; sizes may differ.
        min_size, max_size: see `resized_size`.
        mean, std: per colour, in the units of the images.
        multiple_of: the padded height and width are multiples of this, the backbone's stride.
        smoothed: whether an image is smoothed before it shrinks. Without it, size and pixels are
            those of torchvision's detectors; see `minicv.models.published_input`.

    Raises:
        ValueError: no images, or one that `check_image` refuses.

    >>> image = np.full((3, 20, 30), 0.5, dtype="float32")
    >>> batch = make_batch([image], min_size=10, max_size=99, mean=[0.5] * 3, std=[0.25] * 3,
    ...                    multiple_of=16)
    >>> batch.pixels.shape, batch.sizes
    ((1, 3, 16, 16), [(10, 15)])
    """
    if len(images) == 0:
        raise ValueError("make_batch: expected at least one image but got none")
    images = checked_images(images, "make_batch")
    size_of, resize = (
        (resized_size, resize_image) if smoothed else (published_size, resize_unsmoothed)
    )
    sizes = [
        size_of(height, width, min_size, max_size)
        for _, height, width in (image.shape for image in images)
    ]
    resized = [
        resize(image, height, width) for image, (height, width) in zip(images, sizes, strict=True)
    ]
    return ImageBatch(images, normalised_batch(resized, mean, std, multiple_of), sizes)
