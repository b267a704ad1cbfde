import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import kl_divergence
from minicv.testing import gradcheck, strategies

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@given(data=st.data(), reduction=REDUCTIONS)
def test_equals_its_twin(data, reduction):
    shape = data.draw(strategies.shapes(allow_empty=True))
    mu, logvar = data.draw(strategies.arrays(shape)), data.draw(strategies.arrays(shape))
    expected = reference.kl_divergence(mu, logvar, reduction)
    mu, logvar = data.draw(strategies.layouts(mu)), data.draw(strategies.layouts(logvar))
    result = kl_divergence(Tensor(mu), Tensor(logvar), reduction)
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-13)


@given(data=st.data(), reduction=REDUCTIONS)
def test_gradients(data, reduction):
    shape = data.draw(strategies.shapes())
    mu, logvar = data.draw(strategies.arrays(shape)), data.draw(strategies.arrays(shape))
    gradcheck(lambda m, v: kl_divergence(m, v, reduction), mu, logvar)


def test_is_the_integral_it_stands_for():
    mean, variance = 0.7, 0.4
    z = np.linspace(-12, 12, 200_001)
    density = np.exp(-((z - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    log_standard = -0.5 * z * z - 0.5 * np.log(2 * np.pi)
    log_density = -((z - mean) ** 2) / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)
    integral = np.trapezoid(density * (log_density - log_standard), z)
    loss = kl_divergence(np.array([[mean]]), np.log(np.array([[variance]])))
    np.testing.assert_allclose(loss.item(), integral, rtol=1e-8)


def test_the_standard_gaussian_has_zero_divergence_and_zero_gradient():
    mu = Tensor(np.zeros((3, 2)), requires_grad=True)
    logvar = Tensor(np.zeros((3, 2)), requires_grad=True)
    loss = kl_divergence(mu, logvar)
    loss.backward()
    assert loss.item() == 0
    assert not mu.grad.any()
    assert not logvar.grad.any()


def test_float32_is_close_to_float64():
    mu, logvar = np.random.default_rng(0).standard_normal((2, 20, 8))
    single = kl_divergence(mu.astype(np.float32), logvar.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.item(), kl_divergence(mu, logvar).item(), rtol=1e-5)


def test_messages():
    with pytest.raises(ValueError, match=r"same shape \(N, D\); mu=\(2, 3\), logvar=\(2,\)"):
        kl_divergence(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(ValueError, match="kl_divergence: reduction must be"):
        kl_divergence(np.zeros((2, 3)), np.zeros((2, 3)), reduction="batchmean")
