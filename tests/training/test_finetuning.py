"""What is frozen does not move and costs no gradients; rates of groups; block after block."""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.data import DataLoader, Farmyard
from minicv.models.backbones import (
    FPN,
    EfficientNetLite0Backbone,
    SmallBackbone,
    build_backbone,
)
from minicv.models.classification import Classifier as ImageClassifier
from minicv.models.classification import ClassifierSettings
from minicv.nn import BatchNorm2d, FrozenBatchNorm2d, Linear, Module
from minicv.optim import SGD, ConstantLR
from minicv.training import (
    GradientStep,
    Recipe,
    UnfreezingStep,
    blocks_of,
    fit,
    freeze,
    learning_groups,
    trained_part,
    with_classes,
)
from minicv.weights import load_checkpoint

DATA = Farmyard(6, size=(48, 48), seed=3)
IMAGES = [np.random.default_rng(5).random((3, 16, 16), dtype=np.float32) for _ in range(4)]
LABELS = [{"label": number % 2} for number in range(4)]


class Classifier(Module):
    """The mean of the small backbone's last map, and a linear layer."""

    def __init__(self, backbone=None, seed=0):
        rng = np.random.default_rng(seed)
        self.backbone = SmallBackbone(4, rng=rng) if backbone is None else backbone
        self.head = Linear(self.backbone.out_channels[0], 2, rng=rng)

    def scores(self, images):
        maps = self.backbone(Tensor(np.stack(images)))
        return self.head(F.mean(maps[0], dim=(2, 3)))

    def loss(self, images, targets, rng=None):
        labels = np.array([target["label"] for target in targets])
        return {"loss": F.softmax_cross_entropy(self.scores(images), labels)}


def learner(model, rate=0.1, momentum=0.9):
    optimizer = SGD(model.parameters(), lr=rate, momentum=momentum)
    return GradientStep(model, optimizer, ConstantLR(rate))


def train(step, steps):
    step.model.train()
    for _ in range(steps):
        step(IMAGES, LABELS, np.random.default_rng(0))


def moved(before, model):
    """The names of what is other than before, without the last word."""
    now = model.state_dict()
    return {name.rpartition(".")[0] for name in now if not np.array_equal(before[name], now[name])}


# Freezing.


def test_a_frozen_backbone_stays_and_the_head_learns():
    model = Classifier()
    freeze(model.backbone)
    before = model.state_dict()
    train(learner(model), 3)
    assert moved(before, model) == {"head"}
    assert all(parameter.grad is None for parameter in model.backbone.parameters())
    maps = model.backbone(Tensor(np.stack(IMAGES)))
    assert not maps[0].requires_grad  # nothing of it is kept for a way backward


def test_without_freezing_weights_and_statistics_move():
    model = Classifier()
    before = model.state_dict()
    train(learner(model), 1)
    assert {"backbone.layers.0", "backbone.layers.1", "head"} <= moved(before, model)
    assert not np.array_equal(
        model.state_dict()["backbone.layers.1.running_mean"],
        before["backbone.layers.1.running_mean"],
    )


@pytest.mark.parametrize("name", ["small", "resnet18", "efficientnet_lite0"])
def test_a_frozen_backbone_gives_in_training_what_it_gives_in_evaluation(name):
    """With statistics and weights that are not those of a new network; and under the same names."""
    rng = np.random.default_rng(0)
    backbone = build_backbone(name, (4, 8), frozen=False, rng=rng)
    for part in backbone.modules():
        if isinstance(part, BatchNorm2d):
            for array in (part.weight, part.bias, part.running_mean, part.running_var):
                array.data[:] = rng.uniform(0.5, 1.5, array.shape)
    before = backbone.state_dict()
    x = Tensor(rng.standard_normal((2, 3, 16, 16)).astype(np.float32))
    expected = [features.data for features in backbone.eval()(x)]
    freeze(backbone).train()
    for features, wanted in zip(backbone(x), expected, strict=True):
        np.testing.assert_allclose(features.data, wanted, rtol=1e-4, atol=1e-5)
    after = backbone.state_dict()
    assert after.keys() == before.keys()
    for key, array in before.items():
        np.testing.assert_array_equal(after[key], array, err_msg=key)
    fresh = build_backbone(name, (4, 8), frozen=False, rng=rng)
    fresh.load_state_dict(after)  # a checkpoint of the one fits the other


def test_a_normalisation_without_scale_and_shift_has_one_and_zero():
    model = Module()
    model.norm = BatchNorm2d(2, affine=False)
    model.norm.running_mean.data[:] = 3
    freeze(model)
    assert isinstance(model.norm, FrozenBatchNorm2d)
    assert (model.norm.weight.data.tolist(), model.norm.bias.data.tolist()) == ([1, 1], [0, 0])
    assert model.norm.running_mean.data.tolist() == [3, 3]


def test_a_normalisation_alone_cannot_be_frozen_in_itself():
    with pytest.raises(ValueError, match="expected what holds the layers"):
        freeze(BatchNorm2d(2))


def test_the_detectors_own_frozen_blocks_stay_frozen():
    backbone = EfficientNetLite0Backbone((8,), rng=np.random.default_rng(0))
    own = [parameter.requires_grad for parameter in backbone.parameters()]
    assert any(own) and not all(own)
    freeze(backbone)
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


def test_of_a_pyramid_the_network_under_it_is_what_was_trained():
    rng = np.random.default_rng(0)
    model = Classifier(FPN(SmallBackbone(4, (8, 16), rng=rng), 8, rng=rng))
    assert trained_part(model) is model.backbone.body
    model = Classifier()
    assert trained_part(model) is model.backbone
    with pytest.raises(ValueError, match="Linear has no backbone that could be fine-tuned"):
        trained_part(model.head)


# Rates.


def test_the_backbone_learns_at_its_own_rate():
    """The first step of SGD is rate · gradient, so a tenth of the rate is a tenth of the step."""

    def first_step(ratio):
        model = Classifier()
        before = model.state_dict()
        optimizer = SGD(learning_groups(model, ratio), lr=0.5)
        train(GradientStep(model, optimizer, ConstantLR(0.2), max_norm=1e9), 1)
        after = model.state_dict()
        return {name: after[name] - before[name] for name, _ in Classifier().named_parameters()}

    alike, slower = first_step(1.0), first_step(0.1)
    for name, step in alike.items():
        assert np.abs(step).max() > 0, name
        factor = 0.1 if name.startswith("backbone") else 1.0
        np.testing.assert_allclose(slower[name], factor * step, rtol=1e-3, atol=1e-6, err_msg=name)


def test_groups_hold_each_learning_parameter_once():
    model = Classifier()
    model.backbone.layers[0].requires_grad_(False)
    rest, own = learning_groups(model, 0.1)
    assert own["lr_ratio"] == 0.1 and "lr_ratio" not in rest
    assert {id(p) for p in rest["params"]} == {id(p) for p in model.head.parameters()}
    learning = {id(p) for p in model.backbone.parameters() if p.requires_grad}
    assert {id(p) for p in own["params"]} == learning and len(own["params"]) == len(learning)
    freeze(model.backbone)
    (rest,) = learning_groups(model, 0.1)  # no empty group
    assert len(rest["params"]) == 2
    assert len(learning_groups(model)) == 2
    with pytest.raises(ValueError, match="Linear has no backbone"):
        learning_groups(model.head, 0.1)


# Recipes.


def test_a_recipe_freezes_and_slows():
    model = Classifier()
    step, _, _ = Recipe(1, 2, 0.1, freeze=True).begin(model, DATA, seed=0)
    (group,) = step.optimizer.param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in model.head.parameters()]
    assert isinstance(model.backbone.layers[1], FrozenBatchNorm2d)
    step, _, _ = Recipe(1, 2, 0.5, backbone_lr_ratio=0.1).begin(Classifier(), DATA, seed=0)
    step.optimizer.set_lr(0.2)
    assert [group["lr"] for group in step.optimizer.param_groups] == pytest.approx([0.2, 0.02])


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ratio_that_is_none(ratio):
    with pytest.raises(ValueError, match=r"backbone_lr_ratio=.*expected a positive number"):
        Recipe(1, 1, 0.1, backbone_lr_ratio=ratio)


# Unfreezing.


def unfreezing(model, every=2):
    freeze(model.backbone)
    return UnfreezingStep(learner(model), blocks_of(model.backbone), every)


def test_blocks_unfreeze_from_the_last_to_the_first():
    step = unfreezing(Classifier())
    convolutions = [f"backbone.layers.{3 * number}" for number in range(5)]
    for number in range(13):
        learning = min(number // 2, 5)
        assert step.learning_blocks == learning
        before = step.model.state_dict()
        train(step, 1)
        assert moved(before, step.model) == {"head", *convolutions[5 - learning :]}, number


def test_blocks_hold_every_parameter_once_and_in_the_order_of_the_network():
    for name in ("small", "alexnet", "resnet18", "efficientnet_lite0"):
        backbone = build_backbone(name, (16,), frozen=False, rng=np.random.default_rng(0))
        blocks = blocks_of(backbone)
        held = [id(parameter) for block in blocks for parameter in block.parameters()]
        assert held == [id(parameter) for parameter in backbone.parameters()], name
        normed = [block for block in blocks if isinstance(block[0], BatchNorm2d)]
        assert not normed, name  # a normalisation belongs to the convolution before it
    whole = EfficientNetLite0Backbone((32,), frozen_batch_norm=False, rng=np.random.default_rng(0))
    assert len(blocks_of(whole)) == 17 == len(blocks_of(freeze(whole)))


def test_an_optimizer_that_lacks_a_block_is_refused():
    model = Classifier()
    optimizer = SGD(model.head.parameters(), lr=0.1)
    step = GradientStep(model, optimizer, ConstantLR(0.1))
    with pytest.raises(ValueError, match=r"not all parameters of block 0; make it of model\.para"):
        UnfreezingStep(step, blocks_of(model.backbone), 1)
    with pytest.raises(ValueError, match="every=0; expected at least one step"):
        unfreezing(model, every=0)


def test_unfreezing_goes_on_after_an_interruption_as_if_there_had_been_none(tmp_path):
    def run(epochs, out, **options):
        step = unfreezing(Classifier(), every=3)
        samples = list(zip(IMAGES, LABELS, strict=True))
        loader = DataLoader(samples, 2, shuffle=True, rng=np.random.default_rng(1))
        rng = np.random.default_rng(2)
        fit(step, loader, epochs=epochs, rng=rng, out=out, progress=False, **options)
        return step

    whole = run(4, tmp_path / "whole")
    run(2, tmp_path / "parts")
    parts = run(4, tmp_path / "parts", resume=True)
    assert whole.learning_blocks == parts.learning_blocks == 2
    assert whole.learning_rate == parts.learning_rate == 0.1
    one, other = (load_checkpoint(tmp_path / name / "last.npz")[0] for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


# Other classes.


@pytest.mark.parametrize("head", ["pooled", "fully_connected"])
def test_all_but_the_last_layer_goes_over_to_other_classes(head):
    rng = np.random.default_rng(0)
    settings = ClassifierSettings(size=16, head=head, pooled_size=2, units=8)
    model = ImageClassifier(SmallBackbone(4, rng=rng), ("cat", "dog"), settings, rng=rng)
    before = model.state_dict()
    other = with_classes(model, ("duck", "goose"), rng=rng)  # as many: no shape tells them apart
    assert other.classes == ("duck", "goose") and other.settings == settings
    after = other.state_dict()
    for name, array in before.items():
        assert np.array_equal(after[name], array) == (name != "fc.weight" and name != "fc.bias")
    train_images = [{"label": 1}] * 4
    step = learner(other)
    step(IMAGES, train_images, rng)
    for name, array in before.items():  # nothing is shared
        np.testing.assert_array_equal(model.state_dict()[name], array, err_msg=name)
