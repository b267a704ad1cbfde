"""The losses of a step come to the host together."""

import cupy_stand_in as cupy
import numpy as np

from minicv import Tensor
from minicv.training.loss_values import loss_values


def test_equals_item_and_waits_once():
    arrays = {"a": np.array(0.1, np.float32), "b": np.array(np.nan), "c": np.array([2.0])}
    here = loss_values({name: Tensor(array) for name, array in arrays.items()})
    with cupy.recorded_synchronisations() as reasons:
        there = loss_values({name: Tensor(cupy.asarray(a)) for name, a in arrays.items()})
    assert reasons == ["get"]
    for values in (here, there):
        assert list(values) == ["a", "b", "c"]
        assert values["a"] == float(arrays["a"])
        assert np.isnan(values["b"]) and values["c"] == 2.0
        assert {type(value) for value in values.values()} == {float}


def test_without_losses():
    assert loss_values({}) == {}
