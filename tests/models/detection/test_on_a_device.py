"""The whole of Faster R-CNN on the strict stand-in for CuPy, with the kernels of the host.

The kernels for CUDA are another matter; this is about all that stands between them.
"""

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv.backend import cpu, cuda, to_numpy
from minicv.backend.cpu import KERNELS
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings

IMAGES = [np.random.default_rng(i).random((3, 50, 70), dtype=np.float32) for i in range(2)]
TARGETS = [
    {"boxes": np.array([[4, 4, 30, 40], [8, 20, 60, 45]], np.float32), "labels": np.array([1, 0])},
    {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64)},
]


def on_the_host(kernel):
    """``kernel`` for device arrays: they come to the host, and the result goes back."""

    def down(value):
        return to_numpy(value) if isinstance(value, cupy.ndarray) else value

    def up(value):
        if isinstance(value, tuple):
            return tuple(up(item) for item in value)
        return cupy.asarray(value) if isinstance(value, np.ndarray) else value

    def run(*arguments, **options):
        named = {name: down(value) for name, value in options.items()}
        return up(kernel(*[down(value) for value in arguments], **named))

    return run


@pytest.fixture(autouse=True)
def device(monkeypatch):
    for name in KERNELS:
        monkeypatch.setitem(vars(cuda), name, on_the_host(getattr(cpu, name)))
    monkeypatch.setattr("minicv.nn.module.to_device", lambda array, name: cupy.asarray(array))


def detector():
    rng = np.random.default_rng(0)
    settings = FasterRCNNSettings(
        min_size=64,
        max_size=64,
        anchor_sizes=(12.0, 24.0),
        rpn_channels=8,
        head_units=8,
        post_nms_top_n_train=30,
        post_nms_top_n_test=20,
        rpn_samples=32,
        head_samples=16,
        score_threshold=0.0,
    )
    return FasterRCNN(SmallBackbone(width=4, rng=rng), ("cow", "duck"), settings, rng=rng)


def test_detections_and_stages_come_back_to_the_host():
    host, moved = detector(), detector().to("cuda")
    assert isinstance(moved.rpn.conv.weight.data, cupy.ndarray)
    for image in IMAGES:
        here, there = host.stages(image), moved.stages(image)
        assert len(here["detections"]["boxes"]) > 0
        here |= here.pop("detections")
        there |= there.pop("detections")
        for name, expected in here.items():
            assert not isinstance(there[name], cupy.ndarray), name
            np.testing.assert_allclose(there[name], expected, rtol=1e-3, atol=1e-4, err_msg=name)


def test_losses_and_gradients_are_those_of_the_host():
    host, moved = detector(), detector().to("cuda")
    here, there = host.loss(IMAGES, TARGETS), moved.loss(IMAGES, TARGETS)
    for name, expected in here.items():
        assert isinstance(there[name].data, cupy.ndarray)
        assert there[name].item() == pytest.approx(expected.item(), rel=1e-4)
    sum(here.values(), start=0.0).backward()
    sum(there.values(), start=0.0).backward()
    gradients = dict(moved.named_parameters())
    for name, parameter in host.named_parameters():
        assert isinstance(gradients[name].grad, cupy.ndarray)
        ours, scale = to_numpy(gradients[name].grad), np.abs(parameter.grad).max()
        np.testing.assert_allclose(ours, parameter.grad, rtol=1e-3, atol=1e-4 * scale, err_msg=name)
