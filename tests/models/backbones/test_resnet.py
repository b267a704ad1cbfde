"""ResNet: torchvision's names and counts, shapes at any size, the shortcut, the frozen backbone."""

import numpy as np
import pytest

from minicv import Tensor, no_grad, reference
from minicv import functional as F
from minicv.models.backbones import (
    DilatedResNet50,
    ResNet18,
    ResNet18Backbone,
    ResNet50,
    ResNet50Backbone,
    resnet,
)


@pytest.fixture(scope="module")
def resnet50():
    return ResNet50(rng=np.random.default_rng(0))


@pytest.mark.parametrize(("height", "width"), [(65, 100), (72, 41)])
def test_every_fourth_cell_of_the_dilated_network_is_a_cell_of_the_other(height, width):
    """Spread kernels fall on what they would have seen on a halved map, also at the borders."""
    rng = np.random.default_rng(3)
    fine = DilatedResNet50(rng=rng).eval()
    coarse = ResNet50Backbone((32,), rng=rng).eval()
    state = fine.state_dict()
    coarse.load_state_dict({name: state[name] for name in coarse.state_dict()})
    x = image(1, 3, height, width)
    with no_grad():
        found = fine(x).data
        (wanted,) = coarse(x)
    assert found.shape == (1, 2048, -(-height // 8), -(-width // 8))
    scale = np.abs(wanted.data).max()
    np.testing.assert_allclose(found[:, :, ::4, ::4], wanted.data, rtol=0, atol=1e-5 * scale)


def image(*shape, seed=0):
    return Tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def parameter_count(model):
    return sum(p.size for p in model.parameters())


def test_parameter_counts_are_the_published_ones(resnet50):
    assert parameter_count(resnet50) == 25_557_032
    assert parameter_count(ResNet18(rng=np.random.default_rng(0))) == 11_689_512


def test_names_and_shapes_are_torchvisions(resnet50):
    state = {name: array.shape for name, array in resnet50.state_dict().items()}
    assert len(state) == 320
    assert {name: state[name] for name in list(state)[:2]} == {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.weight": (64,),
    }
    assert state["layer1.0.conv1.weight"] == (64, 64, 1, 1)
    assert state["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert state["layer1.0.downsample.1.running_var"] == (256,)
    assert "layer1.1.downsample.0.weight" not in state
    assert state["layer3.5.conv2.weight"] == (256, 256, 3, 3)
    assert state["layer4.2.bn3.num_batches_tracked"] == ()
    assert state["fc.weight"] == (1000, 2048)
    basic = ResNet18(num_classes=7, rng=np.random.default_rng(0)).state_dict()
    assert len(basic) == 122
    assert "layer1.0.downsample.0.weight" not in basic
    assert basic["layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert basic["fc.weight"].shape == (7, 512)


def test_the_stride_of_a_bottleneck_is_on_its_3x3(resnet50):
    first = resnet50.layer2[0]
    strides = [c.stride for c in (first.conv1, first.conv2, first.conv3, first.downsample[0])]
    assert strides == [(1, 1), (2, 2), (1, 1), (2, 2)]
    assert resnet50.layer2[1].conv2.stride == resnet50.layer1[0].conv2.stride == (1, 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 47)])
def test_the_classifier_takes_any_size(resnet50, height, width):
    x = image(2, 3, height, width)
    with no_grad():
        assert resnet50.eval()(x).shape == (2, 1000)


@pytest.mark.parametrize(
    ("classifier", "backbone"), [(ResNet18, ResNet18Backbone), (ResNet50, ResNet50Backbone)]
)
def test_the_deepest_map_is_what_the_classifier_looks_at(classifier, backbone):
    """Same weights, normalisation folded into the convolutions: the same but for rounding."""
    rng = np.random.default_rng(1)
    whole, part = classifier(7, rng=rng).eval(), backbone((32,), rng=rng)
    state = whole.state_dict()
    for name, array in state.items():
        if name.endswith("running_mean"):
            state[name] = rng.normal(scale=0.1, size=array.shape).astype(np.float32)
        elif name.endswith("running_var"):
            state[name] = rng.uniform(0.5, 1.5, size=array.shape).astype(np.float32)
    whole.load_state_dict(state)
    part.load_state_dict({name: state[name] for name in part.state_dict()})
    x = image(1, 3, 40, 56)
    with no_grad():
        (at32,) = part(x)
        expected, found = whole(x).data, whole.fc(F.mean(at32, dim=(2, 3))).data
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("block", [resnet._BasicBlock, resnet._Bottleneck])
def test_a_block_that_computes_nothing_passes_its_input_on(block):
    rng = np.random.default_rng(0)
    channels = 8 * block.expansion
    made = block(channels, 8, 1, resnet.FrozenBatchNorm2d, rng)
    last = made.conv2 if block.expansion == 1 else made.conv3
    last.weight.data = np.zeros_like(last.weight.data)
    x = image(1, channels, 5, 6)
    np.testing.assert_array_equal(made(x).data, np.maximum(x.data, 0))


def by_loops(block, x):
    """A block of either kind by the twins, layer after layer as in Figures 2 and 5 of the paper."""

    def conv_bn(x, conv, bn):
        y = reference.conv2d(x, conv.weight.data, None, conv.stride, conv.padding)
        of_channels = (bn.weight.data, bn.bias.data, bn.running_mean.data, bn.running_var.data)
        return reference.frozen_batch_norm(y, *of_channels, bn.eps)

    y = reference.relu(conv_bn(x, block.conv1, block.bn1))
    y = conv_bn(y, block.conv2, block.bn2)
    if block.expansion > 1:
        y = conv_bn(reference.relu(y), block.conv3, block.bn3)
    if block.downsample is not None:
        x = conv_bn(x, *block.downsample)
    return reference.relu(x + y)


@pytest.mark.parametrize("block", [resnet._BasicBlock, resnet._Bottleneck])
@pytest.mark.parametrize("norm", [resnet.BatchNorm2d, resnet.FrozenBatchNorm2d])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_equals_the_loops(block, norm, stride):
    rng = np.random.default_rng(0)
    width = 2
    channels = 3 if stride == 2 else width * block.expansion
    made = block(channels, width, stride, norm, rng).astype("float64").eval()
    for part in made.modules():
        if isinstance(part, norm):
            for holder in (part.weight, part.bias, part.running_mean):
                holder.data = rng.normal(size=holder.shape)
            part.running_var.data = rng.uniform(0.5, 1.5, size=part.running_var.shape)
    assert (made.downsample is None) == (stride == 1)
    x = rng.normal(size=(2, channels, 5, 4))
    expected = by_loops(made, x)
    assert expected.shape == (2, width * block.expansion, -(-5 // stride), -(-4 // stride))
    np.testing.assert_allclose(made(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backbone", [ResNet18Backbone, ResNet50Backbone])
def test_gradients_reach_what_is_not_frozen(backbone):
    made = backbone(rng=np.random.default_rng(0))
    (features,) = made(image(1, 3, 32, 32))
    (features**2).sum().backward()
    for name, parameter in made.named_parameters():
        frozen = name.startswith(("conv1.", "layer1."))
        assert parameter.requires_grad != frozen, name
        assert (parameter.grad is None) == frozen, name
        assert frozen or np.abs(parameter.grad).max() > 0, name
