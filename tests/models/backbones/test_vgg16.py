"""VGG-16: torchvision's names, the published size, and fully connected layers as convolutions."""

import numpy as np

from minicv import Tensor, no_grad
from minicv.models.backbones import VGG16, VGG16Backbone
from minicv.weights.published import as_convolution

CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def build(strides, **options):
    return VGG16Backbone(strides, classifier_channels=8, rng=np.random.default_rng(0)).eval()


def names(layers, numbers):
    return {f"{layers}.{i}.{part}" for i in numbers for part in ("weight", "bias")}


def test_names_are_torchvisions_but_for_the_last_layer():
    assert set(build((16,)).state_dict()) == names("features", CONVOLUTIONS)
    everything = names("features", CONVOLUTIONS) | names("classifier", (0, 3))
    assert set(build((8, 16, 32)).state_dict()) == everything


def test_the_classifier_has_the_published_size(weights_cost_nothing):
    """At its real size, with weights that cost nothing to draw."""
    model = VGG16(rng=np.random.default_rng(0)).eval()
    assert sum(p.size for p in model.parameters()) == 138_357_544  # as published
    last = model.classifier[6]
    last.bias.data = np.arange(1000, dtype=np.float32)
    with no_grad():
        logits = model(Tensor(np.ones((2, 3, 32, 32), "f4"))).data
    np.testing.assert_array_equal(logits, np.stack([last.bias.data] * 2))


def test_the_map_of_a_stride_is_a_pooling_above_the_deepest_and_else_its_deepest_layer():
    """pool3, pool4 as in FCN-8s; conv4_3 or conv5_3 where the network ends there."""
    three = build((8, 16, 32))
    state = three.state_dict()
    x = image = Tensor(np.random.default_rng(1).normal(size=(1, 3, 64, 32)).astype("f4"))
    outputs = []
    with no_grad():
        for layer in three.features:  # one by one, without any fusion
            x = layer(x)
            outputs.append(x.data)
        pool3, pool4, _ = (features.data for features in three(image))
        np.testing.assert_allclose(pool3, outputs[16], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(pool4, outputs[23], rtol=1e-4, atol=1e-6)
        for stride, last in ((8, 22), (16, 29)):  # conv4_3 and conv5_3 after their ReLU
            detector = build((stride,))
            detector.load_state_dict({name: state[name] for name in detector.state_dict()})
            (features,) = detector(image)
            np.testing.assert_allclose(features.data, outputs[last], rtol=1e-4, atol=1e-6)


def test_fully_connected_layers_are_the_convolutions_at_the_middle():
    """fc6 over a 7x7 map and fc7: the same numbers, whichever way they are laid out."""
    rng = np.random.default_rng(0)
    backbone = build((32,)).astype("float64")
    fc6, fc7 = rng.normal(size=(8, 512 * 7 * 7)), rng.normal(size=(8, 8))
    convolutions = backbone.classifier[0], backbone.classifier[3]
    for convolution, matrix in zip(convolutions, (fc6, fc7), strict=True):
        convolution.weight.data = as_convolution(matrix, convolution.weight.shape)
    pool5 = rng.normal(size=(2, 512, 7, 7))
    with no_grad():
        dense = backbone.classifier(Tensor(pool5)).data
    hidden = np.maximum(pool5.reshape(2, -1) @ fc6.T + convolutions[0].bias.data, 0)
    expected = np.maximum(hidden @ fc7.T + convolutions[1].bias.data, 0)
    np.testing.assert_allclose(dense[:, :, 3, 3], expected, rtol=1e-10)
