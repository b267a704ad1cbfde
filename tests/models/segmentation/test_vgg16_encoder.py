"""The encoder of DeconvNet: torchvision's names, sizes that round up, switches in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.segmentation.vgg16_encoder import VGG16Encoder
from minicv.nn import BatchNorm2d, Conv2d
from minicv.weights import WeightsError, load_published


def make_encoder(width=1 / 32, seed=0):
    return VGG16Encoder(width, rng=np.random.default_rng(seed))


@pytest.fixture
def free_weights(monkeypatch):
    """Weights of zeros, which cost neither time nor memory."""
    flat = lambda shape, rng, *rest: np.zeros(shape, np.float32)  # noqa: E731
    monkeypatch.setattr("minicv.nn.initializers.uniform", flat)


def test_names_and_shapes_are_those_of_vgg16_bn(free_weights):
    state = {name: array.shape for name, array in make_encoder(1.0).state_dict().items()}
    convolutions = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {f"features.{i}.{part}" for i in convolutions for part in ("weight", "bias")}
    expected |= {f"features.{i + 1}.{part}" for i in convolutions for part in norm}
    assert set(state) == expected
    assert state["features.0.weight"] == (64, 3, 3, 3)
    assert state["features.24.weight"] == (512, 256, 3, 3)
    assert state["features.41.running_var"] == (512,)


def test_published_weights_load_and_those_without_normalisation_are_refused():
    published = {
        **{name: array + 1 for name, array in make_encoder().state_dict().items()},
        "classifier.0.weight": np.zeros((4, 4), np.float32),
    }
    encoder = make_encoder(seed=1)
    load_published(encoder, published, "vgg16_bn")
    for name, array in encoder.state_dict().items():
        np.testing.assert_array_equal(array, published[name], err_msg=name)
    plain = {name: array for name, array in published.items() if ".running" not in name}
    with pytest.raises(WeightsError, match=r"no entry 'features\.1\.running_mean'"):
        load_published(encoder, plain, "vgg16")


@given(st.integers(1, 70), st.integers(1, 70))
def test_five_halvings_round_up(height, width):
    encoder = make_encoder().eval()
    with no_grad():
        x, switches = encoder(Tensor(np.zeros((1, 3, height, width), np.float32)))
    sizes = [(height, width)]
    for _ in range(5):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    assert [places.size for places in switches] == sizes[:-1]
    assert x.shape == (1, 16, *sizes[-1])
    for places, channels, after in zip(switches, (2, 4, 8, 16, 16), sizes[1:], strict=True):
        assert places.indices.shape == (1, channels, *after)


@pytest.mark.parametrize("training", [True, False])
def test_equals_its_layers_one_after_the_other(training):
    rng = np.random.default_rng(0)
    encoder = make_encoder().astype("float64").train(training)
    for layer in encoder.features:
        if isinstance(layer, BatchNorm2d):
            layer.bias.data = rng.normal(size=layer.bias.shape)
            layer.running_mean.data = rng.normal(size=layer.bias.shape)
    image = Tensor(rng.normal(size=(2, 3, 40, 37)))
    fused, _ = encoder(image)
    x = image
    for layer in encoder.features:
        if isinstance(layer, (Conv2d, BatchNorm2d)):
            x = layer(x)
        elif layer.__class__.__name__ == "ReLU":
            x = F.relu(x)
        else:
            x = F.max_pool2d(x, 2, ceil_mode=True)
    np.testing.assert_allclose(fused.data, x.data, rtol=1e-9, atol=1e-9)


def test_levels_are_the_channels_of_configuration_d(free_weights):
    assert make_encoder(1.0).levels == [
        (3, 64, 64),
        (64, 128, 128),
        (128, 256, 256, 256),
        (256, 512, 512, 512),
        (512, 512, 512, 512),
    ]
    assert make_encoder(1e-9).levels[-1] == (1, 1, 1, 1)
