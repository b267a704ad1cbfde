"""Two learners in turn: who steps when, and exact resuming before, at and after the turn."""

import numpy as np
import pytest

from minicv import Tensor
from minicv.data import DataLoader, Farmyard
from minicv.nn import Linear, Module
from minicv.optim import SGD, ConstantLR
from minicv.training import GradientStep, fit
from minicv.training.in_turn import StepsInTurn

DATA = Farmyard(6, size=(32, 32), seed=3)


class TwoNumbers(Module):
    """Each learns to be the mean of the pixels, by a loss of its own."""

    def __init__(self):
        self.one = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
        self.two = Linear(1, 1, bias=False, rng=np.random.default_rng(1))

    def loss_of(self, part):
        def loss(images, targets, rng=None):
            wanted = float(np.mean([image.mean() for image in images]))
            return {f"loss_{part}": ((getattr(self, part).weight - Tensor(wanted)) ** 2).sum()}

        return loss


def in_turn(turn, model=None, rate=0.1):
    model = model or TwoNumbers()
    learners = [
        GradientStep(
            model,
            SGD(getattr(model, part).parameters(), lr=rate, momentum=0.9),
            ConstantLR(rate),
            loss=model.loss_of(part),
        )
        for part in ("one", "two")
    ]
    return StepsInTurn(*learners, turn)


def take(step, count):
    images = [DATA[0][0]]
    return [next(iter(step(images, [{}], np.random.default_rng(0)))) for _ in range(count)]


@pytest.mark.parametrize("turn", [0, 2, 5, 9])
def test_the_first_makes_its_steps_and_then_the_second(turn):
    step = in_turn(turn)
    before = step.model.two.weight.data.copy()
    expected = ["loss_one"] * min(turn, 5) + ["loss_two"] * max(5 - turn, 0)
    assert take(step, 5) == expected
    assert step.steps == 5 and step.first.steps == min(turn, 5)
    assert (step.model.two.weight.data == before).all() == (turn >= 5)


def test_the_rate_is_that_of_the_step_before():
    step = in_turn(1)
    step.second.schedule = ConstantLR(0.3)
    take(step, 1)
    assert step.learning_rate == 0.1
    take(step, 1)
    assert step.learning_rate == 0.3


def test_once_the_second_has_begun_the_first_does_not_come_back():
    step = in_turn(2)
    take(step, 3)
    longer = in_turn(9, step.model)
    longer.load_state_dict(step.state_dict())
    assert take(longer, 2) == ["loss_two"] * 2


@pytest.mark.parametrize("stopped", [1, 2, 3])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, stopped):
    def trained(epochs, out, **options):
        step = in_turn(6)  # of three steps an epoch
        loader = DataLoader(DATA, 2, shuffle=True, rng=np.random.default_rng(1))
        rng = np.random.default_rng(2)
        fit(step, loader, epochs=epochs, rng=rng, out=out, progress=False, **options)
        return step

    whole = trained(4, tmp_path / "whole")
    trained(stopped, tmp_path / "parts")
    parts = trained(4, tmp_path / "parts", resume=True)
    assert parts.steps == whole.steps == 12 and parts.first.steps == 6
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(array, parts.model.state_dict()[name])
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, parts.state_dict()[name])


def test_two_models_and_a_negative_turn_are_refused():
    with pytest.raises(ValueError, match="different models"):
        StepsInTurn(in_turn(1).first, in_turn(1).second, 1)
    with pytest.raises(ValueError, match="turn=-1"):
        in_turn(-1)
