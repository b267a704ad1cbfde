"""The published files of weights that are known by name, and where they are published."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from minicv.weights.errors import WeightsError


class KnownFile(NamedTuple):
    """A published file.

    Attributes:
        network: the network's name, for which `find_known` gives the first file of that network.
        file: its name; eight digits in it are the beginning of its SHA-256.
        contents: what it was trained on.
    """

    network: str
    file: str
    contents: str

    @property
    def url(self) -> str:
        return BASE + self.file


BASE = "https://download.pytorch.org/models/"  # of torchvision
KNOWN_FILES = (
    KnownFile("alexnet", "alexnet-owt-7be5be79.pth", "ImageNet, 1000 classes"),
    KnownFile("vgg16", "vgg16-397923af.pth", "ImageNet, 1000 classes"),
    KnownFile(
        "vgg16_features",
        "vgg16_features-amdegroot-88682ab5.pth",
        "ImageNet, the convolutions of the VGG-16 in Caffe, as SSD starts from them",
    ),
    KnownFile("resnet18", "resnet18-f37072fd.pth", "ImageNet, 1000 classes"),
    KnownFile("resnet50", "resnet50-0676ba61.pth", "ImageNet, 1000 classes"),
    KnownFile("resnet50", "resnet50-11ad3fa6.pth", "ImageNet, 1000 classes, by a longer training"),
    KnownFile(
        "fcn_resnet50", "fcn_resnet50_coco-1167a1af.pth", "COCO, the 20 classes of Pascal VOC"
    ),
    KnownFile(
        "fasterrcnn_resnet50_fpn",
        "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth",
        "COCO, 80 classes: boxes",
    ),
    KnownFile(
        "maskrcnn_resnet50_fpn",
        "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        "COCO, 80 classes: boxes and masks",
    ),
    KnownFile(
        "keypointrcnn_resnet50_fpn",
        "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
        "COCO, persons: boxes and 17 joints",
    ),
)


def find_known(name: str) -> KnownFile:
    """The known file of that name, or the first of the network of that name.

    Args:
        name: such as ``"resnet50-11ad3fa6.pth"``, or ``"resnet50"``.

    Raises:
        WeightsError: there is none; names the nearest, and all.

    >>> find_known("resnet50").url
    'https://download.pytorch.org/models/resnet50-0676ba61.pth'
    >>> find_known("resnet51")
    Traceback (most recent call last):
        ...
    minicv.weights.errors.WeightsError: 'resnet51': no published file is known by this name; did
    you mean 'resnet50'? Known are alexnet, vgg16, ...
    """
    for known in KNOWN_FILES:
        if name in (known.file, known.network):
            return known
    networks = list(dict.fromkeys(known.network for known in KNOWN_FILES))
    others = [known.file for known in KNOWN_FILES if find_known(known.network) != known]
    candidates = [known.file for known in KNOWN_FILES] + networks
    near = difflib.get_close_matches(name.lower(), candidates, n=1)
    meant = f"; did you mean {near[0]!r}? Known" if near else "; known"
    raise WeightsError(
        f"{name!r}: no published file is known by this name{meant} are {', '.join(networks)}, and "
        f"the file {' and '.join(others)}; a URL is taken too"
    )
