import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.nn import Parameter
from minicv.optim import SGD
from minicv.testing import strategies


@given(
    seed=strategies.seeds(),
    lr=st.sampled_from([0.0, 0.01, 0.5]),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    dampening=st.sampled_from([0.0, 0.3]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    nesterov=st.booleans(),
)
def test_equals_the_published_formulas(seed, lr, momentum, dampening, weight_decay, nesterov):
    if nesterov and momentum == 0:
        nesterov = False
    if nesterov:
        dampening = 0.0
    rng = np.random.default_rng(seed)
    parameter = Parameter(rng.standard_normal((2, 3)))
    optimizer = SGD([parameter], lr, momentum, dampening, weight_decay, nesterov)
    p, v = parameter.data.copy(), None
    for _ in range(4):
        parameter.grad = rng.standard_normal((2, 3))
        g = parameter.grad + weight_decay * p
        v = g if v is None else momentum * v + (1 - dampening) * g
        if momentum == 0:
            v = g
        p = p - lr * (g + momentum * v if nesterov else v)
        optimizer.step()
        np.testing.assert_allclose(parameter.data, p, rtol=1e-12, atol=1e-13)


def test_two_steps_by_hand():
    parameter = Parameter(np.array([1.0]))
    optimizer = SGD([parameter], lr=0.1, momentum=0.5)
    parameter.grad = np.array([2.0])
    optimizer.step()  # v = 2, p = 1 - 0.2
    np.testing.assert_allclose(parameter.data, [0.8])
    parameter.grad = np.array([1.0])
    optimizer.step()  # v = 0.5 · 2 + 1 = 2, p = 0.8 - 0.2
    np.testing.assert_allclose(parameter.data, [0.6])


def test_a_change_of_rate_acts_at_once():
    # PyTorch's rule: the velocity holds gradients, not steps, so the old rate leaves no trace.
    parameter = Parameter(np.array([0.0]))
    optimizer = SGD([parameter], lr=1.0, momentum=0.9)
    parameter.grad = np.array([1.0])
    optimizer.step()
    optimizer.set_lr(0.001)
    before = parameter.data.copy()
    optimizer.step()
    np.testing.assert_allclose(before - parameter.data, [0.001 * 1.9])


def test_without_momentum_nothing_is_remembered():
    parameter = Parameter(np.ones(2))
    parameter.grad = np.ones(2)
    optimizer = SGD([parameter], lr=0.1)
    optimizer.step()
    assert list(optimizer.state_dict()) == ["number_of_parameters"]


@pytest.mark.parametrize("option", ["lr", "momentum", "weight_decay"])
def test_negative_options(option):
    options = {"lr": 0.1, option: -0.5}
    with pytest.raises(ValueError, match=rf"SGD: {option} must not be negative but is -0\.5"):
        SGD([Parameter([1.0])], **options)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(options):
    with pytest.raises(ValueError, match="nesterov needs a momentum above 0 and a dampening of 0"):
        SGD([Parameter([1.0])], lr=0.1, nesterov=True, **options)
