"""Weights in 16 bits: which, the bits of the results, and what is refused."""

import numpy as np
import pytest

from minicv import Tensor, nn, no_grad
from minicv.backend import use_storage
from minicv.models.backbones import ResNet18Backbone


def network():
    return ResNet18Backbone((4,), rng=np.random.default_rng(0)).eval()


def test_matrices_and_kernels_are_rounded_and_nothing_else():
    before, rounded = network().state_dict(), nn.store_weights_in_float16(network())
    bytes_of = {np.dtype(np.float32): 0, np.dtype(np.float16): 0}
    for name, array in rounded.state_dict().items():
        expected = np.float16 if before[name].ndim > 1 else before[name].dtype
        assert array.dtype == expected, name
        np.testing.assert_array_equal(array, before[name].astype(expected))
        if array.dtype in bytes_of:
            bytes_of[array.dtype] += array.nbytes
    whole = sum(array.nbytes for array in before.values())
    assert sum(bytes_of.values()) < 0.505 * whole


def test_biases_keep_their_digits():
    layer = nn.store_weights_in_float16(nn.Linear(2, 3, rng=np.random.default_rng(0)))
    assert (layer.weight.dtype, layer.bias.dtype) == (np.float16, np.float32)


def test_within_the_block_results_have_the_same_bits():
    x = Tensor(np.random.default_rng(1).normal(size=(1, 3, 17, 20)).astype(np.float32))
    plain, stored = network(), nn.store_weights_in_float16(network())
    with no_grad():
        (exact,) = plain(x)
        (outside,) = stored(x)
        with use_storage("float16"):
            (expected,), (found,) = plain(x), stored(x)
    assert found.dtype == np.float16 and exact.dtype == outside.dtype == np.float32
    np.testing.assert_array_equal(found.data, expected.data)
    scale = np.abs(exact.data).max()
    assert 1e-5 < np.abs(found.data - exact.data).max() / scale < 3e-3
    assert np.abs(outside.data - exact.data).max() / scale < 3e-3


def test_a_weight_that_float16_cannot_hold():
    layers = nn.Sequential(
        nn.Linear(2, 3, rng=np.random.default_rng(0)), nn.Linear(3, 1, rng=np.random.default_rng(0))
    )
    layers[1].weight.data[0, 1] = -70000
    with pytest.raises(ValueError, match=r"store_weights_in_float16: 1\.weight has weights beyond"):
        nn.store_weights_in_float16(layers)
    assert layers[0].weight.dtype == np.float32


def test_other_dtypes_stay():
    double = nn.Linear(2, 3, rng=np.random.default_rng(0)).astype("float64")
    assert nn.store_weights_in_float16(double).weight.dtype == np.float64
