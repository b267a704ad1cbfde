"""Networks that store float16: what that changes in results, and how much memory it takes."""

import tracemalloc

import cuda_emulator
import cupy_stand_in as cupy
import numpy as np
import pytest
from segmenter_checks import farmyard_scenes, mean_iou_after_training

from minicv import Tensor, nn, no_grad
from minicv.backend import to_numpy, use_storage
from minicv.data import Farmyard
from minicv.models.segmentation import EncoderDecoder, EncoderDecoderSettings


def test_the_labels_of_a_segmenter_that_learnt():
    images, targets = farmyard_scenes(4, (48, 48))
    settings = EncoderDecoderSettings(widths=(8, 16))
    rng = np.random.default_rng(0)
    model = EncoderDecoder(Farmyard.segmentation_classes, settings, rng=rng)
    assert mean_iou_after_training(model, images, targets, steps=30, lr=0.01) > 0.1
    expected = model.predict(images)
    nn.store_weights_in_float16(model)
    with use_storage("float16"):
        found = model.predict(images)
    pairs = zip(found, expected, strict=True)
    equal = np.mean([(a["segmentation"] == b["segmentation"]).mean() for a, b in pairs])
    assert equal > 0.995
    ours, theirs = (np.stack([one["probabilities"] for one in all_]) for all_ in (found, expected))
    assert 1e-6 < np.abs(ours - theirs).mean() < 1e-3


@pytest.mark.skipif(cuda_emulator.compiler() is None, reason="no C++ compiler to run CUDA kernels")
def test_on_a_device_a_network_takes_half_the_memory(monkeypatch):
    """Of arrays, counted at the worst moment; the columns of im2col are kept small."""
    monkeypatch.setattr("minicv.backend.cuda.convolution_im2col.WORKSPACE_BYTES", 1 << 14)
    x = np.random.default_rng(1).normal(size=(1, 3, 48, 80)).astype(np.float32)

    def run(storage):
        rng = np.random.default_rng(0)
        convs = [nn.Conv2d(c, 16, 3, padding=1, rng=rng) for c in (3, 16, 16)]
        network = nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.MaxPool2d(2), convs[2])
        for part in network._holders():
            part.data = cupy.asarray(part.data)
        if storage == "float16":
            nn.store_weights_in_float16(network)
        with use_storage(storage), no_grad():
            network(Tensor(cupy.asarray(x, storage)))  # compiles the kernels
            tracemalloc.start()
            y = network(Tensor(cupy.asarray(x, storage)))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return y.data, peak

    (exact, whole), (rounded, half) = run("float32"), run("float16")
    assert (exact.dtype, rounded.dtype) == (np.float32, np.float16)
    assert half < 0.7 * whole  # what does not shrink: runs of columns, objects of Python
    exact, rounded = to_numpy(exact), to_numpy(rounded)
    assert np.abs(rounded - exact).max() < 3e-3 * np.abs(exact).max()
