"""A step: what it moves, what it refuses, what it remembers; and one with two optimizers."""

import cupy_stand_in as cupy
import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Linear, Module
from minicv.optim import SGD, Adam, ConstantLR, StepLR
from minicv.training import DivergenceError, GradientStep
from minicv.training.step import loss_values, total_loss

ONES = [np.ones((1, 2), np.float32)]


class Line(Module):
    """y = w x; the loss is (y - 3)^2."""

    def __init__(self):
        self.line = Linear(2, 1, bias=False, rng=np.random.default_rng(0))
        self.line.weight.data[:] = [[1, 1]]

    def loss(self, images, targets, rng=None):
        y = self.line(Tensor(images[0]))
        return {"loss_a": ((y - 3.0) ** 2).sum(), "loss_b": 0.0 * y.sum()}


def test_moves_by_the_gradient_at_the_rate_of_the_schedule():
    model = Line()
    step = GradientStep(model, SGD(model.parameters(), lr=9.0), StepLR(0.1, step_size=1, gamma=0.5))
    # y = 2, the gradient of each weight is 2 (2 - 3) = -2.
    assert step(ONES, [{}], np.random.default_rng(0)) == {"loss_a": 1.0, "loss_b": 0.0}
    np.testing.assert_allclose(model.line.weight.data, [[1.2, 1.2]], rtol=1e-6)
    # y = 2.4, the gradient is -1.2, and the rate is half as large.
    step(ONES, [{}], np.random.default_rng(0))
    np.testing.assert_allclose(model.line.weight.data, [[1.26, 1.26]], rtol=1e-6)
    assert step.steps == 2


def test_long_gradients_are_shortened():
    model = Line()
    step = GradientStep(model, SGD(model.parameters(), lr=1.0), ConstantLR(1.0), max_norm=0.5)
    step(ONES, [{}], np.random.default_rng(0))
    np.testing.assert_allclose(model.line.weight.data - 1, [[0.5**1.5] * 2], rtol=1e-5)


def test_a_part_learns_alone_by_a_loss_of_its_own():
    model = Line()
    model.other = Linear(2, 1, bias=False, rng=np.random.default_rng(1))
    before = model.line.weight.data.copy()

    def loss(images, targets, rng):
        return {"loss_other": model.other(Tensor(images[0])).sum()}

    step = GradientStep(model, SGD(model.other.parameters(), lr=0.5), ConstantLR(0.5), loss)
    other = model.other.weight.data.copy()
    assert list(step(ONES, [{}], np.random.default_rng(0))) == ["loss_other"]
    np.testing.assert_array_equal(model.line.weight.data, before)
    np.testing.assert_allclose(model.other.weight.data, other - 0.5, rtol=1e-6)


def test_goes_on_as_if_never_stopped():
    def make():
        model = Line()
        return GradientStep(
            model, Adam(model.parameters(), lr=0.1), StepLR(0.1, step_size=2, gamma=0.1)
        )

    whole, parts = make(), make()
    for _ in range(4):
        whole(ONES, [{}], np.random.default_rng(0))
    for _ in range(2):
        parts(ONES, [{}], np.random.default_rng(0))
    resumed = make()
    resumed.model.load_state_dict(parts.model.state_dict())
    resumed.load_state_dict(parts.state_dict())
    for _ in range(2):
        resumed(ONES, [{}], np.random.default_rng(0))
    assert resumed.steps == 4
    np.testing.assert_array_equal(resumed.model.line.weight.data, whole.model.line.weight.data)


def test_the_state_of_another_optimizer_is_refused():
    model = Line()
    step = GradientStep(model, SGD(model.parameters(), lr=0.1, momentum=0.9), ConstantLR(0.1))
    step(ONES, [{}], np.random.default_rng(0))
    other = GradientStep(model, Adam(model.parameters(), lr=0.1), ConstantLR(0.1))
    with pytest.raises(ValueError, match="another optimizer"):
        other.load_state_dict(step.state_dict())


def test_a_loss_that_is_no_number_stops_before_anything_moves():
    model = Line()
    model.line.weight.data[:] = np.inf
    step = GradientStep(model, SGD(model.parameters(), lr=0.1), ConstantLR(0.1))
    diverges = pytest.raises(DivergenceError, match=r"step 0: loss_a is inf and loss_b is nan")
    with np.errstate(all="ignore"), diverges:
        step(ONES, [{"image_id": "im1"}], np.random.default_rng(0))
    assert np.isinf(model.line.weight.data).all() and step.steps == 0


def test_the_sum_of_losses():
    losses = {"a": Tensor([1.0], requires_grad=True), "b": Tensor([2.5], requires_grad=True)}
    total_loss(losses).backward()
    assert losses["a"].grad.tolist() == losses["b"].grad.tolist() == [1.0]
    with pytest.raises(ValueError, match="at least one loss"):
        total_loss({})


def test_values_of_losses_come_to_the_host_together():
    arrays = {"a": np.array(0.1, np.float32), "b": np.array(np.nan), "c": np.array([2.0])}
    here = loss_values({name: Tensor(array) for name, array in arrays.items()})
    with cupy.recorded_synchronisations() as reasons:
        there = loss_values({name: Tensor(cupy.asarray(a)) for name, a in arrays.items()})
    assert reasons == ["get"]
    for values in (here, there):
        assert list(values) == ["a", "b", "c"]
        assert values["a"] == float(arrays["a"])
        assert np.isnan(values["b"]) and values["c"] == 2.0
        assert {type(value) for value in values.values()} == {float}
    assert loss_values({}) == {}
