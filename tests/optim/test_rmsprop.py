"""RMSprop: its formula, with and without momentum and centring."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.nn import Parameter
from minicv.optim import RMSprop
from minicv.testing import strategies


@given(
    seed=strategies.seeds(),
    lr=st.sampled_from([1e-3, 0.5]),
    alpha=st.sampled_from([0.0, 0.9, 0.99]),
    eps=st.sampled_from([1e-8, 0.1]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    momentum=st.sampled_from([0.0, 0.9]),
    centered=st.booleans(),
)
def test_equals_the_formula_element_by_element(
    seed, lr, alpha, eps, weight_decay, momentum, centered
):
    if centered and alpha == 0:
        alpha = 0.5  # with 0 the variance of one gradient is 0 but for rounding
    rng = np.random.default_rng(seed)
    parameter = Parameter(rng.standard_normal((2, 3)))
    optimizer = RMSprop([parameter], lr, alpha, eps, weight_decay, momentum, centered)
    expected = parameter.data.copy()
    v, a, b = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    for _ in range(4):
        parameter.grad = rng.standard_normal((2, 3))
        for at in np.ndindex(2, 3):
            g = parameter.grad[at] + weight_decay * expected[at]
            v[at] = alpha * v[at] + (1 - alpha) * g**2
            a[at] = alpha * a[at] + (1 - alpha) * g
            variance = v[at] - a[at] ** 2 if centered else v[at]
            b[at] = momentum * b[at] + g / (math.sqrt(variance) + eps)
            expected[at] -= lr * b[at]
        optimizer.step()
        np.testing.assert_allclose(parameter.data, expected, rtol=1e-9, atol=1e-11)


def test_two_steps_by_hand():
    parameter = Parameter(np.array([1.0]))
    optimizer = RMSprop([parameter], lr=0.1, alpha=0.75, eps=0.0, momentum=0.5)
    parameter.grad = np.array([2.0])
    optimizer.step()  # v = 0.25 · 4 = 1, b = 2 / 1, p = 1 - 0.2
    np.testing.assert_allclose(parameter.data, [0.8])
    parameter.grad = np.array([-5.0])
    optimizer.step()  # v = 0.75 + 0.25 · 25 = 7, b = 1 - 5 / √7
    np.testing.assert_allclose(parameter.data, [0.8 - 0.1 * (1 - 5 / math.sqrt(7))])


def test_centered_by_hand():
    parameter = Parameter(np.array([1.0]))
    optimizer = RMSprop([parameter], lr=0.1, alpha=0.5, eps=0.0, centered=True)
    parameter.grad = np.array([4.0])
    optimizer.step()  # v = 8, a = 2, and 4 / √(8 - 4) = 2
    np.testing.assert_allclose(parameter.data, [0.8])


def test_the_first_step_is_ten_times_lr_whatever_the_gradient():
    parameter = Parameter(np.zeros(3))
    parameter.grad = np.array([1e-3, -5.0, 1e4])
    RMSprop([parameter], lr=0.01).step()
    np.testing.assert_allclose(parameter.data, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_a_gradient_that_never_changes_gives_no_nan_when_centered():
    """v - a² is 0 in the end, and rounding may put it below."""
    for gradient in (0.1, 1 / 3, 7.7):
        parameter = Parameter(np.zeros(1, np.float32))
        optimizer = RMSprop([parameter], lr=1e-9, alpha=0.5, centered=True)
        for _ in range(60):
            parameter.grad = np.array([gradient], np.float32)
            optimizer.step()
        assert np.isfinite(parameter.data).all()
        assert parameter.data[0] < 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("centered", [False, True])
def test_a_usual_step_where_the_square_overflows(dtype, centered):
    large = {np.float32: 1e30, np.float64: 1e200}[dtype]
    parameter = Parameter(np.zeros(3, dtype))
    optimizer = RMSprop([parameter], lr=0.1, alpha=0.75, centered=centered)
    parameter.grad = np.array([large, -large, 1.0], dtype)
    optimizer.step()
    length = 0.1 / math.sqrt(0.25 - 0.0625 * centered)
    np.testing.assert_allclose(parameter.data, [-length, length, -length], rtol=1e-5)
    assert np.isfinite(optimizer.state[0]["square_avg"]).all()
    parameter.grad = np.ones(3, dtype)
    optimizer.step()
    assert np.isfinite(parameter.data).all()


def test_an_infinite_gradient_is_not_hidden():
    parameter = Parameter(np.zeros(1, np.float32))
    parameter.grad = np.array([np.inf], np.float32)
    with np.errstate(invalid="ignore"):
        RMSprop([parameter]).step()
    assert not np.isfinite(parameter.data).any()


def test_it_remembers_only_what_its_options_need():
    for options, names in (
        ({}, set()),
        ({"centered": True}, {"0.grad_avg"}),
        ({"momentum": 0.9}, {"0.momentum_buffer"}),
    ):
        parameter = Parameter([1.0])
        optimizer = RMSprop([parameter], **options)
        parameter.grad = np.ones(1, np.float32)
        optimizer.step()
        state = optimizer.state_dict()
        assert set(state) == {"number_of_parameters", "0.square_avg", *names}
        RMSprop([parameter], **options).load_state_dict(state)
        for name in names:
            del state[name]
            with pytest.raises(ValueError, match=f"RMSprop: .* has no entry '{name}'; is it com"):
                RMSprop([parameter], **options).load_state_dict(state)


def test_groups_differ_in_their_memory():
    a, b = Parameter(np.ones(2)), Parameter(np.ones(2))
    groups = [{"params": [a], "momentum": 0.9}, {"params": [b], "centered": True}]
    optimizer = RMSprop(groups)
    a.grad, b.grad = np.ones(2), np.ones(2)
    optimizer.step()
    assert set(optimizer.state[0]) == {"square_avg", "momentum_buffer"}
    assert set(optimizer.state[1]) == {"square_avg", "grad_avg"}
    RMSprop(groups).load_state_dict(optimizer.state_dict())


def test_defaults_and_messages():
    (group,) = RMSprop([Parameter([1.0])]).param_groups
    assert (group["lr"], group["alpha"], group["eps"]) == (0.01, 0.99, 1e-8)
    assert (group["weight_decay"], group["momentum"], group["centered"]) == (0, 0, False)
    for option in ("lr", "alpha", "eps", "weight_decay", "momentum"):
        with pytest.raises(ValueError, match=f"RMSprop: {option} must not be negative but is -1"):
            RMSprop([Parameter([1.0])], **{option: -1})
    with pytest.raises(ValueError, match=r"RMSprop: alpha must be in 0\.\.1 but is 1\.5"):
        RMSprop([Parameter([1.0])], alpha=1.5)
