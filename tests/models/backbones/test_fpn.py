"""The feature pyramid: against loops over cells, its sizes, its names and its gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicv import Tensor, no_grad
from minicv.models.backbones import FPN, PYRAMIDS, SmallBackbone, build_backbone


def pyramid(strides=(4, 8, 16), channels=6, seed=0):
    rng = np.random.default_rng(seed)
    return FPN(SmallBackbone(4, strides, rng=rng), channels, rng=rng)


def image(*shape, seed=1):
    return Tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def convolved(x, layer):
    """The convolution of one map (C, h, w) by three loops over the output."""
    weight, bias = layer.weight.data.astype(float), layer.bias.data.astype(float)
    out_channels, _, size, _ = weight.shape
    half = size // 2
    padded = np.pad(x, ((0, 0), (half, half), (half, half)))
    result = np.zeros((out_channels, *x.shape[1:]))
    for o in range(out_channels):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                window = padded[:, i : i + size, j : j + size]
                result[o, i, j] = (window * weight[o]).sum() + bias[o]
    return result


def by_loops(backbone, x):
    """Every map of one image, as the paper's figure 3 draws them."""
    maps = [features.data[0].astype(float) for features in backbone.body(x)]
    sums = [convolved(m, layer) for m, layer in zip(maps, backbone.fpn.inner_blocks, strict=True)]
    for level in reversed(range(len(sums) - 1)):
        fine, coarse = sums[level], sums[level + 1]
        for i in range(fine.shape[1]):
            for j in range(fine.shape[2]):
                fine[:, i, j] += coarse[:, i // 2, j // 2]
    levels = [convolved(s, layer) for s, layer in zip(sums, backbone.fpn.layer_blocks, strict=True)]
    return [*levels, levels[-1][:, ::2, ::2]]


@pytest.mark.parametrize("size", [(33, 50), (32, 64), (17, 1), (1, 1)])
def test_against_loops(size):
    backbone = pyramid()
    for layer in (*backbone.fpn.inner_blocks, *backbone.fpn.layer_blocks):
        layer.bias.data = np.random.default_rng(2).normal(size=layer.bias.shape).astype("f4")
    x = image(1, 3, *size)
    with no_grad():
        found = backbone.eval()(x)
        expected = by_loops(backbone, x)
    for own, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(own.data[0], right, rtol=1e-4, atol=1e-5)


@settings(max_examples=12)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_maps_of_any_image_round_up(height, width):
    backbone = pyramid().eval()
    with no_grad():
        maps = backbone(image(2, 3, height, width))
    for features, stride in zip(maps, (4, 8, 16, 32), strict=True):
        assert features.shape == (2, 6, -(-height // stride), -(-width // stride))


def test_regions_are_pooled_from_the_maps_of_the_body():
    backbone = pyramid((8, 16, 32))
    assert backbone.strides == (8, 16, 32, 64)
    assert backbone.region_strides == (8, 16, 32)
    assert backbone.body.region_strides == (8, 16, 32)
    assert backbone.out_channels == (6,) * 4


def test_names_are_those_of_torchvisions_published_files():
    names = build_backbone("resnet50_fpn", (4, 8, 16, 32), frozen=True, rng=LAZY()).state_dict()
    assert names["body.layer4.2.conv3.weight"].shape == (2048, 512, 1, 1)
    shapes = {name: array.shape for name, array in names.items() if name.startswith("fpn.")}
    expected = {}
    for level, channels in enumerate((256, 512, 1024, 2048)):
        expected[f"fpn.inner_blocks.{level}.weight"] = (256, channels, 1, 1)
        expected[f"fpn.inner_blocks.{level}.bias"] = (256,)
        expected[f"fpn.layer_blocks.{level}.weight"] = (256, 256, 3, 3)
        expected[f"fpn.layer_blocks.{level}.bias"] = (256,)
    assert shapes == expected


class LAZY(np.random.Generator):
    """Draws zeros, which costs no time."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def random(self, size=None, dtype=np.float64, out=None):
        return np.zeros(size, dtype)

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return np.zeros(size, dtype)


@pytest.mark.parametrize("name", ["small_fpn", "efficientnet_lite0_fpn", "resnet18_fpn"])
def test_every_level_teaches_the_pyramid_and_the_body(name):
    backbone = build_backbone(name, (8, 16, 32), frozen=False, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    maps = backbone(image(2, 3, 64, 64))
    assert [features.shape[1] for features in maps] == [PYRAMIDS[name]] * 4
    sum((Tensor(rng.normal(size=m.shape).astype("f4")) * m).sum() for m in maps).backward()
    for parameter_name, parameter in backbone.named_parameters():
        assert np.abs(parameter.grad).max() > 0, parameter_name


def test_the_finest_level_alone_teaches_the_coarsest_lateral():
    backbone = pyramid()
    backbone(image(1, 3, 64, 64))[0].sum().backward()
    assert np.abs(backbone.fpn.inner_blocks[2].weight.grad).max() > 0
    assert backbone.fpn.layer_blocks[2].weight.grad is None


def test_weights_are_drawn_as_torchvision_draws_them():
    backbone = pyramid(channels=50)
    weight = backbone.fpn.layer_blocks[0].weight.data  # (50, 50, 3, 3)
    bound = np.sqrt(3 / (50 * 9))
    assert 0.99 * bound < np.abs(weight).max() <= bound
    assert abs(weight.var() / (bound**2 / 3) - 1) < 0.05
    assert (backbone.fpn.layer_blocks[0].bias.data == 0).all()


def test_a_gap_between_the_strides_is_refused():
    rng = np.random.default_rng(0)
    body = SmallBackbone(4, (8, 32), rng=rng)
    with pytest.raises(ValueError, match=r"FPN: the body has maps of the strides \(8, 32\)"):
        FPN(body, 6, rng=rng)


def test_an_unknown_pyramid_is_refused():
    with pytest.raises(ValueError, match=r"'vgg16_fpn': expected one of small, .*resnet50_fpn"):
        build_backbone("vgg16_fpn", (8,), frozen=True, rng=np.random.default_rng(0))
