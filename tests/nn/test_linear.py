import math

import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Linear


def test_computes_what_it_says():
    layer = Linear(3, 2, rng=np.random.default_rng(0)).astype("float64")
    x = np.random.default_rng(1).standard_normal((5, 3))
    np.testing.assert_allclose(
        layer(Tensor(x)).data, x @ layer.weight.data.T + layer.bias.data, rtol=1e-12
    )


def test_shapes_names_and_first_values():
    layer = Linear(100, 50, rng=np.random.default_rng(0))
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "weight": (50, 100),
        "bias": (50,),
    }
    bound = 1 / math.sqrt(100)
    for parameter in layer.parameters():
        assert parameter.dtype == np.float32
        assert 0.9 * bound < abs(parameter.data).max() <= bound


def test_without_bias():
    layer = Linear(3, 2, bias=False, rng=np.random.default_rng(0))
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=False)"
    assert layer(Tensor(np.zeros((4, 3), np.float32))).data.tolist() == [[0.0, 0.0]] * 4


def test_two_layers_of_one_generator_differ():
    rng = np.random.default_rng(0)
    assert not np.array_equal(Linear(3, 2, rng=rng).weight.data, Linear(3, 2, rng=rng).weight.data)


def test_the_generator_is_asked_for():
    with pytest.raises(TypeError, match=r"Linear: rng is missing; make one generator"):
        Linear(3, 2)
