"""WholeNetwork: the network's own scores on the photograph as it was published."""

import numpy as np

from minicv import Tensor, no_grad
from minicv.data.transforms.square import square
from minicv.models.backbones import EfficientNetLite0, ResNet18
from minicv.models.classification import ClassifierSettings, WholeNetwork


def test_scores_are_the_networks():
    network = ResNet18(4, rng=np.random.default_rng(0))
    model = WholeNetwork(network, "abcd", ClassifierSettings(size=32)).eval()
    image = np.random.default_rng(1).random((3, 50, 40), dtype=np.float32)
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (network.mean, network.std))
    with no_grad():
        logits = network(Tensor(((square(image, 32) - mean) / std)[None])).data[0]
    (result,) = model.predict([image])
    np.testing.assert_allclose(result["scores"], np.exp(logits) / np.exp(logits).sum(), rtol=1e-4)


def test_the_map_before_the_mean_is_a_stage():
    network = EfficientNetLite0(4, rng=np.random.default_rng(0))
    model = WholeNetwork(network, "abcd", ClassifierSettings(size=40))
    stages = model.stages(np.full((3, 50, 40), 0.5, np.float32))
    assert [stage.name for stage in stages] == ["input", "feature_map", "class_scores"]
    assert stages[1].arrays["features"].shape == (1280, 2, 2)  # ceil(40 / 32)
    assert stages[1].arrays["stride"] == 20


def test_published_networks_see_the_middle_of_256():
    model = WholeNetwork(ResNet18(2, rng=np.random.default_rng(0)), "ab")
    assert (model.settings.size, model.settings.fit) == (224, "crop")
    assert model.settings.crop_fraction == 224 / 256
