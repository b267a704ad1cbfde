"""Models with weights that others publish, by their names: torchvision's, and EfficientNet-Lite0.

>>> sorted(PUBLISHED)[:3]
['alexnet', 'efficientnet_lite0', 'fasterrcnn_resnet50_fpn']

A checkpoint fits only the geometry that it was trained with, so these detectors differ from ours in
seven points, all of them settings:

* an image is resized without smoothing, and its size is rounded down (`published_input`);
* an anchor's centre is the corner of its cell, and its sides are rounded (`CornerAnchorGrid`);
* RoIAlign samples half a cell aside (``aligned=False``);
* smooth L1 turns into a line at 1/9 in the head too, not only in the proposal network;
* a mask is pasted into a box that has been rounded outwards (`paste_masks_expanded`);
* labels are COCO's category numbers, with their gaps (`COCO_NUMBERED`);
* the frozen batch normalisation of the published detectors adds nothing to the variance
  (``eps=0``), because their weights were trained that way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minicv.backend import to_numpy
from minicv.data.category_names import COCO_NUMBERED, VOC_SEGMENTATION
from minicv.data.imagenet_names import IMAGENET_CLASSES
from minicv.models.backbones import (
    FPN,
    KRIZHEVSKY_2014,
    VGG16,
    AlexNet,
    EfficientNetLite0,
    ResNet18,
    ResNet50,
    ResNet50Backbone,
)
from minicv.models.classification import ClassifierSettings, WholeNetwork
from minicv.models.detection.faster_rcnn import FasterRCNN, FasterRCNNSettings
from minicv.models.detection.mask_rcnn import MaskRCNN, MaskRCNNSettings
from minicv.models.model import Model
from minicv.models.segmentation.fcn_resnet50 import FCNResNet50
from minicv.models.undrawn import Undrawn
from minicv.nn import FrozenBatchNorm2d, Module
from minicv.vision.keypoints import COCO_JOINTS
from minicv.weights import WeightsError, efficientnet_lite0_weights, load_published
from minicv.weights.download import fetch
from minicv.weights.published import TABLES, read_weights, table_of

STRIDES = (4, 8, 16, 32)
_GEOMETRY: dict[str, Any] = {
    "min_size": 800,
    "max_size": 1333,
    "smoothed_resize": False,
    "anchor_sizes": (32.0, 64.0, 128.0, 256.0, 512.0),
    "anchors_at_corners": True,
    "rpn_channels": 256,
    "pre_nms_top_n_train": 2000,
    "pre_nms_top_n_test": 1000,
    "post_nms_top_n_train": 2000,
    "post_nms_top_n_test": 1000,
    "min_proposal_size": 1e-3,
    "aligned": False,
    "head_units": 1024,
    "head_samples": 512,
    "head_smooth_l1_beta": 1 / 9,
}
FASTER_RCNN = FasterRCNNSettings(**_GEOMETRY)
MASK_RCNN = MaskRCNNSettings(**_GEOMETRY, expanded_pasting=True)
KEYPOINT_RCNN = MaskRCNNSettings(**_GEOMETRY, masks=False, joint_names=COCO_JOINTS)

Weights = Mapping[str, np.ndarray]
_TORCHVISION_EPS = 1e-5  # that its frozen batch normalisation adds to the variance


@dataclass(frozen=True)
class Published:
    """A model that others publish weights for.

    Attributes:
        build: from the names of the classes and a generator to the model, or to the network of a
            classifier.
        classes: those of the published file.
        scores: the layer whose weight has a row for each class, as the model names it.
        background: whether the first of the rows is the background's.
        eps: what the published file's frozen batch normalisation adds to the variance; None for
            batch normalisation as usual.
        settings: of a classifier, how it sees a photograph.
        weights: gives the published weights; None takes the published file of that name, see
            `minicv.weights.fetch`.
    """

    build: Callable[[Sequence[str], np.random.Generator], Module]
    classes: tuple[str, ...] = ()
    scores: str = ""
    background: bool = False
    eps: float | None = None
    settings: ClassifierSettings | None = None
    weights: Callable[[], Weights] | None = None


def _pyramid(rng: np.random.Generator) -> FPN:
    return FPN(ResNet50Backbone(STRIDES, rng=rng), rng=rng)


def _classifier(kind: Callable[..., Module], scores: str, **more: Any) -> Published:
    def build(classes: Sequence[str], rng: np.random.Generator) -> Module:
        return kind(len(classes), rng=rng)

    return Published(build, IMAGENET_CLASSES, scores, **more)


_DETECTOR_SCORES = "box_predictor.cls_score"
PUBLISHED: dict[str, Published] = {
    "alexnet": _classifier(partial(AlexNet, layers=KRIZHEVSKY_2014), "classifier.6"),
    "vgg16": _classifier(VGG16, "classifier.6"),
    "resnet18": _classifier(ResNet18, "fc"),
    "resnet50": _classifier(ResNet50, "fc"),
    "efficientnet_lite0": _classifier(
        EfficientNetLite0, "_fc",
        settings=ClassifierSettings(resample="bicubic"), weights=efficientnet_lite0_weights,
    ),
    "fcn_resnet50": Published(
        lambda classes, rng: FCNResNet50(classes, rng=rng), VOC_SEGMENTATION, "classifier.4"
    ),
    "fasterrcnn_resnet50_fpn": Published(
        lambda classes, rng: FasterRCNN(_pyramid(rng), classes, FASTER_RCNN, rng=rng),
        COCO_NUMBERED, _DETECTOR_SCORES, background=True, eps=0.0,
    ),
    "maskrcnn_resnet50_fpn": Published(
        lambda classes, rng: MaskRCNN(_pyramid(rng), classes, MASK_RCNN, rng=rng),
        COCO_NUMBERED, _DETECTOR_SCORES, background=True, eps=0.0,
    ),
    "keypointrcnn_resnet50_fpn": Published(
        lambda classes, rng: MaskRCNN(_pyramid(rng), classes, KEYPOINT_RCNN, rng=rng),
        ("person",), _DETECTOR_SCORES, background=True, eps=0.0,
    ),
}  # fmt: skip

# torchvision's name of an entry -> ours: patterns that are replaced one after another. Those with
# ``.0.`` in the middle are its names from version 0.13 on; published files have the older ones.
_OURS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\brpn\.head\.conv\.0\.0\.", "rpn.conv."),
    (r"\brpn\.head\.", "rpn."),
    (r"\broi_heads\.", ""),
    (r"(\bfpn\.(?:inner|layer)_blocks\.\d)\.0\.", r"\1."),
    (r"\bmask_head\.(\d)\.0\.", lambda match: f"mask_head.mask_fcn{int(match[1]) + 1}."),
)
# And back, to the names of the published files, which every version of torchvision reads.
_TORCHVISIONS = (
    (r"^rpn\.", "rpn.head."),
    (r"^(box_head|box_predictor|mask_head|mask_predictor)\.", r"roi_heads.\1."),
    (r"^(keypoint_head|keypoint_predictor)\.", r"roi_heads.\1."),
)


def our_name(name: str) -> str:
    """The name that our model has for an entry of torchvision's.

    >>> our_name("roi_heads.mask_head.0.0.weight"), our_name("rpn.head.cls_logits.bias")
    ('mask_head.mask_fcn1.weight', 'rpn.cls_logits.bias')
    """
    for pattern, replacement in _OURS:
        name = re.sub(pattern, replacement, name)
    return name


def torchvision_name(name: str) -> str:
    """The name that torchvision's published files have for an entry of our detector.

    >>> torchvision_name("box_predictor.cls_score.bias")
    'roi_heads.box_predictor.cls_score.bias'
    """
    for pattern, replacement in _TORCHVISIONS:
        name = re.sub(pattern, replacement, name)
    return name


def load(
    name: str,
    weights: str | Path | Weights | None = None,
    *,
    classes: Sequence[str] | None = None,
    eps: float | None = None,
) -> Module:
    """A model with published weights, in evaluation mode.

    Args:
        name: one of `PUBLISHED`.
        weights: a file, or its arrays by name. None takes the published file: from the cache
            folder, or else from the network, see `minicv.weights.fetch`; of EfficientNet-Lite0 from
            where `minicv.weights.efficientnet_lite0_weights` looks.
        classes: the K names, where the weights are not of the published classes.
        eps: what the frozen batch normalisation of a detector adds to the variance. None takes
            that of the published file, 0; a training of your own with torchvision has 1e-5.

    Returns:
        a detector or a segmenter, with `predict` and `stages`; a classifier is a Module from
        (N, 3, H, W), normalised, to (N, 1000) logits, and `load_model` gives it those methods.

    Raises:
        ValueError: an unknown name, or a number of classes that the weights do not have.
        WeightsError: an unreadable file, or weights of another model.
    """
    if name not in PUBLISHED:
        raise ValueError(f"load: model {name!r}; expected one of {', '.join(PUBLISHED)}")
    published = PUBLISHED[name]
    source = f"weights of {name}"
    if weights is None and published.weights is not None:
        weights = published.weights()
    if not isinstance(weights, Mapping):
        path = fetch(name) if weights is None else Path(weights)
        source, weights = str(path), read_weights(path)
    table = table_of(weights, TABLES)
    if table is not None:
        raise WeightsError(
            f"{source}: weights of {table.title}, whose networks differ from torchvision's in more "
            "than names (input, anchors, strides); minicv.weights.published has its table of names"
        )
    weights = {our_name(entry): array for entry, array in weights.items()}
    names = _names_of(published, weights, classes, source)
    model = published.build(names, Undrawn())
    load_published(model, weights, source)
    wanted = published.eps if eps is None else eps
    if wanted is not None:
        for layer in model.modules():
            if isinstance(layer, FrozenBatchNorm2d):
                layer.eps = wanted
    return model.eval()


def load_model(
    name: str,
    weights: str | Path | Weights | None = None,
    *,
    classes: Sequence[str] | None = None,
) -> Model:
    """`load`, and around a classifier what makes it a model of photographs.

    A photograph's shorter side comes to 256 pixels, and the network sees the 224 in the middle.

    Args:
        name, weights, classes: see `load`.

    Returns:
        a model with `predict` and `stages`; of a classifier ``classes`` are ImageNet's 1,000 names.
    """
    module = load(name, weights, classes=classes)
    if isinstance(module, Model):
        return module
    published = PUBLISHED[name]
    names = _named(published, _count(module, published), classes)
    return WholeNetwork(module, names, published.settings).eval()


def torchvision_state(model: Module) -> dict[str, np.ndarray]:
    """The weights of a model by the names of torchvision's state_dict, on the host.

    A `FasterRCNN` or `MaskRCNN` on a pyramid on ResNet-50 has the layers of torchvision's, a
    backbone or a classifier too. Frozen batch normalisation divides there by sqrt(variance + 1e-5);
    so the variances are moved where ours adds another number.

    The weights alone are no detector: one that was trained here with the geometry of our defaults
    finds in torchvision only about the same boxes; see the head of this file.

    >>> from minicv.nn import Conv2d
    >>> sorted(torchvision_state(Conv2d(1, 1, 1, rng=Undrawn())))
    ['bias', 'weight']
    """
    state = {name: to_numpy(array) for name, array in model.state_dict().items()}
    for name, layer in model.named_modules():
        if isinstance(layer, FrozenBatchNorm2d) and layer.eps != _TORCHVISION_EPS:
            entry = f"{name}.running_var"
            state[entry] = state[entry] + np.float32(layer.eps - _TORCHVISION_EPS)
    detector = isinstance(model, FasterRCNN)
    return {torchvision_name(name) if detector else name: state[name] for name in state}


def _names_of(
    published: Published, weights: Weights, classes: Sequence[str] | None, source: str
) -> tuple[str, ...]:
    """The names of as many classes as the weights have scores for."""
    layer = f"{published.scores}.weight"
    found = [array for name, array in weights.items() if re.search(rf"(^|\.){layer}$", name)]
    if not found or not found[0].ndim:
        return published.classes if classes is None else tuple(classes)
    count = len(found[0]) - published.background
    if classes is not None and count != len(classes):
        raise ValueError(
            f"load: {source} has scores of {count} classes, but classes has {len(classes)} names"
        )
    return _named(published, count, classes)


def _named(
    published: Published, count: int, classes: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Names for so many classes: those given, the published ones, or numbers."""
    names = published.classes if classes is None else tuple(classes)
    return names if count == len(names) else tuple(f"class {k}" for k in range(count))


def _count(network: Module, published: Published) -> int:
    """How many classes a classifier's network has scores for."""
    return len(dict(network.named_parameters())[f"{published.scores}.weight"].data)
