"""Joint transforms: one call changes image, boxes, masks, keypoints and segmentation alike.

A transform is a callable `(image, target, rng) -> (image, target)` that leaves what it was given
untouched. Its results may share memory with what it was given where nothing changed.
"""

from minicv.data.transforms.color_jitter import ColorJitter
from minicv.data.transforms.compose import Compose, Transform
from minicv.data.transforms.crop import RandomCrop, crop
from minicv.data.transforms.flip import RandomHorizontalFlip, hflip, mirror_permutation
from minicv.data.transforms.ground import lay_on_ground
from minicv.data.transforms.resize import Resize, resize
from minicv.data.transforms.scale import RandomScale
from minicv.data.transforms.scale_crop import RandomScaleCrop

__all__ = [
    "ColorJitter",
    "Compose",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomScale",
    "RandomScaleCrop",
    "Resize",
    "Transform",
    "crop",
    "hflip",
    "lay_on_ground",
    "mirror_permutation",
    "resize",
]
