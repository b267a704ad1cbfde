"""Fine-tuning: what of a trained network stays as it is, what learns slowly, and what is new.

A backbone that has seen a million photographs knows edges, fur and wheels. A task with few pictures
should not make it forget them. From very few pictures to many:

    1. frozen     the backbone stays; the new head learns alone              `freeze`
    2. gradual    the head first, then also the last block, and so on        `UnfreezingStep`
    3. slow       the backbone learns at a fraction of the head's rate       `learning_groups`
    4. whole      all learn at one rate

Of a feature pyramid the backbone is the network under it: the pyramid is as new as a head.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from minicv.autograd import Tensor
from minicv.backend import Array
from minicv.models.backbones import FPN
from minicv.models.classification import Classifier
from minicv.nn import BatchNorm2d, FrozenBatchNorm2d, Module, ModuleList
from minicv.training.divergence import Images, Targets
from minicv.training.step import GradientStep

Frozen = TypeVar("Frozen", bound=Module)
_LAST_LAYER = "fc."
Learning = Iterable[Tensor] | Iterable[dict[str, Any]]  # what an optimizer takes


def trained_part(model: Module) -> Module:
    """What of a model starts from an earlier training: its backbone, without a pyramid on it.

    Raises:
        ValueError: it has no backbone.

    >>> from minicv.models.backbones import FPN, SmallBackbone
    >>> detector, rng = Module(), np.random.default_rng(0)
    >>> detector.backbone = FPN(SmallBackbone(4, rng=rng), rng=rng)
    >>> type(trained_part(detector)).__name__
    'SmallBackbone'
    """
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, Module):
        raise ValueError(f"{type(model).__name__} has no backbone that could be fine-tuned")
    return backbone.body if isinstance(backbone, FPN) else backbone


def with_classes(
    model: Classifier, classes: Sequence[str], *, rng: np.random.Generator
) -> Classifier:
    """A classifier for other classes, with all that ``model`` has learnt but its last layer.

    Args:
        model: is not changed; such as of `minicv.tasks.load`.
        classes: the new K names.
        rng: draws the weights of the new last layer.

    Raises:
        ValueError: fewer than two classes.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.models.classification import ClassifierSettings
    >>> rng, settings = np.random.default_rng(0), ClassifierSettings(32)
    >>> pets = Classifier(SmallBackbone(4, rng=rng), ("cat", "dog"), settings, rng=rng)
    >>> birds = with_classes(pets, ("duck", "goose", "swan"), rng=rng)
    >>> birds.fc.weight.shape, birds.backbone is pets.backbone
    ((3, 16), False)
    """
    other = Classifier(copy.deepcopy(model.backbone), classes, model.settings, rng=rng)
    kept = {n: array for n, array in model.state_dict().items() if not n.startswith(_LAST_LAYER)}
    other.load_state_dict(kept, strict=False)
    return other


def freeze(module: Frozen) -> Frozen:
    """Freeze the weights and the batch statistics of all layers in ``module``; it is changed.

    The weights need no gradients any more, so nothing is walked backward through them. Each
    `BatchNorm2d` becomes a `FrozenBatchNorm2d` with the same numbers under the same names: it
    normalises in training as it does in evaluation, and a checkpoint of one fits the other. So the
    module gives the same features whatever batch an image comes in; dropout alone still draws.

    Freeze before the optimizer is made: scale and shift of a normalisation are no parameters then.

    Raises:
        ValueError: ``module`` is itself a batch normalisation, which cannot be replaced in itself.

    >>> from minicv.models.backbones import SmallBackbone
    >>> backbone = freeze(SmallBackbone(4, rng=np.random.default_rng(0)))
    >>> any(parameter.requires_grad for parameter in backbone.parameters()), backbone.layers[1]
    (False, FrozenBatchNorm2d(4, eps=1e-05))
    """
    if isinstance(module, BatchNorm2d):
        raise ValueError("freeze: expected what holds the layers, not the normalisation itself")
    for part in list(module.modules()):
        for name, child in list(part.named_children()):
            if type(child) is BatchNorm2d:
                setattr(part, name, _frozen(child))
    return module.requires_grad_(False)


def _frozen(norm: BatchNorm2d) -> FrozenBatchNorm2d:
    frozen = FrozenBatchNorm2d(norm.num_features, norm.eps)
    for name, buffer in frozen.named_buffers():
        own = getattr(norm, name)
        if own is not None:  # a normalisation without scale and shift has 1 and 0
            buffer.data = own.data
    return frozen


def learning_groups(model: Module, backbone_lr_ratio: float = 1.0) -> Learning:
    """The parameters that learn, for an optimizer: those of the backbone at ``ratio`` · lr.

    Args:
        model: with frozen parameters or without. Only a ratio other than 1 needs a ``backbone``.
        backbone_lr_ratio: the backbone's learning rate as a multiple of the optimizer's.

    Returns:
        parameters, or two groups of them: first the rest of the model, then its backbone.

    Raises:
        ValueError: the model has no backbone.

    Source: Girshick 2014, section 2.3, fine-tunes at a tenth of the rate of pre-training.

    >>> from minicv.models.backbones import SmallBackbone
    >>> from minicv.optim import SGD
    >>> model, rng = Module(), np.random.default_rng(0)
    >>> model.backbone, model.head = SmallBackbone(4, rng=rng), SmallBackbone(4, rng=rng)
    >>> [g["lr"] for g in SGD(learning_groups(model, 0.1), lr=0.5).param_groups]
    [0.5, 0.05]
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if backbone_lr_ratio == 1:
        return learning
    of_backbone = {id(parameter) for parameter in trained_part(model).parameters()}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learning if id(p) not in of_backbone]},
        {"params": [p for p in learning if id(p) in of_backbone], "lr_ratio": backbone_lr_ratio},
    ]
    return [group for group in groups if group["params"]]


def blocks_of(backbone: Module) -> list[ModuleList]:
    """The blocks of a network, from the pixels on: each is frozen, or learns, as a whole.

    A block is a convolution with its normalisation, or a module of several layers, such as a
    residual block. EfficientNet-Lite0 has 17, ResNet-18 has 9 and the small backbone 5 to stride 8.

    >>> from minicv.models.backbones import ResNet18Backbone
    >>> len(blocks_of(ResNet18Backbone((32,), rng=np.random.default_rng(0))))
    9
    """
    blocks: list[ModuleList] = []
    for child in backbone.children():
        if isinstance(child, ModuleList):  # so is a Sequential
            blocks += blocks_of(child)
        elif isinstance(child, (BatchNorm2d, FrozenBatchNorm2d)) and blocks:
            blocks[-1].append(child)
        elif any(True for _ in child.parameters()):
            blocks.append(ModuleList([child]))
    return blocks


class UnfreezingStep:
    """Gradual unfreezing: a head learns alone, then with the last block, then with the last two ...

    A new head gives gradients at random. If the whole network followed them, it would lose at once
    what it should bring along. So in the first ``every`` steps no block learns, in the next the
    last one does, and so on down to the first; what is in no block always learns. How many learn
    depends on the number of steps alone: a training that resumes goes on as if it had not stopped.

    Args:
        learner: takes the steps. Its optimizer has all parameters, the blocks' too; it passes over
            those that are frozen.
        blocks: from the first to the last; see `blocks_of`.
        every: steps from one block to the next; ``len(loader)`` is an epoch.

    Raises:
        ValueError: ``every`` is less than 1, or the optimizer lacks parameters of a block.

    Source: Howard & Ruder, Universal language model fine-tuning (ULMFiT), ACL 2018, section 3.3.

    >>> from minicv.nn import Linear, Sequential
    >>> from minicv.optim import SGD, ConstantLR
    >>> first, head = (Linear(1, 1, bias=False, rng=np.random.default_rng(0)) for _ in range(2))
    >>> first.weight.data[:], head.weight.data[:] = 1, 1
    >>> model = Sequential(first, head)
    >>> down = GradientStep(model, SGD(model.parameters(), lr=0.5), ConstantLR(0.5),
    ...                     loss=lambda x, y, rng: {"loss": first.weight.sum() + head.weight.sum()})
    >>> step = UnfreezingStep(down, [first], every=2)
    >>> for _ in range(3):
    ...     _ = step([np.ones((1, 1), "float32")], [{}], np.random.default_rng(0))
    >>> head.weight.data.item(), first.weight.data.item()  # three steps, and one
    (-0.5, 0.5)
    """

    def __init__(self, learner: GradientStep, blocks: Sequence[Module], every: int) -> None:
        if every < 1:
            raise ValueError(f"UnfreezingStep: every={every}; expected at least one step")
        held = {id(p) for group in learner.optimizer.param_groups for p in group["params"]}
        for number, block in enumerate(blocks):
            if not held.issuperset(id(parameter) for parameter in block.parameters()):
                raise ValueError(
                    f"UnfreezingStep: the optimizer has not all parameters of block {number}; make "
                    "it of model.parameters(), after freeze and with the frozen ones"
                )
        self.learner = learner
        self.blocks = list(blocks)
        self.every = every
        self._unfreeze()

    @property
    def model(self) -> Module:
        """Of the learner."""
        return self.learner.model

    @property
    def steps(self) -> int:
        """Of the learner."""
        return self.learner.steps

    @property
    def learning_rate(self) -> float:
        """Of the learner's step before."""
        return self.learner.learning_rate

    @property
    def learning_blocks(self) -> int:
        """How many blocks learn in the next step, counted from the last."""
        return min(self.steps // self.every, len(self.blocks))

    def __call__(
        self, images: Images, targets: Targets, rng: np.random.Generator
    ) -> dict[str, float]:
        self._unfreeze()
        return self.learner(images, targets, rng)

    def _unfreeze(self) -> None:
        first = len(self.blocks) - self.learning_blocks
        for number, block in enumerate(self.blocks):
            block.requires_grad_(number >= first)

    def state_dict(self) -> dict[str, Array]:
        """The learner's."""
        return self.learner.state_dict()

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue where `state_dict` was taken; see `GradientStep.load_state_dict`."""
        self.learner.load_state_dict(state)
        self._unfreeze()
