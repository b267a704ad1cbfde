"""Joint transforms: one call changes image, boxes, masks, joints and segmentation alike.

A transform is a callable `(image, target, rng) -> (image, target)`. It does not change its
arguments; where nothing changes, its results may share memory with them.
"""

from minicv.data.transforms.affine import RandomAffine, affine
from minicv.data.transforms.color_jitter import ColorJitter
from minicv.data.transforms.compose import Compose, Transform
from minicv.data.transforms.crop import RandomCrop, crop, lay_on_ground
from minicv.data.transforms.flip import RandomHorizontalFlip, hflip
from minicv.data.transforms.joint_names import mirror_permutation
from minicv.data.transforms.resize import Resize, resize
from minicv.data.transforms.scale import RandomScale, RandomScaleCrop

__all__ = [
    "ColorJitter",
    "Compose",
    "RandomAffine",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomScale",
    "RandomScaleCrop",
    "Resize",
    "Transform",
    "affine",
    "crop",
    "hflip",
    "lay_on_ground",
    "mirror_permutation",
    "resize",
]
