"""Feature hierarchies: three maps at strides 8, 16, 32, aligned, from the backbones' layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.backbones import (
    VGG16,
    EfficientNetLite0,
    EfficientNetLite0Backbone,
    EfficientNetLite0Hierarchy,
    SmallHierarchy,
    VGG16Backbone,
    VGG16Hierarchy,
    convolutional_weights,
)
from minicv.weights import WeightsError, efficientnet_lite0_weights, load_published


def image(*shape, seed=0):
    return Tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


TRUNKS = {
    "small": SmallHierarchy(width=4, rng=np.random.default_rng(0)).eval(),
    "vgg16": VGG16Hierarchy(classifier_channels=8, rng=np.random.default_rng(0)).eval(),
    "efficientnet_lite0": EfficientNetLite0Hierarchy(rng=np.random.default_rng(0)).eval(),
}


@pytest.mark.parametrize("name", TRUNKS)
@settings(max_examples=8)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_maps_of_any_image_round_up(name, height, width):
    trunk = TRUNKS[name]
    with no_grad():
        maps = trunk(image(2, 3, height, width))
    for features, channels, stride in zip(maps, trunk.out_channels, trunk.strides, strict=True):
        assert features.shape == (2, channels, -(-height // stride), -(-width // stride))
        assert features.dtype == np.float32


@pytest.mark.parametrize("name", TRUNKS)
def test_gradients_of_all_three_maps_reach_every_parameter(name):
    trunk = TRUNKS[name]
    trunk.zero_grad()
    rng = np.random.default_rng(1)
    maps = trunk(image(1, 3, 64, 64))
    sum((Tensor(rng.normal(size=m.shape).astype("f4")) * m).sum() for m in maps).backward()
    for parameter_name, parameter in trunk.named_parameters():
        assert np.abs(parameter.grad).max() > 0, parameter_name


def test_vgg16_maps_are_those_of_the_backbone():
    """pool3 and pool4 lie on the way to the backbone's only map, conv5_3 before pool5."""
    trunk, backbone = TRUNKS["vgg16"], VGG16Backbone(rng=np.random.default_rng(5))
    state = trunk.state_dict()
    backbone.load_state_dict({name: state[name] for name in backbone.state_dict()})
    x = image(1, 3, 64, 32)
    with no_grad():
        pool3, pool4, _ = trunk(x)
        for layer in backbone.features[:17]:
            x = layer(x)
        np.testing.assert_allclose(pool3.data, x.data, rtol=1e-4, atol=1e-6)
        for layer in backbone.features[17:24]:
            x = layer(x)
        np.testing.assert_allclose(pool4.data, x.data, rtol=1e-4, atol=1e-6)


def test_vgg16_state_is_torchvisions_but_for_the_last_layer():
    names = set(TRUNKS["vgg16"].state_dict())
    convolutions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    expected = {f"features.{i}.{part}" for i in convolutions for part in ("weight", "bias")}
    assert names == expected | {f"classifier.{i}.{p}" for i in (0, 3) for p in ("weight", "bias")}
    assert TRUNKS["vgg16"].mean == VGG16.mean


def test_fully_connected_layers_are_the_convolutions_at_the_middle():
    """fc6 over a 7x7 map and fc7: the same numbers, whichever way they are laid out."""
    rng = np.random.default_rng(0)
    trunk = VGG16Hierarchy(classifier_channels=16, rng=rng).eval().astype("float64")
    fc6, fc7 = rng.normal(size=(16, 512 * 7 * 7)), rng.normal(size=(16, 4096))
    weights = convolutional_weights({"classifier.0.weight": fc6, "classifier.3.weight": fc7})
    trunk.classifier[0].weight.data = weights["classifier.0.weight"]
    trunk.classifier[3].weight.data = weights["classifier.3.weight"][:, :16]
    pool5 = rng.normal(size=(2, 512, 7, 7))
    with no_grad():
        dense = trunk.classifier(Tensor(pool5)).data
    hidden = np.maximum(pool5.reshape(2, -1) @ fc6.T + trunk.classifier[0].bias.data, 0)
    expected = np.maximum(hidden @ fc7[:, :16].T + trunk.classifier[3].bias.data, 0)
    np.testing.assert_allclose(dense[:, :, 3, 3], expected, rtol=1e-10)


def test_convolutional_weights_pass_other_entries_and_refuse_other_sizes():
    bias = np.zeros(4096, np.float32)
    assert convolutional_weights({"classifier.0.bias": bias})["classifier.0.bias"] is bias
    last = convolutional_weights({"classifier.6.weight": np.zeros((1000, 4096))})
    assert last["classifier.6.weight"].shape == (1000, 4096, 1, 1)
    with pytest.raises(ValueError, match=r"classifier.3.weight has shape \(10, 100\).*4096"):
        convolutional_weights({"classifier.3.weight": np.zeros((10, 100))})


def test_efficientnet_maps_are_those_of_backbone_and_classifier():
    trunk = TRUNKS["efficientnet_lite0"]
    state = trunk.state_dict()
    backbone = EfficientNetLite0Backbone(rng=np.random.default_rng(5))
    backbone.load_state_dict({name: state[name] for name in backbone.state_dict()})
    classifier = EfficientNetLite0(rng=np.random.default_rng(5)).eval()
    classifier.load_state_dict({**classifier.state_dict(), **state})
    x = image(1, 3, 40, 56)
    with no_grad():
        _, at16, at32 = trunk(x)
        expected16, expected32 = backbone(x).data, classifier._run_trunk(x).data
        logits = classifier(x).data
        widened = F.relu6(classifier._bn1(classifier._conv_head(at32)))
        from_map = classifier._fc(F.mean(widened, dim=(2, 3))).data
    np.testing.assert_allclose(at16.data, expected16, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(at32.data, expected32, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(from_map, logits, rtol=1e-3, atol=1e-5)


def test_published_weights_fit_the_hierarchy():
    try:
        published = efficientnet_lite0_weights()
    except WeightsError as error:
        pytest.skip(str(error))
    trunk = EfficientNetLite0Hierarchy(rng=np.random.default_rng(0))
    load_published(trunk, published, "EfficientNet-Lite0")
    np.testing.assert_array_equal(
        trunk.state_dict()["_blocks.15._bn2.running_var"], published["_blocks.15._bn2.running_var"]
    )
