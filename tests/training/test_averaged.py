"""Averaged weights: the average itself, what stays out of it, and exact resuming."""

import numpy as np
import pytest
from tiny_detector import tiny_detector

from minicv import Tensor
from minicv.data import DataLoader, Farmyard
from minicv.nn import BatchNorm2d, Dropout, Linear, Module
from minicv.optim import SGD, ConstantLR
from minicv.training import AveragingStep, GradientStep, fit
from minicv.weights import load_checkpoint

ONES = [np.ones((1, 2, 2), np.float32)]
DATA = Farmyard(6, size=(48, 48), seed=3)


class Downhill(Module):
    """One weight learns by a gradient of 1, another one is frozen; statistics and dropout."""

    def __init__(self):
        self.weight = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
        self.frozen = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
        self.norm = BatchNorm2d(1)
        self.drop = Dropout(0.5, rng=np.random.default_rng(1))
        self.weight.weight.data[:] = 0
        self.frozen.requires_grad_(False)

    def loss(self, images, targets, rng=None):
        self.norm(Tensor(images[0][None]))
        return {"loss": self.weight.weight.sum()}


def averaging(model, decay):
    learning = [p for p in model.parameters() if p.requires_grad]
    return AveragingStep(GradientStep(model, SGD(learning, lr=1.0), ConstantLR(1.0)), decay)


def test_the_average_forgets_the_first_weights_and_then_keeps_its_decay():
    step = averaging(Downhill(), decay=0.5)
    frozen = step.model.frozen.weight.data.copy()
    expected, weight = 0.0, 0.0
    for number in range(1, 13):
        assert step(ONES, [{}], np.random.default_rng(0))["loss"] == weight
        weight -= 1.0
        kept = min(0.5, (1 + number) / (10 + number))  # 0.5 from the eighth step on
        expected = kept * expected + (1 - kept) * weight
    assert step.steps == 12 and step.learning_rate == 1.0
    assert step.learner.model.weight.weight.data.item() == -12.0
    assert step.model.weight.weight.data.item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(step.model.frozen.weight.data, frozen)


def test_statistics_are_the_learners_and_so_is_the_generator_of_dropout():
    learner = Downhill()
    step = averaging(learner, decay=0.9)
    step(ONES, [{}], np.random.default_rng(0))
    assert learner.norm.running_mean.data.item() == pytest.approx(0.1)
    assert step.model.norm.running_mean.data.item() == pytest.approx(0.1)
    assert step.model.norm.running_mean is not learner.norm.running_mean
    assert step.model.drop.rng is learner.drop.rng


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(ValueError, match=r"decay=.*expected at least 0 and less than 1"):
        averaging(Downhill(), decay)


def detector_fit(epochs, out, decay=0.9, **options):
    model = tiny_detector(DATA.classes)
    step = GradientStep(model, SGD(model.parameters(), lr=0.01, momentum=0.9), ConstantLR(0.01))
    step = AveragingStep(step, decay)
    loader = DataLoader(DATA, 2, shuffle=True, rng=np.random.default_rng(1))
    rng = np.random.default_rng(2)
    fit(step, loader, epochs=epochs, rng=rng, out=out, progress=False, **options)
    return step


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    whole = detector_fit(4, tmp_path / "whole")
    detector_fit(2, tmp_path / "parts")
    resumed = detector_fit(4, tmp_path / "parts", resume=True)
    for theirs, mine in (
        (whole.model, resumed.model),
        (whole.learner.model, resumed.learner.model),
    ):
        final = mine.state_dict()
        for name, array in theirs.state_dict().items():
            np.testing.assert_array_equal(array, final[name], err_msg=name)


def test_what_is_validated_and_saved_is_the_average(tmp_path):
    seen = []
    step = detector_fit(
        1, tmp_path, validate=lambda model: seen.append(model) or {"AP": 0.5}, best_by="AP"
    )
    assert seen == [step.model]
    for name in ("best.npz", "last.npz"):
        arrays, _ = load_checkpoint(tmp_path / name)
        for key, array in step.model.state_dict().items():
            np.testing.assert_array_equal(arrays[f"model/{key}"], array, err_msg=key)
    moved = step.learner.model.rpn.conv.weight.data - step.model.rpn.conv.weight.data
    assert np.abs(moved).max() > 0


def test_a_state_without_averages_is_refused():
    step = averaging(Downhill(), 0.5)
    with pytest.raises(ValueError, match=r"(?s)load_state_dict.*missing: weight\.weight"):
        step.load_state_dict(step.learner.state_dict())
