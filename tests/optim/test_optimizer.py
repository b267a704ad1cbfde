"""What all optimizers share: groups, memory, the saved state, and the clipping of gradients."""

import math

import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Parameter
from minicv.optim import SGD, Adam, AdamW, RMSprop
from minicv.optim import optimizer as optimizer_module
from minicv.optim.optimizer import Optimizer

OPTIMIZERS = [
    lambda params, lr=0.1: SGD(params, lr, momentum=0.9, weight_decay=0.01),
    lambda params, lr=0.1: SGD(params, lr, momentum=0.9, dampening=0.3),
    lambda params, lr=0.1: SGD(params, lr),
    lambda params, lr=0.1: Adam(params, lr, weight_decay=0.01),
    lambda params, lr=0.1: AdamW(params, lr, weight_decay=0.01),
    lambda params, lr=0.1: RMSprop(params, 0.1 * lr, alpha=0.9),
    lambda params, lr=0.1: RMSprop(params, 0.1 * lr, momentum=0.5, weight_decay=0.01),
    lambda params, lr=0.1: RMSprop(params, 0.1 * lr, eps=0.1, centered=True, momentum=0.5),
]
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS)


def parameters(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [Parameter(rng.standard_normal(shape).astype(dtype)) for shape in [(3, 4), (5,), ()]]


def gradients_of(params, seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(each.shape).astype(each.dtype) for each in params]


def give_gradients(params, seed):
    for parameter, gradient in zip(params, gradients_of(params, seed), strict=True):
        parameter.grad = gradient


def train(params, optimizer, steps):
    for step in steps:
        give_gradients(params, seed=step)
        optimizer.step()


class TestSteps:
    @every_optimizer
    def test_a_parameter_without_gradient_is_passed_over(self, make):
        params = parameters()
        optimizer = make(params)
        before = [parameter.data.copy() for parameter in params]
        give_gradients(params, 0)
        params[1].grad = None
        optimizer.step()
        changed = [not np.array_equal(b, p.data) for b, p in zip(before, params, strict=True)]
        assert changed == [True, False, True]
        assert 1 not in optimizer.state

    @every_optimizer
    def test_works_in_place_and_leaves_the_gradient_alone(self, make):
        params = parameters()
        optimizer = make(params)
        give_gradients(params, 0)
        arrays = [parameter.data for parameter in params]
        grads = [parameter.grad.copy() for parameter in params]
        optimizer.step()
        for parameter, array, grad in zip(params, arrays, grads, strict=True):
            assert parameter.data is array
            assert np.array_equal(parameter.grad, grad)

    @every_optimizer
    def test_blocks_do_not_show(self, make, monkeypatch):
        results = []
        for block in (1, 7, 1 << 16):
            monkeypatch.setattr(optimizer_module, "BLOCK", block)
            params = parameters()
            train(params, make(params), range(3))
            results.append([parameter.data for parameter in params])
        for first, *others in zip(*results, strict=True):
            for other in others:
                assert np.array_equal(first, other)

    @every_optimizer
    def test_few_numbers_change_together_as_each_parameter_alone(self, make, monkeypatch):
        results = []
        for few in (-1, 5, 1 << 11):  # 5: the first parameter alone, the others together
            monkeypatch.setattr(optimizer_module, "FEW", few)
            params = parameters()
            optimizer = make(params)
            for step in range(5):
                give_gradients(params, step)
                if step == 2:
                    params[1].grad = None
                if step == 3:
                    optimizer.load_state_dict(optimizer.state_dict())
                if step == 4:
                    params[2].data = params[2].data.copy()
                optimizer.step()
            results.append([*(p.data for p in params), *optimizer.state_dict().values()])
        for other in results[1:]:
            for one, two in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(one, two)

    @every_optimizer
    def test_memory_in_any_order_is_taken(self, make):
        expected, params = parameters(), parameters()
        params[0].data = np.asfortranarray(params[0].data)
        params[1].data = np.repeat(params[1].data, 2)[::2]
        params[2].data.flags.writeable = False
        optimizer = make(params)
        train(expected, make(expected), range(3))
        for step in range(3):
            give_gradients(params, step)
            params[0].grad = np.asfortranarray(params[0].grad)
            optimizer.step()
        for one, other in zip(expected, params, strict=True):
            np.testing.assert_allclose(one.data, other.data, rtol=1e-14)

    @every_optimizer
    def test_float32_stays_and_is_close_to_float64(self, make):
        precise, single = parameters(), parameters(dtype=np.float32)
        train(precise, make(precise), range(5))
        train(single, make(single), range(5))
        for one, other in zip(precise, single, strict=True):
            assert other.dtype == np.float32
            np.testing.assert_allclose(other.data, one.data, rtol=1e-4, atol=1e-5)

    @every_optimizer
    def test_empty_parameters(self, make):
        empty, other = Parameter(np.zeros((0, 3))), Parameter(np.ones(2))
        train([empty, other], make([empty, other]), range(2))
        assert empty.shape == (0, 3)
        alone = Parameter(np.ones(2))
        optimizer = make([alone])
        for step in range(2):
            alone.grad = gradients_of([empty, other], step)[1]
            optimizer.step()
        assert np.array_equal(other.data, alone.data)

    @every_optimizer
    def test_finds_the_minimum_of_a_bowl(self, make):
        target = np.array([1.0, -2.0])
        parameter = Parameter(np.zeros(2))
        optimizer = make([parameter], lr=0.05)
        for _ in range(500):
            optimizer.zero_grad()
            assert parameter.grad is None
            difference = parameter - target
            (difference * difference).sum().backward()
            optimizer.step()
        np.testing.assert_allclose(parameter.data, target, atol=0.03)  # weight decay shifts it

    def test_a_subclass_writes_prepare_and_update(self):
        (parameter,) = params = [Parameter([1.0])]
        parameter.grad = np.ones(1, np.float32)
        optimizer = Optimizer(params, {"lr": 0.1})
        with pytest.raises(NotImplementedError, match="Optimizer: prepare is not written"):
            optimizer.step()
        with pytest.raises(NotImplementedError, match="Optimizer: update is not written"):
            optimizer.update(None, None, {}, {}, None)


class TestGroups:
    def test_each_group_has_its_options_and_the_defaults(self):
        a, b, c = parameters()
        optimizer = SGD([{"params": [a]}, {"params": (b, c), "lr": 0.01}], lr=0.1, momentum=0.9)
        assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]
        assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
        before = [p.data.copy() for p in (a, b, c)]
        for parameter in (a, b, c):
            parameter.grad = np.ones(parameter.shape)
        optimizer.step()
        for parameter, old, lr in zip((a, b, c), before, (0.1, 0.01, 0.01), strict=True):
            np.testing.assert_allclose(parameter.data, old - lr)

    def test_one_parameter_and_generators_are_taken(self):
        a, b, c = parameters()
        optimizer = SGD([{"params": a}, {"params": iter([b, c])}], lr=0.1)
        assert [len(group["params"]) for group in optimizer.param_groups] == [1, 2]
        assert len(SGD((p for p in (a, b)), lr=0.1).param_groups[0]["params"]) == 2

    def test_set_lr_keeps_the_ratio_of_a_group(self):
        a, b, c = parameters()
        groups = [{"params": [a]}, {"params": [b], "lr": 0.01}, {"params": [c], "lr": 0.0}]
        optimizer = Adam(groups, lr=0.1)
        for lr in (0.5, 0.2):
            optimizer.set_lr(lr)
            rates = [group["lr"] for group in optimizer.param_groups]
            np.testing.assert_allclose(rates, [lr, 0.1 * lr, 0.0])

    def test_set_lr_from_a_rate_of_zero(self):
        optimizer = SGD(parameters(), lr=0.0)
        optimizer.set_lr(0.3)
        assert optimizer.param_groups[0]["lr"] == 0.3

    def test_a_ratio_multiplies_the_rate_of_all(self):
        a, b, c = parameters()
        groups = [{"params": [a], "lr_ratio": 0.25}, {"params": [b]}, {"params": [c], "lr": 0.2}]
        optimizer = SGD(groups, lr=0.1)
        assert [group["lr"] for group in optimizer.param_groups] == [0.025, 0.1, 0.2]
        assert [group["lr_ratio"] for group in optimizer.param_groups] == [0.25, 1.0, 2.0]
        for lr in (0.0, 0.5):  # a rate of 0 on the way loses no ratio
            optimizer.set_lr(lr)
            assert [group["lr"] for group in optimizer.param_groups] == [0.25 * lr, lr, 2 * lr]
        held = SGD([{"params": [a], "lr_ratio": 0}, {"params": [b]}], lr=0.1)
        held.set_lr(0.3)
        assert [group["lr"] for group in held.param_groups] == [0.0, 0.3]
        # The ratio is kept where the optimizer starts at a rate of 0, as before a warm-up.
        warm = SGD([{"params": [a], "lr_ratio": 0.5}, {"params": [b]}], lr=0.0)
        warm.set_lr(0.2)
        assert [group["lr"] for group in warm.param_groups] == [0.1, 0.2]

    def test_a_ratio_moves_its_group_so_much_less(self):
        a, b, c = parameters()
        before = [parameter.data.copy() for parameter in (a, b, c)]
        optimizer = SGD([{"params": [a, b], "lr_ratio": 0.5}, {"params": [c]}], lr=1.0)
        optimizer.set_lr(0.1)
        for parameter in (a, b, c):
            parameter.grad = np.ones(parameter.shape)
        optimizer.step()
        for parameter, old, lr in zip((a, b, c), before, (0.05, 0.05, 0.1), strict=True):
            np.testing.assert_allclose(parameter.data, old - lr)

    def test_rates_of_groups_alone_keep_their_ratios(self):
        a, b, _ = parameters()
        optimizer = SGD([{"params": [a], "lr": 0.01}, {"params": [b], "lr": 0.1}])
        optimizer.set_lr(0.5)
        np.testing.assert_allclose([g["lr"] for g in optimizer.param_groups], [0.05, 0.5])

    def test_messages_about_rates(self):
        a, b, _ = parameters()
        with pytest.raises(ValueError, match="SGD: group 1 has both 'lr' and 'lr_ratio'; give one"):
            SGD([{"params": [b]}, {"params": [a], "lr": 0.1, "lr_ratio": 0.5}], lr=0.1)
        for ratio, kind in ((-1, ValueError), (math.inf, ValueError), ("0.1", TypeError)):
            with pytest.raises(kind, match=r"^Adam: lr_ratio must"):
                Adam([{"params": [a], "lr_ratio": ratio}])
        with pytest.raises(TypeError, match="SGD: lr, the learning rate, is missing"):
            SGD([{"params": [a], "lr": 0.1}, {"params": [b]}])

    def test_messages(self):
        a, b, _ = parameters()
        with pytest.raises(ValueError, match="SGD: there is no parameter to change"):
            SGD([], lr=0.1)
        with pytest.raises(ValueError, match="SGD: a parameter of group 1 is given twice"):
            SGD([{"params": [a]}, {"params": [b, a]}], lr=0.1)
        with pytest.raises(ValueError, match=r"unknown options \['learning_rate'\]"):
            Adam([{"params": [a], "learning_rate": 1}])
        with pytest.raises(TypeError, match="group 0 has a tuple among its parameters"):
            SGD([{"params": [("weight", a)]}], lr=0.1)


class TestState:
    @every_optimizer
    def test_a_resumed_run_equals_one_without_a_break(self, make, tmp_path):
        whole = parameters()
        train(whole, make(whole), range(6))

        first = parameters()
        optimizer = make(first)
        train(first, optimizer, range(3))
        np.savez(tmp_path / "state.npz", **optimizer.state_dict())

        second = [Parameter(parameter.data) for parameter in first]
        optimizer = make(second)
        with np.load(tmp_path / "state.npz") as state:
            optimizer.load_state_dict(state)
        train(second, optimizer, range(3, 6))
        for one, other in zip(whole, second, strict=True):
            assert np.array_equal(one.data, other.data)

    def test_is_flat_and_of_arrays(self):
        params = parameters()
        optimizer = Adam(params)
        assert set(optimizer.state_dict()) == {"number_of_parameters"}
        give_gradients(params, 0)
        params[1].grad = None
        optimizer.step()
        state = optimizer.state_dict()
        assert set(state) == {
            "number_of_parameters",
            *("0.step", "0.exp_avg", "0.exp_avg_sq"),
            *("2.step", "2.exp_avg", "2.exp_avg_sq"),
        }
        assert all(type(value) is np.ndarray for value in state.values())
        assert state["0.exp_avg"].shape == (3, 4)
        assert state["2.step"] == 1

    def test_is_a_copy_both_ways(self):
        params = parameters()
        optimizer = SGD(params, lr=0.1, momentum=0.9)
        train(params, optimizer, [0])
        state = optimizer.state_dict()
        before = {key: value.copy() for key, value in state.items()}
        optimizer.load_state_dict(state)
        train(params, optimizer, [1])
        for key, value in state.items():
            assert np.array_equal(value, before[key])

    def test_a_rate_lowered_by_hand_survives_a_resume(self):
        params = parameters()
        optimizer = SGD(params, lr=0.1, momentum=0.9)
        train(params, optimizer, [0])
        resumed = SGD(params, lr=0.001, momentum=0.9)
        resumed.load_state_dict(optimizer.state_dict())
        assert resumed.param_groups[0]["lr"] == 0.001

    def test_messages(self):
        params = parameters()
        adam, sgd = Adam(params), SGD(params, lr=0.1, momentum=0.9)
        train(params, adam, [0])
        train(params, sgd, [0])
        state = sgd.state_dict()
        with pytest.raises(ValueError, match=r"is of 3 parameters but this .* has 1;"):
            SGD(params[:1], lr=0.1).load_state_dict(state)
        with pytest.raises(ValueError, match="the saved state is of no parameters"):
            sgd.load_state_dict({})
        with pytest.raises(ValueError, match=r"SGD: .* unknown entry '0.step'.* optimizer\?"):
            sgd.load_state_dict(adam.state_dict())
        torn = adam.state_dict()
        del torn["1.exp_avg"]
        with pytest.raises(ValueError, match=r"Adam: the saved state has no entry '1.exp_avg'"):
            adam.load_state_dict(torn)
        for key in ("3.momentum_buffer", "first.momentum_buffer"):
            with pytest.raises(ValueError, match=f"unknown entry '{key}'.*number below 3"):
                sgd.load_state_dict({**state, key: np.zeros(1)})
        with pytest.raises(ValueError, match=r"'1.momentum_buffer' has shape \(4,\) but .* \(5,\)"):
            sgd.load_state_dict({**state, "1.momentum_buffer": np.zeros(4)})
        assert np.array_equal(sgd.state_dict()["1.momentum_buffer"], state["1.momentum_buffer"])


def test_plain_tensors_can_be_optimized():
    image = Tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = SGD([image], lr=0.5)
    (image * image).sum().backward()
    optimizer.step()
    assert image.data.tolist() == [0.0, 0.0, 0.0]


class TestExtremeGradients:
    @staticmethod
    def with_grads(*grads):
        params = [Parameter(np.zeros_like(grad)) for grad in grads]
        for parameter, grad in zip(params, grads, strict=True):
            parameter.grad = grad.copy()
        return params

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_adam_takes_a_usual_step_where_the_square_overflows(self, dtype):
        """m / √v is 1, and so p moves by lr; an infinite v would make this and later steps 0."""
        large = {np.float32: 1e30, np.float64: 1e200}[dtype]
        p, q = params = self.with_grads(np.array([large, -large], dtype), np.array([1.0], dtype))
        optimizer = Adam(params, lr=0.1)
        for step in (1, 2):
            optimizer.step()
            np.testing.assert_allclose(p.data, [-0.1 * step, 0.1 * step], rtol=1e-5)
            np.testing.assert_allclose(q.data, [-0.1 * step], rtol=1e-5)
        assert np.isfinite(optimizer.state[0]["exp_avg_sq"]).all()

    def test_an_infinite_gradient_is_not_hidden(self):
        (p,) = self.with_grads(np.array([np.inf], np.float32))
        with np.errstate(invalid="ignore"):
            Adam([p], lr=0.1).step()
        assert not np.isfinite(p.data).any()

    @pytest.mark.parametrize(
        "make", [lambda p: SGD(p, 1e-3, momentum=0.9, weight_decay=0.1), Adam, AdamW, RMSprop]
    )
    @pytest.mark.parametrize("size", [0.0, 1e-45, 1e-30, 1e18])
    def test_other_sizes_give_finite_steps(self, make, size):
        (p,) = params = self.with_grads(np.array([size, -size], np.float32))
        optimizer = make(params)
        for _ in range(3):
            p.grad = np.array([size, -size], np.float32)
            optimizer.step()
        assert np.isfinite(p.data).all()
        assert p.data[0] == -p.data[1]
