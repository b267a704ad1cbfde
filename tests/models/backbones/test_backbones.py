"""Backbones: shapes at any size, published layer names, and published accuracy."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicv import Tensor, no_grad
from minicv.models.backbones import (
    VGG16,
    EfficientNetLite0,
    EfficientNetLite0Backbone,
    SmallBackbone,
    VGG16Backbone,
)
from minicv.weights import WeightsError, efficientnet_lite0_weights, load_published


@pytest.fixture(scope="module")
def published():
    try:
        return efficientnet_lite0_weights()
    except WeightsError as error:
        pytest.skip(str(error))


def build(kind):
    return kind(rng=np.random.default_rng(0))


@pytest.mark.parametrize("kind", [SmallBackbone, VGG16Backbone, EfficientNetLite0Backbone])
@pytest.mark.parametrize(("height", "width"), [(32, 48), (64, 32)])
def test_feature_map_has_the_promised_shape(kind, height, width):
    backbone = build(kind)
    x = Tensor(np.random.default_rng(1).normal(size=(2, 3, height, width)).astype("f4"))
    with no_grad():
        y = backbone(x)
    stride = backbone.stride
    assert y.shape == (2, backbone.out_channels, height // stride, width // stride)
    assert y.dtype == np.float32


@pytest.mark.parametrize("kind", [SmallBackbone, EfficientNetLite0Backbone])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 33)])
def test_odd_sizes_round_up(kind, height, width):
    backbone = build(kind).eval()
    with no_grad():
        y = backbone(Tensor(np.zeros((1, 3, height, width), "f4")))
    assert y.shape[2:] == (-(-height // backbone.stride), -(-width // backbone.stride))


def test_vgg16_has_torchvisions_layer_names():
    model = VGG16.__new__(VGG16)  # 138 million random numbers would take a while; names do not
    names = set(build(VGG16Backbone).state_dict())
    convolutions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert names == {f"features.{i}.{part}" for i in convolutions for part in ("weight", "bias")}
    assert model.mean == (0.485, 0.456, 0.406)


def test_vgg16_classifies(monkeypatch):
    """The whole classifier at its real size, with weights that cost nothing to draw."""
    flat = lambda shape, rng, *rest: np.zeros(shape, np.float32)  # noqa: E731
    monkeypatch.setattr("minicv.nn.initializers.uniform", flat)
    model = build(VGG16).eval()
    assert sum(p.size for p in model.parameters()) == 138_357_544  # as published
    with no_grad():
        assert model(Tensor(np.zeros((1, 3, 32, 32), "f4"))).shape == (1, 1000)


def test_frozen_part_of_the_backbone_gets_no_gradient():
    backbone = build(EfficientNetLite0Backbone)
    trainable = {name for name, p in backbone.named_parameters() if p.requires_grad}
    assert "_conv_stem.weight" not in trainable
    assert not any(name.startswith(("_blocks.0.", "_blocks.2.")) for name in trainable)
    assert "_blocks.3._expand_conv.weight" in trainable


def test_published_weights_fit_classifier_and_backbone(published):
    classifier = build(EfficientNetLite0)
    classifier.load_state_dict(published)
    backbone = build(EfficientNetLite0Backbone)
    load_published(backbone, published, "EfficientNet-Lite0")
    np.testing.assert_array_equal(
        backbone.state_dict()["_blocks.10._bn2.running_var"],
        published["_blocks.10._bn2.running_var"],
    )
    # Folding the frozen normalisation into the convolutions changes nothing but rounding.
    x = Tensor(np.random.default_rng(0).normal(size=(1, 3, 64, 64)).astype("f4"))
    with no_grad():
        features = backbone(x).data
        y = x
        classifier.eval()
        classifier._blocks = type(classifier._blocks)(list(classifier._blocks)[:11])
        y = classifier._run_trunk(x).data
    np.testing.assert_allclose(features, y, rtol=1e-3, atol=1e-4)


def test_weights_of_another_model_are_refused(published):
    with pytest.raises(WeightsError, match="weights of another model"):
        load_published(build(SmallBackbone), published, "file.pth")
    wrong = {name: a[:1] if a.ndim else a for name, a in published.items()}
    with pytest.raises(WeightsError, match="has shape"):
        load_published(build(EfficientNetLite0Backbone), wrong, "file.pth")


def centre_crop(path: Path) -> np.ndarray:
    """Shorter side 256, bicubic; the middle 224 x 224; (x - 0.5) / 0.5."""
    image = Image.open(path).convert("RGB")
    scale = 256 / min(image.size)
    width, height = (int(side * scale + 0.5) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 224) // 2, (height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32)
    return ((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)


@pytest.mark.slow
def test_top1_on_photographs(published, real_data):
    folder = real_data("imagenet-samples")
    lines = (folder / "synsets.txt").read_text(encoding="utf-8").splitlines()
    synsets = [line.split()[0] for line in lines]
    model = build(EfficientNetLite0)
    model.load_state_dict(published)
    model.eval()
    paths = sorted(folder.glob("*.jpg"))
    correct = 0
    for start in range(0, len(paths), 10):
        batch = paths[start : start + 10]
        with no_grad():
            logits = model(Tensor(np.stack([centre_crop(path) for path in batch]))).data
        for path, label in zip(batch, logits.argmax(axis=1), strict=True):
            correct += path.name.split("_")[0] == synsets[label]
    assert len(paths) == 100
    assert correct / len(paths) >= 0.85
