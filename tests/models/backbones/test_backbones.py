"""What all backbones have in common: maps, names, gradients, and what is frozen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicv import Tensor, no_grad
from minicv.models.backbones import (
    BACKBONES,
    AlexNetBackbone,
    EfficientNetLite0Backbone,
    SmallBackbone,
    VGG16Backbone,
    build_backbone,
)
from minicv.nn import Dropout

ALL = (4, 8, 16, 32)
NARROW = {
    "small": {"width": 4},
    "conv_net": {"width": 4},
    "alexnet": {"classifier_channels": 8},
    "vgg16": {"classifier_channels": 8},
}
CHANNELS = {
    "small": (8, 16, 32, 32),
    "conv_net": (8, 16, 32, 32),
    "alexnet": (64, 192, 256, 8),
    "vgg16": (128, 256, 512, 8),
    "resnet18": (64, 128, 256, 512),
    "resnet50": (256, 512, 1024, 2048),
    "efficientnet_lite0": (24, 40, 112, 320),
}
BATCH_NORM = ("resnet18", "resnet50", "efficientnet_lite0")
LEARNS = {
    "resnet18": {"frozen_batch_norm": False, "frozen_groups": 0},
    "efficientnet_lite0": {"frozen_batch_norm": False, "frozen_blocks": 0},
}


def build(name, strides=ALL, **options):
    options = {**NARROW.get(name, {}), **options}
    return BACKBONES[name](strides=strides, rng=np.random.default_rng(0), **options)


def image(*shape, seed=1):
    return Tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


@pytest.fixture(scope="module")
def backbones():
    return {name: build(name).eval() for name in BACKBONES}


def shapes(backbone):
    return {name: array.shape for name, array in backbone.state_dict().items()}


@pytest.mark.parametrize("name", BACKBONES)
@settings(max_examples=6)
@given(height=st.integers(1, 50), width=st.integers(1, 50))
def test_maps_of_any_image_round_up(backbones, name, height, width):
    backbone = backbones[name]
    with no_grad():
        maps = backbone(image(2, 3, height, width))
    assert backbone.out_channels == CHANNELS[name]
    for features, channels, s in zip(maps, CHANNELS[name], ALL, strict=True):
        assert features.shape == (2, channels, -(-height // s), -(-width // s))
    assert {features.dtype for features in maps} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", BACKBONES)
def test_one_pixel_has_one_cell_in_every_map(backbones, name):
    with no_grad():
        maps = backbones[name](image(1, 3, 1, 1))
    assert [features.shape[2:] for features in maps] == [(1, 1)] * 4


@pytest.mark.parametrize("name", BACKBONES)
def test_fewer_strides_have_a_part_of_the_layers_under_the_same_names(backbones, name):
    everything = shapes(backbones[name])
    sizes = []
    for strides in ((4,), (8,), (16,), (8, 16), (32,), ALL):
        part = shapes(build(name, strides))
        assert part.items() <= everything.items(), strides
        sizes.append(len(part))
    at4, at8, at16, at8_and_16, at32, all_four = sizes
    assert at4 < at8 < at16 == at8_and_16 < at32 == all_four == len(everything)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_maps_asked_for_are_those_of_all_four(backbones, name):
    x = image(1, 3, 33, 40)
    state = backbones[name].state_dict()
    only32, two, fine = (build(name, strides).eval() for strides in ((32,), (8, 16), (4, 8)))
    for backbone in (only32, two, fine):
        backbone.load_state_dict({key: state[key] for key in backbone.state_dict()})
    with no_grad():
        at4, at8, at16, at32 = backbones[name](x)
        np.testing.assert_array_equal(only32(x)[0].data, at32.data)
        np.testing.assert_array_equal(two(x)[0].data, at8.data)
        np.testing.assert_array_equal(fine(x)[0].data, at4.data)
        if name == "vgg16":  # conv5_3 lies on the way from pool4 to fc7; see test_vgg16.py
            assert two(x)[1].shape == at16.shape
        else:
            np.testing.assert_array_equal(two(x)[1].data, at16.data)


@pytest.mark.parametrize("name", [name for name in BACKBONES if name != "resnet50"])
def test_gradients_of_all_maps_reach_every_parameter(name):
    backbone = build(name, **LEARNS.get(name, {}))
    for layer in backbone.modules():
        if isinstance(layer, Dropout):
            layer.eval()
    rng = np.random.default_rng(1)
    maps = backbone(image(2, 3, 64, 64))
    sum((Tensor(rng.normal(size=m.shape).astype("f4")) * m).sum() for m in maps).backward()
    for parameter_name, parameter in backbone.named_parameters():
        assert parameter.requires_grad, parameter_name
        assert np.abs(parameter.grad).max() > 0, parameter_name


@pytest.mark.parametrize("name", BATCH_NORM)
def test_frozen_and_learning_batch_normalisation_have_the_same_entries(name):
    rng = np.random.default_rng(0)
    frozen = build_backbone(name, (16,), frozen=True, rng=rng)
    learns = build_backbone(name, (16,), frozen=False, rng=rng)
    assert shapes(frozen) == shapes(learns)
    assert all(parameter.requires_grad for parameter in learns.parameters())
    assert not any(key.endswith((".bias", "running_var")) for key, _ in frozen.named_parameters())
    frozen.load_state_dict(learns.state_dict())
    x = image(1, 3, 32, 48)
    with no_grad():
        expected = learns.eval()(x)[0].data
        np.testing.assert_allclose(frozen(x)[0].data, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "kept", "learnt"),
    [
        ("efficientnet_lite0", ("_conv_stem.", "_blocks.0.", "_blocks.2."), "_blocks.3."),
        ("resnet18", ("conv1.", "layer1."), "layer2."),
        ("resnet50", ("conv1.", "layer1."), "layer2."),
    ],
)
def test_as_a_detector_wants_it_the_first_blocks_stay(name, kept, learnt):
    backbone = build_backbone(name, (8,), frozen=True, rng=np.random.default_rng(0))
    trainable = [key for key, p in backbone.named_parameters() if p.requires_grad]
    assert not any(key.startswith(kept) for key in trainable)
    assert any(key.startswith(learnt) for key in trainable)


def test_nothing_is_frozen_where_no_weights_are_known():
    for name in ("small", "alexnet", "vgg16"):
        backbone = build_backbone(name, (8,), frozen=True, rng=np.random.default_rng(0))
        assert all(parameter.requires_grad for parameter in backbone.parameters()), name


@pytest.mark.parametrize("strides", [(), (2,), (16, 8), (8, 8), (8, 64)])
def test_other_strides_are_refused(strides):
    with pytest.raises(
        ValueError, match=r"SmallBackbone: strides is .* expected one or more of 4, 8"
    ):
        SmallBackbone(strides=strides, rng=np.random.default_rng(0))


def test_an_unknown_backbone_is_refused_with_the_names_of_all():
    with pytest.raises(ValueError, match="backbone 'lenet': expected one of small, conv_net, alex"):
        build_backbone("lenet", (8,), frozen=True, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("backbone", "total"),
    [
        (lambda rng: SmallBackbone(rng=rng), 5517.8434374),
        (lambda rng: SmallBackbone(strides=ALL, rng=rng), 29318.350281),
        (lambda rng: EfficientNetLite0Backbone(rng=rng), 39213.595075),
        (lambda rng: VGG16Backbone(ALL, classifier_channels=8, rng=rng), 121066.05242),
        (lambda rng: AlexNetBackbone(rng=rng), 26102.997533),
    ],
)
def test_a_seed_draws_the_weights_that_it_always_drew(backbone, total):
    """Recorded sums of |weight|: another order of the layers would draw others."""
    state = backbone(np.random.default_rng(0)).state_dict()
    found = sum(
        float(np.abs(a, dtype="f8").sum()) for k, a in state.items() if k.endswith("weight")
    )
    assert found == pytest.approx(total, rel=1e-6)
