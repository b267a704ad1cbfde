"""A training step of each system in minicv; `benchmarks.torch_networks.training` is the other side.

Both sides give the losses and one gradient: that of the first vector that learns, which everything
between it and the losses has passed through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import dcgan_side, inputs
from minicv import backend
from minicv.models.backbones import (
    ConvNetBackbone,
    EfficientNetLite0Backbone,
    ResNet18Backbone,
    SmallBackbone,
)
from minicv.models.backbones.backbone import Backbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.models.detection import (
    FastRCNN,
    FastRCNNSettings,
    MaskRCNN,
    MaskRCNNSettings,
    SPPNet,
    SPPNetSettings,
)
from minicv.models.generative import ConvAutoencoder, ConvSettings
from minicv.models.model import Model
from minicv.models.pose import DeepPose, DeepPoseSettings
from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    EncoderDecoder,
    FCN8s,
    SegNet,
)
from minicv.nn import Module
from minicv.optim import SGD, Adam, clip_grad_norm

Sizes = tuple[int, int]
Names = Sequence[str]


class Given:
    """A proposer that has been told what to say of each image of a batch."""

    def __init__(self, images: Sequence[np.ndarray], count: int) -> None:
        size = images[0].shape[1:]
        self.boxes = {
            self._key(image): inputs.proposals(i, count, size) for i, image in enumerate(images)
        }

    @staticmethod
    def _key(image: np.ndarray) -> bytes:
        return np.ascontiguousarray(image[0, 0, :8]).tobytes()

    def propose(self, image: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of the image, and scores that leave their order."""
        boxes = self.boxes[self._key(image)]
        return boxes, np.linspace(1, 0, len(boxes), dtype=np.float32)


def _classifier(
    names: Names, rng: np.random.Generator, backbone: str, images: Sequence[np.ndarray]
) -> Model:
    options: dict[str, Any] = {"rng": rng}
    bodies: dict[str, Callable[[], Backbone]] = {
        "conv_net": lambda: ConvNetBackbone(16, (8,), **options),
        "resnet18": lambda: ResNet18Backbone(
            (32,), frozen_batch_norm=False, frozen_groups=0, **options
        ),
        "efficientnet_lite0": lambda: EfficientNetLite0Backbone(
            (32,), frozen_batch_norm=False, frozen_blocks=0, **options
        ),
    }
    settings = ClassifierSettings(size=images[0].shape[1], fit="stretch")
    return Classifier(bodies[backbone](), names, settings, rng=rng)


def _model(
    system: str,
    names: Names,
    settings: dict[str, Any],
    images: Sequence[np.ndarray],
    proposals: int,
) -> Model:
    """The system with weights of its own; settings are those of the case."""
    rng = np.random.default_rng(0)
    small = SmallBackbone(rng=rng)
    if system == "classifier":
        return _classifier(names, rng, **settings, images=images)
    if system == "fcn8s":
        return FCN8s(SmallBackbone(strides=(8, 16, 32), rng=rng), names, rng=rng)
    if system == "segnet":
        return SegNet(names, rng=rng)
    if system == "encoder_decoder":
        return EncoderDecoder(names, rng=rng)
    if system == "deconvnet":
        return DeconvNet(names, DeconvNetSettings(**settings), rng=rng)
    if system == "conv_autoencoder":
        return ConvAutoencoder(names, ConvSettings(**settings), rng=rng)
    if system == "deep_pose":
        pose = DeepPoseSettings(stages=1, size=images[0].shape[1], **settings)
        return DeepPose(SmallBackbone(strides=(16,), rng=rng), ("person",), pose, rng=rng)
    if system == "fast_rcnn":
        given = Given(images, proposals)
        return FastRCNN(small, names, given, FastRCNNSettings(**settings), rng=rng)
    if system == "spp_net":
        given = Given(images, proposals)
        return SPPNet(small, names, given, SPPNetSettings(**settings), rng=rng)
    if system == "mask_rcnn":
        return MaskRCNN(small, names, MaskRCNNSettings(**settings), rng=rng)
    raise ValueError(f"training_step: no system {system!r}")


def training_step(
    dtype: str,
    system: str,
    batch: int,
    size: Sizes,
    classes: int,
    optimizer: str,
    settings: dict[str, Any],
    proposals: int = 0,
) -> Callable[[], list[Any]]:
    """The step that `minicv train` makes: losses, gradients clipped to a norm of 10, optimizer."""
    size = (size[0], size[1])
    images, targets = inputs.lessons(batch, size, classes)
    names = [f"class {k}" for k in range(classes)]
    model = filled(_model(system, names, settings, images, proposals), dtype).train()
    learning = [p for p in model.parameters() if p.requires_grad]
    first = inputs.first_vector(model.named_parameters())
    kinds = {"sgd": lambda: SGD(learning, lr=1e-3, momentum=0.9, weight_decay=1e-4),
             "adam": lambda: Adam(learning, lr=1e-4)}  # fmt: skip
    moving, rng = kinds[optimizer](), np.random.default_rng(0)

    def step() -> list[Any]:
        losses = model.loss(images, targets, rng)
        moving.zero_grad()
        sum(losses.values(), start=0.0).backward()
        clip_grad_norm(learning, 10.0)
        gradient = first.grad.copy()
        moving.step()
        values = [loss.data for loss in losses.values()]
        return [backend.xp_of(*values).stack(values), gradient]

    return step


def dcgan_step(
    dtype: str, batch: int, numbers: dict[str, Any], shapes: dict[str, Sequence[int]]
) -> Callable[[], list[Any]]:
    """A step of both players, as in ``python -m benchmarks gans race``."""
    return adversarial_step(dcgan_side.InMinicv, batch, numbers, shapes)


def adversarial_step(
    trainer: Callable[..., dcgan_side.Trainer],
    batch: int,
    numbers: dict[str, Any],
    shapes: dict[str, Sequence[int]],
) -> Callable[[], list[np.ndarray]]:
    """Either library's step from the weights of these names and shapes."""
    state = {name: inputs.weight(name, tuple(shape)) for name, shape in shapes.items()}
    side = trainer(state, numbers)
    shape = (batch, numbers["channels"], numbers["size"], numbers["size"])
    pictures, rng = np.tanh(inputs.normal("pictures", shape)), np.random.default_rng(0)
    return lambda: [np.array(side.step(pictures, rng))]


def filled(model: Module, dtype: str) -> Module:
    """The model with the weights that every library gives to these names."""
    # One by one, not by load_state_dict: a second copy of all would count as memory used.
    for name, holder in (*model.named_parameters(), *model.named_buffers()):
        kind = dtype if holder.dtype.kind == "f" else holder.dtype
        holder.data = inputs.weight(name, holder.shape).astype(kind, copy=False)
    return model
