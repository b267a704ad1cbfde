"""PReLU, the activation that learns."""

import numpy as np
import pytest

from minicv import Tensor, reference
from minicv.nn import PReLU


def test_one_slope_and_a_slope_for_each_channel():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for count in (1, 3):
        layer = PReLU(count, init=0.5).astype("float64")
        assert layer.weight.data.tolist() == [0.5] * count
        layer.weight.data = np.linspace(0.1, 0.9, count)
        expected = reference.prelu(x, layer.weight.data)
        np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-12)
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "PReLU(num_parameters=3)"


def test_the_slope_learns_from_what_is_negative():
    layer = PReLU()
    assert layer.weight.data.tolist() == [0.25]
    layer(Tensor([-2.0, -3.0, 5.0])).sum().backward()
    assert layer.weight.grad.tolist() == [-5.0]


def test_messages():
    with pytest.raises(ValueError, match="PReLU: num_parameters must be at least 1 but is 0"):
        PReLU(0)
    with pytest.raises(TypeError, match="PReLU: init must be a number but is 'x'"):
        PReLU(1, "x")
