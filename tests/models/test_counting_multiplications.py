"""Multiplications, derived and counted; see also segmentation/test_convolutionalize.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patch_nets import make_patch_net

from minicv import Tensor, no_grad
from minicv.models.backbones import VGG16Backbone
from minicv.models.counting_multiplications import (
    count_multiplications,
    counting_multiplications,
    size_after,
)
from minicv.nn import Conv2d, ConvTranspose2d, FrozenBatchNorm2d, Linear, conv_bn_relu


def test_counting_ends_with_the_block_also_after_an_error():
    _, net = make_patch_net(2, "float32")
    with pytest.raises(ValueError), counting_multiplications(net) as count:
        net(Tensor(np.zeros((1, 3, 2, 2), "f4")))
    before = count.multiplications
    net(Tensor(np.zeros((1, 3, 9, 9), "f4")))
    assert count.multiplications == before


def test_a_transposed_convolution_multiplies_each_input_by_the_weights_that_spread_it():
    layer = ConvTranspose2d(3, 5, 4, stride=2, rng=np.random.default_rng(0))
    with counting_multiplications(layer) as count:
        layer(Tensor(np.ones((2, 3, 6, 7), "f4")))
    assert count.multiplications == 2 * 3 * 6 * 7 * 5 * 4 * 4


def test_layers_that_run_fused_are_counted_and_compute_the_same():
    backbone = VGG16Backbone(rng=np.random.default_rng(0))
    x = Tensor(np.random.default_rng(1).normal(size=(1, 3, 16, 32)).astype("f4"))
    with no_grad(), counting_multiplications(backbone) as count:
        (counted,) = (y.data for y in backbone(x))
    expected, positions = 0, 16 * 32
    for layer in backbone.features:
        if isinstance(layer, Conv2d):
            expected += positions * layer.out_channels * layer.in_channels * 3 * 3
        elif "MaxPool" in type(layer).__name__:
            positions //= 4
    assert count.multiplications == expected
    with no_grad():
        np.testing.assert_allclose(backbone(x)[0].data, counted, rtol=1e-4, atol=1e-6)


def test_a_convolution_with_fixed_normalisation_is_counted_and_computes_the_same():
    rng = np.random.default_rng(0)
    conv, bn = Conv2d(3, 4, 3, rng=rng), FrozenBatchNorm2d(4)
    x = Tensor(rng.normal(size=(2, 3, 7, 8)).astype("f4"))
    expected = conv_bn_relu(x, conv, bn, activation="relu").data
    with counting_multiplications(conv) as count:
        counted = conv_bn_relu(x, conv, bn, activation="relu").data
    assert count.multiplications == 2 * (5 * 6 * 4) * (3 * 3 * 3)
    np.testing.assert_allclose(counted, expected, rtol=1e-5, atol=1e-6)


def test_the_zeros_that_keep_a_size_count():
    rng = np.random.default_rng(0)
    for kernel in (1, 3, 4, (2, 5)):
        layer = Conv2d(3, 2, kernel, padding="same", rng=rng)
        assert size_after(layer, (6, 7)) == (6, 7)


def test_a_multiplication_is_what_it_says():
    """One by one, as in the loops of reference/conv2d.py."""
    rng = np.random.default_rng(0)
    layer = Conv2d(4, 6, 3, stride=2, groups=2, rng=rng)
    by_loops = 0
    y = layer(Tensor(np.zeros((1, 4, 9, 8), "f4")))
    for _ in np.ndindex(*y.shape):
        by_loops += (4 // 2) * 3 * 3
    assert count_multiplications([layer], (4, 9, 8)) == by_loops
    assert count_multiplications([Linear(5, 7, rng=rng)], (5,)) == 35


@given(
    kernel=st.integers(1, 4), stride=st.integers(1, 3), padding=st.integers(0, 1),
    dilation=st.integers(1, 2), height=st.integers(8, 12), width=st.integers(8, 12),
)  # fmt: skip
def test_size_after_is_the_size_after(kernel, stride, padding, dilation, height, width):
    rng = np.random.default_rng(0)
    layer = Conv2d(1, 1, kernel, stride, padding, dilation, rng=rng)
    result = layer(Tensor(np.zeros((1, 1, height, width), "f4"))).shape[2:]
    assert size_after(layer, (height, width)) == result
