"""SegNet: the image's size whatever it is, mirrored levels, gradients, and that it can learn."""

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
    mean_iou_after_training,
)

from minicv.data import Farmyard
from minicv.models.segmentation import SegNet, SegNetSettings
from minicv.nn import BatchNorm2d, Conv2d


def make_model(widths=(4, 5, 6), depths=(1, 1, 2), classes=CLASSES, **options):
    settings = SegNetSettings(widths=widths, depths=depths, **options)
    return SegNet(classes, settings, rng=np.random.default_rng(0))


@given(st.integers(1, 40), st.integers(1, 40))
def test_logits_have_the_size_of_the_image(height, width):
    check_size(make_model(), height, width)


def test_loss_reaches_every_parameter_and_void_none():
    check_gradients(make_model())


def test_stages_are_those_of_predict():
    check_stages(make_model(), maps=["feature_map"])


def test_decoder_mirrors_the_encoder():
    model = make_model((4, 5, 6), (2, 1, 3))

    def steps(level):
        convs = [c for c in level.modules() if isinstance(c, Conv2d)]
        return [(conv.in_channels, conv.out_channels) for conv in convs]

    assert [steps(level) for level in model.encoder] == [
        [(3, 4), (4, 4)],
        [(4, 5)],
        [(5, 6), (6, 6), (6, 6)],
    ]
    # The decoder's go the other way; the first level's last convolution is the score.
    assert [steps(level) for level in model.decoder] == [
        [(4, 4)],
        [(5, 4)],
        [(6, 6), (6, 6), (6, 5)],
    ]
    assert steps(model.score) == [(4, len(CLASSES))]
    norms = [m for m in model.modules() if isinstance(m, BatchNorm2d)]
    assert len(norms) == 6 + 5


def test_kernel_size_keeps_the_size_of_the_image():
    model = make_model((4,), (1,), kernel_size=7)
    assert {conv.kernel_size for conv in model.modules() if isinstance(conv, Conv2d)} == {(7, 7)}
    check_size(model, 9, 4)


@pytest.mark.parametrize(
    ("widths", "depths"), [((), ()), ((4, 5), (1,)), ((4, 0), (1, 1)), ((4, 5), (1, 0))]
)
def test_wrong_levels_are_refused(widths, depths):
    with pytest.raises(ValueError, match=r"SegNetSettings: widths=.*, depths=.* for each level"):
        make_model(widths, depths)


def test_an_even_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel_size is 4, expected an odd number"):
        make_model(kernel_size=4)


@pytest.mark.slow
def test_overfits_two_farmyard_scenes():
    images, targets = farmyard_scenes(2, (48, 48))
    model = make_model((16, 24, 32), (1, 1, 2), Farmyard.segmentation_classes)
    untrained = mean_iou_after_training(model, images, targets, steps=0, lr=0.02)
    trained = mean_iou_after_training(model, images, targets, steps=60, lr=0.02)
    assert untrained < 0.2
    assert trained > 0.85
