"""The two bricks: their three layers in order, the size kept, and bricks in a row."""

import numpy as np
import pytest

from minicv import Tensor
from minicv import functional as F
from minicv.models.segmentation.conv_block import ConvBNReLU, DeconvBNReLU, conv_blocks

DIRECTIONS = {ConvBNReLU: F.conv2d, DeconvBNReLU: F.conv_transpose2d}


@pytest.mark.parametrize("kind", DIRECTIONS)
@pytest.mark.parametrize(("kernel_size", "padding"), [(1, None), (3, None), (5, None), (3, 0)])
@pytest.mark.parametrize("training", [True, False])
def test_is_convolution_normalisation_and_relu(kind, kernel_size, padding, training):
    rng = np.random.default_rng(0)
    block = kind(2, 3, kernel_size, padding, rng=rng).astype("float64").train(training)
    block.bn.bias.data = rng.normal(size=3)
    block.bn.running_mean.data = rng.normal(size=3)
    statistics = block.bn.running_mean.data, block.bn.running_var.data
    x = Tensor(rng.normal(size=(2, 2, 5, 4)))
    margin = kernel_size // 2 if padding is None else padding
    y = DIRECTIONS[kind](x, block.conv.weight, padding=margin)
    y = F.batch_norm(y, block.bn.weight, block.bn.bias, *statistics, training=training)
    result = block(x)
    if padding is None:
        assert result.shape == (2, 3, 5, 4)
    else:
        assert result.shape == ((2, 3, 3, 2) if kind is ConvBNReLU else (2, 3, 7, 6))
    np.testing.assert_allclose(result.data, F.relu(y).data, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [(ConvBNReLU, [(8, 3, 5, 5), (4, 8, 5, 5)]), (DeconvBNReLU, [(3, 8, 5, 5), (8, 4, 5, 5)])],
)
def test_blocks_in_a_row(kind, shapes):
    blocks = conv_blocks((3, 8, 4), 5, kind, rng=np.random.default_rng(0))
    assert [b.conv.weight.shape for b in blocks] == shapes
    assert all(type(block) is kind for block in blocks)
    assert len(conv_blocks((3,), rng=np.random.default_rng(0))) == 0


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_even_kernel_is_refused_where_the_size_shall_stay(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: kernel_size is 2, expected an odd"):
        kind(2, 3, 2, rng=np.random.default_rng(0))
