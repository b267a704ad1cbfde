"""AlexNet: published layer names and sizes, both forms, and the backbone's map."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.backbones import KRIZHEVSKY_2012, KRIZHEVSKY_2014, AlexNet, AlexNetBackbone
from minicv.nn import Conv2d, LocalResponseNorm

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


@pytest.fixture
def weights_cost_nothing(monkeypatch):
    flat = lambda shape, rng, *rest: np.zeros(shape, np.float32)  # noqa: E731
    monkeypatch.setattr("minicv.nn.initializers.uniform", flat)


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
    features = AlexNetBackbone(rng=np.random.default_rng(0)).features
    places = [i for i, layer in enumerate(features) if isinstance(layer, LocalResponseNorm)]
    assert places == [2, 6]
    a = np.random.default_rng(1).uniform(0, 30, (1, 96, 2, 1))
    expected = np.empty_like(a)
    for i in range(96):
        squares = (a[:, max(0, i - 2) : i + 3] ** 2).sum(axis=1)
        expected[:, i] = a[:, i] / (2 + 1e-4 * squares) ** 0.75
    np.testing.assert_allclose(features[2](Tensor(a)).data, expected, rtol=1e-12)


@pytest.mark.parametrize("layers", [KRIZHEVSKY_2012, KRIZHEVSKY_2014])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 33), (64, 32)])
def test_the_map_covers_images_of_any_size(layers, height, width):
    backbone = AlexNetBackbone(layers, rng=np.random.default_rng(0))
    with no_grad():
        y = backbone(Tensor(np.ones((2, 3, height, width), "f4")))
    assert y.shape == (2, 256, -(-height // 16), -(-width // 16))


def test_backbone_takes_the_classifiers_weights():
    backbone = AlexNetBackbone(KRIZHEVSKY_2014, rng=np.random.default_rng(0))
    convolutions = {n for n in TORCHVISION_SHAPES if n.startswith("features")}
    shapes = {name: array.shape for name, array in backbone.state_dict().items()}
    assert {name.rpartition(".")[0] for name in shapes} == convolutions
    assert all(shapes[f"{name}.weight"] == TORCHVISION_SHAPES[name] for name in convolutions)


def test_max_pooling_that_is_left_out_is_adaptive_pooling_of_the_map():
    rng = np.random.default_rng(0)
    with no_grad():
        x = Tensor(rng.normal(size=(1, 3, 208, 208)).astype("f4"))
        y = AlexNetBackbone(rng=rng)(x)
    assert y.shape[2:] == (13, 13)
    np.testing.assert_array_equal(F.adaptive_max_pool2d(y, 6).data, F.max_pool2d(y, 3, 2).data)
