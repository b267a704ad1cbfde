"""On a device a group changes by one kernel, and nothing of what an optimizer promises is lost."""

import cupy_stand_in as cupy
import numpy as np
import pytest
from cuda_kernels import needs_compiler

from minicv.backend import to_numpy
from minicv.backend.cuda.optimizer_step import OPTIMIZER_STEP
from minicv.nn import Parameter
from minicv.optim import SGD, Adam, AdamW, RMSprop, clip_grad_norm
from minicv.optim.optimizer import Optimizer

pytestmark = needs_compiler
OPTIMIZERS = [
    lambda params: SGD(params, 0.1, momentum=0.9, weight_decay=0.01),
    lambda params: SGD(params, 0.1, momentum=0.9, dampening=0.3),
    lambda params: SGD(params, 0.1, momentum=0.5, nesterov=True),
    lambda params: SGD(params, 0.1),
    lambda params: Adam(params, 0.1, weight_decay=0.01),
    lambda params: AdamW(params, 0.1, weight_decay=0.01),
    lambda params: RMSprop(params, 0.1),
    lambda params: RMSprop(params, 0.1, weight_decay=0.01, momentum=0.9),
    lambda params: RMSprop(params, 0.1, eps=0.01, centered=True),
]
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS)
SHAPES = [(3, 4), (5,), (), (0, 2), (2, 3, 2)]


class Twins:
    """The same parameters on the host and on the device, trained by the same gradients."""

    def __init__(self, make, dtypes=5 * (np.float64,)):
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=s).astype(dtype) for s, dtype in zip(SHAPES, dtypes, strict=True)]
        self.here = [Parameter(array) for array in arrays]
        self.there = [Parameter(cupy.asarray(array)) for array in arrays]
        self.optimizers = make(self.here), make(self.there)
        self.steps = 0

    def step(self, without=()):
        self.steps += 1
        rng = np.random.default_rng(self.steps)
        for index, (here, there) in enumerate(zip(self.here, self.there, strict=True)):
            grad = rng.normal(size=here.shape).astype(here.dtype)
            here.grad = None if index in without else grad
            there.grad = None if index in without else cupy.asarray(grad)
        for optimizer in self.optimizers:
            optimizer.step()

    def check(self):
        for here, there in zip(self.here, self.there, strict=True):
            assert isinstance(there.data, cupy.ndarray)
            assert there.dtype == here.dtype
            tolerance = 1e-12 if here.dtype == np.float64 else 1e-5
            np.testing.assert_allclose(to_numpy(there.data), here.data, tolerance, tolerance)
        ours, theirs = (optimizer.state_dict() for optimizer in self.optimizers)
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            np.testing.assert_allclose(value, ours[key], 1e-5, 1e-5)


@pytest.fixture
def launches(monkeypatch):
    names, launch = [], OPTIMIZER_STEP.launch

    def counted(kernel, *arguments, **macros):
        names.append(kernel)
        launch(kernel, *arguments, **macros)

    monkeypatch.setattr(OPTIMIZER_STEP, "launch", counted)
    return names


@every_optimizer
def test_steps_are_those_of_the_host_by_one_kernel_each_and_without_a_wait(make, launches):
    twins = Twins(make)
    with cupy.recorded_synchronisations() as reasons:
        for _ in range(3):
            twins.step()
    kernels = 0 if isinstance(twins.optimizers[0], RMSprop) else 3  # RMSprop is array mathematics
    assert len(launches) == kernels
    assert reasons == []
    twins.check()


@every_optimizer
def test_what_has_no_gradient_is_passed_over_and_counts_its_own_steps(make):
    twins = Twins(make)
    for without in [(0,), (0,), (), (1, 3), (), (0, 1, 2, 3, 4), ()]:
        before = [to_numpy(parameter.data) for parameter in twins.there]
        twins.step(without)
        for index in without:
            assert np.array_equal(to_numpy(twins.there[index].data), before[index])
        twins.check()


@every_optimizer
def test_an_array_put_in_the_place_of_data_is_taken(make):
    twins = Twins(make)
    for index in (0, 2, 4):
        twins.step()
        new = np.random.default_rng(index).normal(size=SHAPES[index])
        twins.here[index].data = new
        twins.there[index].data = cupy.asarray(np.asfortranarray(new))
        twins.step()
        twins.check()


@every_optimizer
def test_a_state_is_loaded_from_the_host(make):
    twins, other = Twins(make), Twins(make)
    for _ in range(2):
        twins.step()
    for ours, theirs in zip(other.optimizers, twins.optimizers, strict=True):
        ours.load_state_dict(theirs.state_dict())
    for here, there, now in zip(other.here, other.there, twins.here, strict=True):
        here.data, there.data = now.data.copy(), cupy.asarray(now.data.copy())
    other.step()
    other.check()
    other.step()
    other.check()


def test_each_group_and_dtype_by_its_own_kernel(launches):
    def make(params):
        return SGD([{"params": params[:3]}, {"params": params[3:], "lr": 0.5}], 0.1)

    twins = Twins(make, (np.float32, np.float64, np.float32, np.float32, np.float32))
    twins.step()
    assert len(launches) == 3
    twins.check()


def test_the_same_memory_serves_at_every_step():
    twins = Twins(OPTIMIZERS[0])
    twins.step()
    arrays = [parameter.data for parameter in twins.there]
    twins.step()
    assert all(p.data is array for p, array in zip(twins.there, arrays, strict=True))
    assert all(array.base is not None for array in arrays)


def test_a_formula_of_elementary_operations_needs_no_kernel():
    class DampedDescent(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        def prepare(self, state, group, data):
            return None

        def update(self, data, grad, moments, group, past):
            data -= group["lr"] * (grad / (1 + abs(grad)))

    twins = Twins(DampedDescent)
    twins.step(without=(3,))
    np.testing.assert_allclose(to_numpy(twins.there[0].data), twins.here[0].data)


def test_the_norm_of_all_gradients_is_one_wait():
    twins = Twins(OPTIMIZERS[3])
    twins.step()
    with cupy.recorded_synchronisations() as reasons:
        norm = clip_grad_norm(twins.there, 0.1)
    assert reasons == ["float"]
    assert norm == pytest.approx(clip_grad_norm(twins.here, 0.1))
    for here, there in zip(twins.here, twins.there, strict=True):
        np.testing.assert_allclose(to_numpy(there.grad), here.grad)
