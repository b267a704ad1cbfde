"""ConvBNReLU: its three layers in order, the size kept, and blocks in a row."""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.models.segmentation.conv_block import ConvBNReLU, conv_blocks


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("training", [True, False])
def test_is_convolution_normalisation_and_relu(kernel_size, training):
    rng = np.random.default_rng(0)
    block = ConvBNReLU(2, 3, kernel_size, rng=rng).astype("float64").train(training)
    block.bn.bias.data = rng.normal(size=3)
    block.bn.running_mean.data = rng.normal(size=3)
    statistics = block.bn.running_mean.data, block.bn.running_var.data
    x = Tensor(rng.normal(size=(2, 2, 5, 4)))
    y = F.conv2d(x, block.conv.weight, padding=kernel_size // 2)
    y = F.batch_norm(y, block.bn.weight, block.bn.bias, *statistics, training=training)
    result = block(x)
    assert result.shape == (2, 3, 5, 4)
    np.testing.assert_allclose(result.data, F.relu(y).data, rtol=1e-9, atol=1e-12)


def test_blocks_in_a_row():
    blocks = conv_blocks((3, 8, 4), 5, rng=np.random.default_rng(0))
    shapes = [block.conv.weight.shape for block in blocks]
    assert shapes == [(8, 3, 5, 5), (4, 8, 5, 5)]
    assert len(conv_blocks((3,), rng=np.random.default_rng(0))) == 0


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match="ConvBNReLU: kernel_size is 2, expected an odd number"):
        ConvBNReLU(2, 3, 2, rng=np.random.default_rng(0))
