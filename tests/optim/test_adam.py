import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv.nn import Parameter
from minicv.optim import Adam
from minicv.testing import strategies


@given(
    seed=strategies.seeds(),
    lr=st.sampled_from([1e-3, 0.5]),
    betas=st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)]),
    eps=st.sampled_from([1e-8, 0.1]),
    weight_decay=st.sampled_from([0.0, 0.1]),
)
def test_equals_algorithm_1_of_the_paper(seed, lr, betas, eps, weight_decay):
    rng = np.random.default_rng(seed)
    parameter = Parameter(rng.standard_normal((2, 3)))
    optimizer = Adam([parameter], lr, betas, eps, weight_decay)
    theta = parameter.data.copy()
    m, v = np.zeros((2, 3)), np.zeros((2, 3))
    for t in range(1, 6):
        parameter.grad = rng.standard_normal((2, 3))
        g = parameter.grad + weight_decay * theta
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
        optimizer.step()
        np.testing.assert_allclose(parameter.data, theta, rtol=1e-10, atol=1e-12)


def test_the_first_step_has_length_lr_whatever_the_gradient():
    parameter = Parameter(np.zeros(3))
    parameter.grad = np.array([1e-3, -5.0, 1e4])
    Adam([parameter], lr=0.1).step()
    np.testing.assert_allclose(parameter.data, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_each_parameter_counts_its_own_steps():
    early, late = Parameter(np.zeros(1)), Parameter(np.zeros(1))
    optimizer = Adam([early, late], lr=0.1)
    early.grad = np.ones(1)
    optimizer.step()
    late.grad = np.ones(1)
    optimizer.step()
    assert optimizer.state[0]["step"] == 2
    assert optimizer.state[1]["step"] == 1
    np.testing.assert_allclose(late.data, [-0.1], rtol=1e-6)


@pytest.mark.parametrize("option", ["lr", "eps", "weight_decay"])
def test_negative_options(option):
    with pytest.raises(ValueError, match=f"Adam: {option} must not be negative but is -1"):
        Adam([Parameter([1.0])], **{option: -1})


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, -0.1)])
def test_betas_out_of_range(betas):
    with pytest.raises(ValueError, match=r"betas must be in 0\.\.1, 1 excluded, but are"):
        Adam([Parameter([1.0])], betas=betas)
