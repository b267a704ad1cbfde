"""AlexNet: published layer names and sizes, both forms, and the backbone's maps."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.backbones import KRIZHEVSKY_2012, KRIZHEVSKY_2014, AlexNet, AlexNetBackbone
from minicv.nn import Conv2d, LocalResponseNorm, Sequential

# As in torchvision.models.alexnet, from its published file.
TORCHVISION_SHAPES = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
    "classifier.1": (4096, 9216),
    "classifier.4": (4096, 4096),
    "classifier.6": (1000, 4096),
}


def test_torchvisions_weights_fit_the_form_of_2014(weights_cost_nothing):
    model = AlexNet(layers=KRIZHEVSKY_2014, rng=np.random.default_rng(0))
    published = {f"{name}.weight": np.ones(s, "f4") for name, s in TORCHVISION_SHAPES.items()}
    published |= {f"{name}.bias": np.ones(s[0], "f4") for name, s in TORCHVISION_SHAPES.items()}
    model.load_state_dict(published)
    assert sum(p.size for p in model.parameters()) == 61_100_840  # as published


def test_the_form_of_2012_has_the_sizes_of_the_paper(weights_cost_nothing):
    model = AlexNet(rng=np.random.default_rng(0)).eval()
    assert sum(p.size for p in model.parameters()) == 60_965_224  # "60 million"
    x = Tensor(np.zeros((1, 3, 224, 224), "f4"))
    sides = []
    with no_grad():
        assert model(x).shape == (1, 1000)
        for layer in model.features:
            x = layer(x)
            if isinstance(layer, Conv2d):
                sides.append(x.shape[1:])
    # Figure 2: 55 x 55 x 96, 27 x 27 x 256, and 13 x 13 three times
    assert sides == [(96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13)]
    assert x.shape == (1, 256, 6, 6)


def test_normalisation_follows_the_first_two_relus_as_in_the_paper():
    """k = 2, n = 5, alpha = 1e-4, beta = 0.75, by the formula of section 3.3."""
    features = AlexNetBackbone(layers=KRIZHEVSKY_2012, rng=np.random.default_rng(0)).features
    places = [i for i, layer in enumerate(features) if isinstance(layer, LocalResponseNorm)]
    assert places == [2, 6]
    a = np.random.default_rng(1).uniform(0, 30, (1, 96, 2, 1))
    expected = np.empty_like(a)
    for i in range(96):
        squares = (a[:, max(0, i - 2) : i + 3] ** 2).sum(axis=1)
        expected[:, i] = a[:, i] / (2 + 1e-4 * squares) ** 0.75
    np.testing.assert_allclose(features[2](Tensor(a)).data, expected, rtol=1e-12)


@pytest.mark.parametrize("layers", [KRIZHEVSKY_2012, KRIZHEVSKY_2014])
def test_both_forms_have_maps_at_all_strides(layers):
    rng = np.random.default_rng(0)
    backbone = AlexNetBackbone((8, 16, 32), classifier_channels=8, layers=layers, rng=rng).eval()
    with no_grad():
        maps = backbone(Tensor(np.ones((2, 3, 17, 65), "f4")))
    assert [y.shape[1] for y in maps] == list(backbone.out_channels)
    assert backbone.out_channels == (layers.channels[1], 256, 8)
    assert [y.shape[2:] for y in maps] == [(3, 9), (2, 5), (1, 3)]
    norms = [layer for layer in backbone.features if isinstance(layer, LocalResponseNorm)]
    assert len(norms) == (2 if layers is KRIZHEVSKY_2012 else 0)


def test_backbone_has_torchvisions_names_and_the_shapes_of_its_convolutions():
    state = AlexNetBackbone(rng=np.random.default_rng(0)).state_dict()
    convolutions = {n for n in TORCHVISION_SHAPES if n.startswith("features")}
    assert {name.rpartition(".")[0] for name in state} == convolutions
    assert all(state[f"{name}.weight"].shape == TORCHVISION_SHAPES[name] for name in convolutions)
    three = AlexNetBackbone((32,), classifier_channels=8, rng=np.random.default_rng(0))
    layers = {name.rpartition(".")[0] for name in three.state_dict()}
    assert layers == convolutions | {"classifier.1", "classifier.4"}


def test_the_maps_are_conv2_and_conv5_behind_their_relus():
    rng = np.random.default_rng(0)
    backbone = AlexNetBackbone((8, 16), rng=rng)
    x = rng.normal(size=(1, 3, 40, 33)).astype("f4")
    y, outputs = Tensor(x), []
    with no_grad():
        for layer in backbone.features:  # one by one
            y = layer(y)
            outputs.append(y.data)
        at8, at16 = backbone(Tensor(x))
    np.testing.assert_allclose(at8.data, outputs[4], rtol=1e-4, atol=1e-6)  # torchvision's numbers
    np.testing.assert_allclose(at16.data, outputs[11], rtol=1e-4, atol=1e-6)
    assert len(outputs) == 12


def test_a_cell_of_fc7_looks_at_six_cells_from_two_before_it():
    rng = np.random.default_rng(0)
    backbone = AlexNetBackbone((32,), classifier_channels=4, rng=rng).eval().astype("float64")
    fc6 = rng.normal(size=(4, 256 * 6 * 6))
    backbone.classifier[1].weight.data = fc6.reshape(4, 256, 6, 6)
    backbone.classifier[4].weight.data = np.eye(4)[:, :, None, None]
    backbone.classifier[4].bias.data = np.zeros(4)
    pool5 = np.maximum(rng.normal(size=(1, 256, 7, 6)), 0)
    backbone.features = Sequential()  # so that the map of stride 32 is made of pool5 itself
    with no_grad():
        at32 = backbone.to_stride(Tensor(pool5), 32).data
    assert at32.shape == (1, 4, 7, 6)
    window = pool5[0, :, 1:7, 0:6].ravel()  # of cell (3, 2): rows 3 - 2 to 3 + 3
    expected = np.maximum(fc6 @ window + backbone.classifier[1].bias.data, 0)
    np.testing.assert_allclose(at32[0, :, 3, 2], expected, rtol=1e-10, atol=1e-12)


def test_max_pooling_that_is_left_out_is_adaptive_pooling_of_the_map():
    rng = np.random.default_rng(0)
    with no_grad():
        x = Tensor(rng.normal(size=(1, 3, 208, 208)).astype("f4"))
        (y,) = AlexNetBackbone(rng=rng)(x)
    assert y.shape[2:] == (13, 13)
    np.testing.assert_array_equal(F.adaptive_max_pool2d(y, 6).data, F.max_pool2d(y, 3, 2).data)
