"""The segmenters on a device: the same answers, brought back to the host."""

import dataclasses
from typing import get_args

import cupy_stand_in as cupy
import numpy as np
import pytest
from device_of_the_host import check_losses_and_gradients, check_on_the_host, install_device
from segmenter_checks import CLASSES, arrays_of, random_image, random_labels

from minicv.models.segmentation import (
    DeconvNet,
    DeconvNetSettings,
    EncoderDecoder,
    EncoderDecoderSettings,
    FullResolution,
    FullResolutionSettings,
    SegNet,
    SegNetSettings,
)
from minicv.models.segmentation.upsampling import Upsampling

SIZE = (19, 22)
WEIGHTS = (0.5, 1.0, 2.0)
NETWORKS = {
    "segnet": (SegNet, SegNetSettings(widths=(4, 5, 6), depths=(1, 1, 2))),
    "full resolution": (FullResolution, FullResolutionSettings(width=4, depth=2)),
    "deconvnet": (DeconvNet, DeconvNetSettings(width=1 / 64, proposal_size=193)),
    **{
        name: (EncoderDecoder, EncoderDecoderSettings(upsampling=name, widths=(4, 5)))
        for name in get_args(Upsampling)
    },
}


@pytest.fixture(autouse=True)
def device(monkeypatch):
    install_device(monkeypatch)


def pair(network, **options):
    """The same network twice: on the host, and moved."""
    kind, settings = NETWORKS[network]
    settings = dataclasses.replace(settings, **options)
    models = [kind(CLASSES, settings, rng=np.random.default_rng(0)) for _ in range(2)]
    assert isinstance(next(iter(models[1].to("cuda").parameters())).data, cupy.ndarray)
    return models


@pytest.mark.parametrize("network", NETWORKS)
def test_stages_come_back_to_the_host(network):
    host, moved = pair(network)
    image = random_image(*SIZE)
    check_on_the_host(arrays_of(moved.stages(image)), arrays_of(host.stages(image)))


@pytest.mark.parametrize("network", NETWORKS)
def test_losses_and_gradients_are_those_of_the_host(network, monkeypatch):
    # With kernels that round as the host does. The maps of DeconvNet shrink to one pixel, and a
    # normalisation of two values makes much of little: where weights differ in the seventh digit
    # its loss differs in the third.
    install_device(monkeypatch, emulated=False)
    images = [random_image(*SIZE, seed) for seed in range(2)]
    targets = [random_labels(*SIZE, seed) for seed in range(2)]
    check_losses_and_gradients(*pair(network, class_weights=WEIGHTS), images, targets)


def test_ensemble_of_proposals_comes_back_to_the_host():
    host, moved = pair("deconvnet")
    image, boxes = random_image(*SIZE), np.array([[2.0, 3.0, 15.5, 18.0]])
    arrays = moved.predict_with_proposals(image, cupy.asarray(boxes))
    check_on_the_host(arrays, host.predict_with_proposals(image, boxes))
