"""Classifier: both heads against their formulas, stages, learning, starting from published ones."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.backbones import SmallBackbone, VGG16Backbone
from minicv.models.backbones.alexnet import KRIZHEVSKY_2014, AlexNetBackbone
from minicv.models.classification import Classifier, ClassifierSettings
from minicv.optim import SGD
from minicv.weights import start_from, write_safetensors

CLASSES = ("cow", "cat", "duck")


def rng():
    return np.random.default_rng(0)


def build(backbone=None, **settings):
    backbone = backbone or SmallBackbone(4, (8,), rng=rng())
    return Classifier(backbone, CLASSES, ClassifierSettings(**{"size": 32, **settings}), rng=rng())


def images(count=2):
    return np.random.default_rng(1).random((count, 3, 32, 32), dtype=np.float32)


def normalised(model, batch):
    return Tensor((batch - model.mean[0]) / model.std[0])


def test_pooled_head_is_a_layer_on_the_mean_of_the_deepest_map():
    model = build(SmallBackbone(4, (8, 16), rng=rng())).eval()
    with no_grad():
        features = model.backbone(normalised(model, images()))[-1].data
    logits = features.mean(axis=(2, 3)) @ model.fc.weight.data.T + model.fc.bias.data
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = [result["scores"] for result in model.predict(images())]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_fully_connected_head_is_the_lectures():
    model = build(head="fully_connected", pooled_size=2, units=6, loss="hinge").eval()
    with no_grad():
        features = model.backbone(normalised(model, images()))[0].data  # (2, 16, 4, 4)
    grid = features.reshape(2, 16, 2, 2, 2, 2).max(axis=(3, 5)).reshape(2, -1)  # C, row, column
    for layer in (model.head.fc6, model.head.fc7):
        grid = np.maximum(grid @ layer.weight.data.T + layer.bias.data, 0)
    expected = grid @ model.fc.weight.data.T + model.fc.bias.data
    found = [result["scores"] for result in model.predict(images())]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert model.head.fc6.weight.shape == (6, 16 * 4)


def test_stages_of_both_heads():
    shapes = {
        "pooled": {"feature_map": (16, 4, 4), "pooled": (16, 1, 1)},
        "fully_connected": {
            "feature_map": (16, 4, 4), "pooled": (16, 2, 2), "units": (6, 1, 1),
        },
    }  # fmt: skip
    for head, expected in shapes.items():
        stages = build(head=head, pooled_size=2, units=6).stages(images()[0])
        assert [s.name for s in stages] == ["input", *expected, "class_scores"]
        for stage in stages[1:-1]:
            assert stage.kind == "features"
            assert stage.arrays["features"].shape == expected[stage.name]
        strides = [float(stage.arrays["stride"]) for stage in stages[1:-1]]
        assert strides == ([8, 32] if head == "pooled" else [8, 16, 32])


def test_dropout_acts_in_training_alone():
    for head in ("pooled", "fully_connected"):
        model = build(head=head, units=64, pooled_size=2, dropout=0.5)
        targets = [{"label": 0}, {"label": 1}]
        values = {model.loss(images(), targets)["loss_classifier"].item() for _ in range(4)}
        assert len(values) == 4
        model.eval()
        values = {model.loss(images(), targets)["loss_classifier"].item() for _ in range(2)}
        assert len(values) == 1


@pytest.mark.parametrize("loss", ["softmax", "hinge"])
@pytest.mark.parametrize("head", ["pooled", "fully_connected"])
def test_few_images_are_learnt_by_heart(loss, head):
    model = build(loss=loss, head=head, units=32, pooled_size=2)
    batch, targets = 0.3 * images(6), [{"label": k % 3} for k in range(6)]
    for k, picture in enumerate(batch):
        picture[k % 3] += 0.5
    optimizer = SGD(model.parameters(), lr=0.02, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        model.loss(batch, targets)["loss_classifier"].backward()
        optimizer.step()
    found = [result["labels"][0] for result in model.predict(batch)]
    assert found == [target["label"] for target in targets]


def test_a_size_below_a_cell_is_refused():
    with pytest.raises(ValueError, match=r"size is 7, smaller than one cell.* 8 pixels wide"):
        build(size=7)
    assert build(size=8).predict([images()[0]])[0]["scores"].shape == (3,)


def test_fc6_and_fc7_come_from_a_published_network(tmp_path):
    """AlexNet with few channels would be no AlexNet; so fc6 has few units, as zeros cost little."""
    published = {
        name: np.broadcast_to(np.float32(number), array.shape)
        for number, (name, array) in enumerate(_alexnet_entries().items(), start=1)
    }
    write_safetensors(tmp_path / "alexnet.safetensors", published)
    backbone = AlexNetBackbone((16,), rng=_Zeros())
    settings = ClassifierSettings(size=208, head="fully_connected", pooled_size=6, units=8)
    model = Classifier(backbone, CLASSES, settings, rng=_Zeros())
    said = start_from(model, "alexnet", tmp_path / "alexnet.safetensors")
    assert said.endswith("entries of the backbone were taken, and fc6 and fc7 of the head")
    for ours, theirs in (("fc6.weight", "classifier.1.weight"), ("fc7.bias", "classifier.4.bias")):
        found = model.head.state_dict()[ours]
        assert (found == published[theirs]).all() and found.shape == published[theirs].shape


class _Zeros(np.random.Generator):
    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def random(self, size=None, dtype=np.float64, out=None):
        return np.zeros(size, dtype)

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return np.zeros(size, dtype)


def _alexnet_entries():
    """Of AlexNet with 8 units for 4096."""
    convolutions = AlexNetBackbone((16,), rng=_Zeros()).state_dict()
    inputs = KRIZHEVSKY_2014.channels[-1] * 36
    layers = {1: (8, inputs), 4: (8, 8), 6: (1000, 8)}
    for number, shape in layers.items():
        convolutions[f"classifier.{number}.weight"] = np.zeros(shape, np.float32)
        convolutions[f"classifier.{number}.bias"] = np.zeros(shape[:1], np.float32)
    return convolutions


def test_vgg16_is_what_was_published():
    """With the backbone's conv5_3, pooled to 7 x 7, the head sees what VGG-16's fc6 saw: pool5."""
    backbone = VGG16Backbone((16,), rng=_Zeros())
    x = Tensor(np.random.default_rng(2).random((1, 512, 14, 14), dtype=np.float32))
    pool5 = F.max_pool2d(x, 2).data
    np.testing.assert_array_equal(F.adaptive_max_pool2d(x, 7).data, pool5)
    assert backbone.out_channels == (512,)
