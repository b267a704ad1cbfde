import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicv import Tensor, reference
from minicv.functional import dropout
from minicv.testing import adjoint_check, strategies

PROBABILITIES = st.sampled_from([0.1, 0.5, 0.9])


@pytest.mark.host_only  # another device drops others: tests/backend/cuda/test_dropout.py
@given(data=st.data(), p=PROBABILITIES, seed=strategies.seeds())
def test_equals_its_twin(data, p, seed):
    shape = data.draw(strategies.shapes(allow_empty=True))
    x = data.draw(strategies.arrays(shape))
    expected = reference.dropout(x, p, np.random.default_rng(seed))
    x = data.draw(strategies.layouts(x))
    result = dropout(Tensor(x), p, rng=np.random.default_rng(seed))
    np.testing.assert_allclose(result.data, expected, rtol=1e-14)


@given(data=st.data(), p=PROBABILITIES, seed=strategies.seeds())
def test_gradient(data, p, seed):
    x = data.draw(strategies.arrays(strategies.shapes()))
    adjoint_check(lambda x: dropout(x, p, rng=np.random.default_rng(seed)), x)


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_drops_a_share_of_p_and_keeps_the_mean(p):
    y = dropout(np.ones(100_000, np.float32), p, rng=np.random.default_rng(0))
    assert y.dtype == np.float32
    deviation = np.sqrt(p * (1 - p) / 100_000)
    assert abs((y.data == 0).mean() - p) < 4 * deviation
    assert abs(y.data.mean() - 1) < 4 * deviation / (1 - p)


def test_float32_and_float64_drop_the_same_elements():
    single = dropout(np.ones(100, np.float32), rng=np.random.default_rng(3))
    double = dropout(np.ones(100), rng=np.random.default_rng(3))
    assert np.array_equal(single.data, double.data)


def test_without_training_or_with_p_zero_it_is_the_identity():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0) is x
    assert dropout(x.data, 0.0).data is x.data


def test_p_one_drops_everything():
    x = Tensor(np.ones(3), requires_grad=True)
    y = dropout(x, 1.0, rng=np.random.default_rng(0))
    y.sum().backward()
    assert not y.data.any()
    assert not x.grad.any()


def test_messages():
    with pytest.raises(ValueError, match=r"dropout: p must be a probability in 0\.\.1 but is 1\.5"):
        dropout(np.ones(3), 1.5, rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"rng must be a .* but is NoneType"):
        dropout(np.ones(3), 0.5)
