"""How many kernels a step launches on a GPU, and how often the host waits: small networks of ours
are slow by these numbers, not by their arithmetic.

Counted on CuPy over a fake CUDA, ``make test-cupy``: the numbers are those of a GPU. They depend on
the number of layers and of images, not on sizes.
"""

import fake_cuda
import numpy as np
import pytest
from tiny_detector import SETTINGS

from minicv import Tensor, no_grad
from minicv.backend.device import to_device
from minicv.models.backbones import SmallBackbone
from minicv.models.backbones.resnet import ResNet50
from minicv.models.detection import FasterRCNN
from minicv.optim import SGD, clip_grad_norm

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not fake_cuda.installed(), reason="counted over a fake CUDA alone: make test-cupy"
    ),
]
IMAGES = [np.random.default_rng(i).random((3, 40, 56), dtype=np.float32) for i in range(2)]
TARGETS = [
    {"boxes": np.array([[4, 4, 30, 36], [8, 20, 50, 38]], np.float32), "labels": np.array([1, 0])},
    {"boxes": np.array([[10, 2, 28, 20]], np.float32), "labels": np.array([1])},
]


@pytest.mark.parametrize("max_norm", [1e-3, 1e3], ids=["clipped", "short"])
def test_a_training_step_of_faster_rcnn(max_norm):
    """It was 838 launches and 9 waits when boxes were plain array mathematics, image by image."""
    rng = np.random.default_rng(0)
    model = FasterRCNN(SmallBackbone(4, rng=rng), ("grass", "cow"), SETTINGS, rng=rng).to("cuda")
    optimizer = SGD(model.parameters(), lr=0.001, momentum=0.9)

    def step():
        losses = model.loss(IMAGES, TARGETS, rng)
        optimizer.zero_grad()
        sum(losses.values(), start=0.0).backward()
        clip_grad_norm(model.parameters(), max_norm)
        optimizer.step()

    step()
    with fake_cuda.counted() as counts:
        step()
    assert counts.launches <= 300, counts.places("launch")
    assert counts.waits <= 4, counts.places("wait")


def test_prediction_of_faster_rcnn():
    """It was 364 launches and 16 waits."""
    rng = np.random.default_rng(0)
    model = FasterRCNN(SmallBackbone(4, rng=rng), ("grass", "cow"), SETTINGS, rng=rng).to("cuda")
    model.predict(IMAGES)
    with fake_cuda.counted() as counts:
        model.predict(IMAGES)
    assert counts.launches <= 130, counts.places("launch")
    assert counts.waits <= 9, counts.places("wait")


def test_prediction_of_resnet50():
    """At most two kernels beside each product: it was 493 when a normalisation took seven."""
    network = ResNet50(10, rng=np.random.default_rng(0)).eval().to("cuda")
    pixels = np.random.default_rng(1).random((1, 3, 32, 32), dtype=np.float32)
    x = Tensor(to_device(pixels, "cuda"))
    with no_grad():
        network(x)
        with fake_cuda.counted() as counts:
            network(x)
    assert counts.launches <= 200, counts.places("launch")
    assert counts.waits == 0, counts.places("wait")
