"""AdamW: the decay apart from the step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.nn import Parameter
from minicv.optim import Adam, AdamW
from minicv.testing import strategies


@given(
    seed=strategies.seeds(),
    lr=st.sampled_from([1e-3, 0.5]),
    betas=st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)]),
    eps=st.sampled_from([1e-8, 0.1]),
    weight_decay=st.sampled_from([0.0, 0.01, 0.5]),
)
def test_equals_algorithm_2_of_the_paper(seed, lr, betas, eps, weight_decay):
    rng = np.random.default_rng(seed)
    parameter = Parameter(rng.standard_normal((2, 3)))
    optimizer = AdamW([parameter], lr, betas, eps, weight_decay)
    theta = parameter.data.copy()
    m, v = np.zeros((2, 3)), np.zeros((2, 3))
    for t in range(1, 6):
        g = parameter.grad = rng.standard_normal((2, 3))
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        theta = theta - lr * (m_hat / (np.sqrt(v_hat) + eps) + weight_decay * theta)
        optimizer.step()
        np.testing.assert_allclose(parameter.data, theta, rtol=1e-10, atol=1e-12)


def test_two_steps_by_hand():
    parameter = Parameter(np.array([1.0, -2.0]))
    optimizer = AdamW([parameter], lr=0.1, eps=0.0, weight_decay=0.5)
    parameter.grad = np.array([3.0, 3.0])
    optimizer.step()  # 0.95 · (1, -2), then 0.1 down, for m̂ / √v̂ is 1 at the first step
    np.testing.assert_allclose(parameter.data, [0.85, -2.0])
    optimizer.step()  # the same gradient again: m̂ / √v̂ is 1 once more
    np.testing.assert_allclose(parameter.data, [0.95 * 0.85 - 0.1, -1.9 - 0.1])


def test_the_decay_is_a_share_whatever_the_gradient():
    """In Adam a parameter with large gradients hardly decays."""
    gradients = np.array([1e-3, 1.0, 1e3])
    for kind, same in ((AdamW, True), (Adam, False)):
        decayed, free = (Parameter(np.full(3, 10.0)) for _ in range(2))
        for parameter, decay in ((decayed, 0.1), (free, 0.0)):
            parameter.grad = gradients.copy()
            optimizer = kind([parameter], lr=0.01, betas=(0.0, 0.0), weight_decay=decay)
            optimizer.step()
        lost = free.data - decayed.data
        assert np.allclose(lost, 0.01 * 0.1 * 10) == same


def test_each_group_has_its_own_decay():
    weight, bias = Parameter(np.ones(2)), Parameter(np.ones(2))
    groups = [{"params": [weight]}, {"params": [bias], "weight_decay": 0}]
    optimizer = AdamW(groups, lr=0.1, weight_decay=0.5)
    weight.grad, bias.grad = np.zeros(2), np.zeros(2)
    optimizer.step()
    assert weight.data.tolist() == [0.95, 0.95]
    assert bias.data.tolist() == [1.0, 1.0]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.0]


def test_without_decay_it_is_adam_to_the_last_bit():
    one, other = Parameter(np.ones(5, np.float32)), Parameter(np.ones(5, np.float32))
    first, second = AdamW([one], lr=0.1, weight_decay=0), Adam([other], lr=0.1)
    for step in range(4):
        for parameter, optimizer in ((one, first), (other, second)):
            parameter.grad = np.random.default_rng(step).normal(size=5).astype(np.float32)
            optimizer.step()
    assert np.array_equal(one.data, other.data)


def test_defaults_and_messages():
    (group,) = AdamW([Parameter([1.0])]).param_groups
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (
        *(1e-3, (0.9, 0.999), 1e-8),
        1e-2,
    )
    with pytest.raises(ValueError, match="AdamW: weight_decay must not be negative but is -1"):
        AdamW([Parameter([1.0])], weight_decay=-1)
    with pytest.raises(ValueError, match=r"AdamW: betas must be in 0\.\.1, 1 excluded"):
        AdamW([Parameter([1.0])], betas=(0.9, 1.0))
