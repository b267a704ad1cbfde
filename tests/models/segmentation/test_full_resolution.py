"""The full-resolution network: size, receptive field and cost as promised, and it can learn."""

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

from minicv import Tensor, no_grad
from minicv.data import Farmyard
from minicv.models.segmentation import FullResolution, FullResolutionSettings
from minicv.nn import Conv2d


def make_model(width=4, depth=3, classes=CLASSES):
    settings = FullResolutionSettings(width=width, depth=depth)
    return FullResolution(classes, settings, rng=np.random.default_rng(0))


@given(st.integers(1, 40), st.integers(1, 40))
def test_logits_have_the_size_of_the_image(height, width):
    check_size(make_model(), height, width)


def test_loss_reaches_every_parameter_and_void_none():
    check_gradients(make_model())


def test_stages_are_those_of_predict():
    check_stages(make_model(), maps=["feature_map"])


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_pixel_acts_on_its_receptive_field_and_not_beyond(depth):
    model = make_model(depth=depth).astype("float64").eval()
    x = np.random.default_rng(1).normal(size=(1, 3, 15, 15))
    changed = x.copy()
    changed[0, :, 7, 7] += 100.0  # far through every ReLU
    with no_grad():
        moved = (model(Tensor(changed)).data != model(Tensor(x)).data).any(axis=(0, 1))
    rows, columns = moved.any(axis=1).nonzero()[0], moved.any(axis=0).nonzero()[0]
    reach = model.receptive_field // 2
    assert (rows[0], rows[-1]) == (columns[0], columns[-1]) == (7 - reach, 7 + reach)


def test_cost_is_that_of_its_convolutions():
    model = make_model(width=5, depth=4)
    # At stride 1 each weight multiplies once for every pixel.
    weights = sum(m.weight.data.size for m in model.modules() if isinstance(m, Conv2d))
    assert model.multiply_adds_per_pixel == weights


def test_width_and_depth_of_at_least_one():
    for width, depth in ((0, 3), (4, 0)):
        with pytest.raises(
            ValueError, match=f"FullResolutionSettings: width={width}, depth={depth}"
        ):
            make_model(width, depth)


@pytest.mark.slow
def test_overfits_a_farmyard_scene():
    images, targets = farmyard_scenes(1, (40, 40))
    model = make_model(16, 4, Farmyard.segmentation_classes)
    untrained = mean_iou_after_training(model, images, targets, steps=0, lr=0.02)
    trained = mean_iou_after_training(model, images, targets, steps=60, lr=0.02)
    assert untrained < 0.2
    assert trained > 0.85
