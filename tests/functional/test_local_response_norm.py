import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import local_response_norm
from minicv.testing import gradcheck, strategies


@st.composite
def cases(draw):
    """(x, options): channels fewer and more than a window holds, sizes odd and even."""
    samples, channels, height, width = draw(strategies.distinct_sizes(4, high=6))
    pixels = draw(st.sampled_from([(), (height, width)]))
    x = draw(strategies.arrays((samples, channels, *pixels)))
    options = {
        "size": draw(st.integers(1, 7)),
        "alpha": draw(st.sampled_from([1e-4, 0.5, 2.0])),
        "beta": draw(st.sampled_from([0.5, 0.75, 1.0])),
        "k": draw(st.sampled_from([1.0, 2.0])),
    }
    return x, options


@given(data=st.data(), case=cases())
def test_equals_its_twin(data, case):
    x, options = case
    expected = reference.local_response_norm(x, **options)
    result = local_response_norm(Tensor(data.draw(strategies.layouts(x))), **options)
    np.testing.assert_allclose(result.data, expected, rtol=1e-11)


@given(case=cases())
def test_gradient(case):
    x, options = case
    gradcheck(lambda x: local_response_norm(x, **options), x)


def test_the_formula_of_the_paper():
    # Krizhevsky 2012: b_i = a_i / (k + alpha Σ_{j=i-2}^{i+2} a_j²)^beta with n=5, alpha undivided.
    a = np.random.default_rng(0).standard_normal((1, 9))
    b = local_response_norm(a, size=5, alpha=5 * 1e-4, beta=0.75, k=2.0).data
    total = (a[0, 2:7] ** 2).sum()
    np.testing.assert_allclose(b[0, 4], a[0, 4] / (2 + 1e-4 * total) ** 0.75, rtol=1e-12)
    total = (a[0, :3] ** 2).sum()  # the first channel has neighbours on one side only
    np.testing.assert_allclose(b[0, 0], a[0, 0] / (2 + 1e-4 * total) ** 0.75, rtol=1e-12)


def test_float32_stays_and_empty_batches_work():
    x = Tensor(np.ones((0, 4, 2, 2), np.float32), requires_grad=True)
    y = local_response_norm(x, 3)
    y.sum().backward()
    assert y.shape == x.grad.shape == (0, 4, 2, 2)
    assert y.dtype == x.grad.dtype == np.float32
    values = np.random.default_rng(0).standard_normal((2, 6, 3, 3))
    single = local_response_norm(values.astype(np.float32), 5, alpha=1.0)
    np.testing.assert_allclose(
        single.data, local_response_norm(values, 5, alpha=1.0).data, rtol=1e-5
    )


def test_messages():
    x = np.ones((2, 4))
    with pytest.raises(ValueError, match=r"local_response_norm: x must be .* shape \(4,\)"):
        local_response_norm(x[0], 3)
    with pytest.raises(ValueError, match="size must be at least 1 and k above 0; size=0, k=1"):
        local_response_norm(x, 0)
    with pytest.raises(ValueError, match="size=3, k=0"):
        local_response_norm(x, 3, k=0)
