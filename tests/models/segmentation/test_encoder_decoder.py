"""The small encoder-decoder, with each of the four upsamplings."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from segmenter_checks import (
    CLASSES,
    check_gradients,
    check_size,
    check_stages,
    farmyard_scenes,
    logits_of,
    mean_iou_after_training,
)

from minicv.data import Farmyard
from minicv.models.segmentation import EncoderDecoder, EncoderDecoderSettings
from minicv.models.segmentation.upsampling import Upsampling

UPSAMPLINGS = get_args(Upsampling)
every_upsampling = pytest.mark.parametrize("upsampling", UPSAMPLINGS)


def make_model(upsampling="max_unpool", widths=(4, 5, 6), classes=CLASSES):
    settings = EncoderDecoderSettings(upsampling=upsampling, widths=widths)
    return EncoderDecoder(classes, settings, rng=np.random.default_rng(0))


@every_upsampling
@given(height=st.integers(1, 30), width=st.integers(1, 30))
def test_logits_have_the_size_of_the_image(upsampling, height, width):
    check_size(make_model(upsampling), height, width)


@every_upsampling
def test_loss_reaches_every_parameter_and_void_none(upsampling):
    check_gradients(make_model(upsampling))


@every_upsampling
def test_stages_are_those_of_predict(upsampling):
    check_stages(make_model(upsampling), maps=["feature_map"])


def test_the_four_networks_differ_in_their_upsampling_alone():
    states = {name: make_model(name).state_dict() for name in UPSAMPLINGS}
    shapes = {
        name: {key: array.shape for key, array in state.items() if "upsamplings" not in key}
        for name, state in states.items()
    }
    assert all(shapes[name] == shapes["nearest"] for name in UPSAMPLINGS)
    more = {name: len(states[name]) - len(shapes[name]) for name in UPSAMPLINGS}
    assert more == {"nearest": 0, "bed_of_nails": 0, "max_unpool": 0, "transposed": 3 * 2}
    # The three without weights of their own start from the same numbers, and yet disagree.
    for key, array in states["nearest"].items():
        np.testing.assert_array_equal(states["max_unpool"][key], array)
        np.testing.assert_array_equal(states["bed_of_nails"][key], array)
    image = np.random.default_rng(3).random((3, 24, 24), dtype=np.float32)
    logits = [logits_of(make_model(name), image) for name in UPSAMPLINGS]
    for i, one in enumerate(logits):
        for other in logits[:i]:
            assert np.abs(one - other).max() > 1e-3


def test_unknown_upsampling_and_missing_levels_are_refused():
    with pytest.raises(ValueError, match="'bilinear', expected one of nearest, bed_of_nails"):
        make_model("bilinear")
    for widths in ((), (4, 0)):
        with pytest.raises(ValueError, match="EncoderDecoderSettings: widths is"):
            make_model(widths=widths)


@pytest.mark.slow
@every_upsampling
def test_overfits_a_farmyard_scene(upsampling):
    images, targets = farmyard_scenes(1, (48, 48))
    model = make_model(upsampling, (16, 24, 32), Farmyard.segmentation_classes)
    untrained = mean_iou_after_training(model, images, targets, steps=0, lr=0.02)
    trained = mean_iou_after_training(model, images, targets, steps=80, lr=0.02)
    assert untrained < 0.2
    assert trained > 0.8
