"""Losses on images that are not learned from: means over the images, without a trace."""

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes

from minicv.data import Farmyard, Subset
from minicv.models.detection import FasterRCNNSettings
from minicv.training import build_detector, validation_losses

SETTINGS = FasterRCNNSettings(
    min_size=48,
    max_size=48,
    anchor_sizes=(12.0, 24.0),
    rpn_channels=8,
    head_units=8,
    post_nms_top_n_train=20,
    post_nms_top_n_test=10,
    rpn_samples=16,
    head_samples=8,
    score_threshold=0.0,
)
DATA = Farmyard(5, size=(48, 64), seed=4)
NAMES = {
    "val loss_objectness",
    "val loss_rpn_box_reg",
    "val loss_classifier",
    "val loss_box_reg",
}


@pytest.fixture(scope="module")
def model():
    return build_detector("small", DATA.classes, SETTINGS, rng=np.random.default_rng(0))


def test_validation_losses_are_means_over_images(model):
    model.eval()
    for batches in ([[0], [1], [2], [3], [4]], [[0, 1], [2, 3], [4]], [[0, 1, 2], [3, 4]]):
        totals = {}
        for batch in batches:
            samples = [DATA[i] for i in batch]
            losses = model.loss([image for image, _ in samples], [target for _, target in samples])
            for name, loss in losses.items():
                # The loss of a batch counts once for each of its images; the last one is short.
                totals[name] = totals.get(name, 0) + len(batch) * loss.item()
        found = validation_losses(model, DATA, batch_size=len(batches[0]))
        assert set(found) == NAMES
        for name, total in totals.items():
            assert found[f"val {name}"] == pytest.approx(total / 5, rel=1e-6)


def test_validation_is_repeatable_and_leaves_no_trace(model):
    model.train()
    before = model.state_dict()
    first = validation_losses(model, DATA)
    assert validation_losses(model, DATA) == first
    assert all(part.training for part in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_of_a_segmenter():
    model, data = BrightnessSegmenter(("dark", "grey", "light")), Stripes(4, wrong=1)
    expected = [model.loss(*([part] for part in data[i]))["loss_pixels"].item() for i in range(4)]
    losses = validation_losses(model, data, batch_size=1)
    assert losses == {"val loss_pixels": pytest.approx(np.mean(expected))}


def test_no_images(model):
    assert validation_losses(model, Subset(DATA, [])) == {}
