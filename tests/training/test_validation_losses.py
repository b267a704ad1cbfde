"""Losses on images that are not learned from: means over the images, without a trace."""

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from tiny_detector import LOSSES, tiny_detector

from minicv.data import Farmyard, Subset
from minicv.training import validation_losses

DATA = Farmyard(5, size=(48, 64), seed=4)
NAMES = {f"val {name}" for name in LOSSES}


@pytest.fixture(scope="module")
def model():
    return tiny_detector(DATA.classes, score_threshold=0.0)


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
