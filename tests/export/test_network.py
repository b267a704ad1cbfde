"""What of a model is exported, under which names, and what the sentences say."""

import dataclasses

import numpy as np
import pytest

from minicv import Tensor
from minicv.export.network import network_of
from minicv.models.backbones import SmallBackbone
from minicv.models.detection import SlidingWindowDetector
from minicv.proposals import SlidingWindow
from minicv.tasks import SYSTEMS, Spec, build

CLASSES = ("cow", "duck")


def model_of(name, backbone=None, **changes):
    system = SYSTEMS[name]
    settings = dataclasses.replace(system.settings[backbone], **changes)
    proposals = "sliding_window" if system.on_proposals else None
    spec = Spec(name, CLASSES, settings, backbone, proposals)
    return build(spec, np.random.default_rng(0))


def outputs(network, height=32, width=40):
    pixels = np.zeros((1, 3, height, width), np.float32)
    return {name: output.shape for name, output in network.run(Tensor(pixels)).items()}


@pytest.mark.parametrize(
    "name", [name for name, s in SYSTEMS.items() if s.task.name == "detection"]
)
def test_detectors_give_their_maps_and_say_what_is_missing(name):
    network = network_of(model_of(name, "small"))
    assert outputs(network)["map_8"] == (1, 128, 4, 5)
    assert "not exported are" in network.after and network.classes == CLASSES


def test_a_detector_that_proposes_gives_the_scores_of_its_anchors():
    network = network_of(model_of("faster_rcnn", "small", min_size=100, max_size=150))
    assert outputs(network) == {
        "map_8": (1, 128, 4, 5),
        "objectness_8": (1, 180),
        "offsets_8": (1, 180, 4),
    }
    assert network.size == (104, 152)  # whole cells


@pytest.mark.parametrize(
    ("name", "changes", "size", "before"),
    [
        (
            "spp_net",
            {"scales": (100, 60), "max_size": 150},
            (104, 152),
            "shorter side of 100 pixels, but the longer at most 150",
        ),
        ("fast_rcnn", {"min_size": 70, "max_size": 90}, (72, 96), "shorter side of 70 pixels"),
        ("rcnn", {"warp_size": 44}, (44, 44), "it is one warped region"),
    ],
)
def test_sizes_of_detectors_on_proposals(name, changes, size, before):
    network = network_of(model_of(name, "small", **changes))
    assert network.size == size and before in network.before


def test_a_sliding_window_gives_the_maps_of_a_warped_window():
    rng = np.random.default_rng(0)
    windows = SlidingWindow(sizes=(16.0,), step=0.5)
    network = network_of(
        SlidingWindowDetector(SmallBackbone(2, rng=rng), CLASSES, windows, rng=rng)
    )
    assert network.size == (32, 32) and "one warped region" in network.before


@pytest.mark.parametrize(("shorter", "longer", "size"), [(60, 200, (60, 100)), (60, 80, (60, 60))])
def test_a_segmenter_has_the_size_that_its_training_noted(shorter, longer, size):
    model = model_of("segnet", min_size=shorter, max_size=longer)
    assert network_of(model).size == size
    assert network_of(model_of("segnet")).size is None


def test_the_image_is_normalised_in_the_network():
    backbone = SmallBackbone(2, rng=np.random.default_rng(0)).eval()
    backbone.mean, backbone.std = (0.1, 0.2, 0.3), (0.5, 1.0, 2.0)
    image = np.random.default_rng(1).random((1, 3, 8, 8), np.float32)
    mean, std = (np.float32(own)[:, None, None] for own in (backbone.mean, backbone.std))
    (expected,) = backbone(Tensor((image - mean) / std))
    found = network_of(backbone).run(Tensor(image))["map_8"]
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-4, atol=1e-6)
