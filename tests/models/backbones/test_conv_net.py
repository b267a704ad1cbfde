"""ConvNetBackbone: layer by layer as its table says."""

import numpy as np
import pytest

from minicv import Tensor, no_grad
from minicv import functional as F
from minicv.models.backbones import ConvNetBackbone


def test_maps_are_two_convolutions_and_a_pooling_a_stage():
    backbone = ConvNetBackbone(4, (4, 8, 32), rng=np.random.default_rng(0)).eval()
    x = Tensor(np.random.default_rng(1).normal(size=(2, 3, 28, 21)).astype("f4"))
    wanted, expected = {2: 4, 3: 8, 5: 32}, {}
    with no_grad():
        maps = backbone(x)
        for stage in range(1, 6):
            for layer in backbone.layers[6 * (stage - 1) : 6 * stage]:
                x = layer(x)
            x = F.max_pool2d(x, 2, ceil_mode=True)
            if stage in wanted:
                expected[wanted[stage]] = x.data
    for features, stride in zip(maps, (4, 8, 32), strict=True):
        np.testing.assert_allclose(features.data, expected[stride], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("strides", "count"), [((4,), 4), ((8,), 6), ((32,), 10)])
def test_number_and_widths_of_the_convolutions(strides, count):
    backbone = ConvNetBackbone(16, strides, rng=np.random.default_rng(0))
    kernels = [p.shape for n, p in backbone.named_parameters() if p.ndim == 4]
    widths = [16, 16, 32, 32, 64, 64, 128, 128, 128, 128][:count]
    assert kernels == [
        (out, into, 3, 3) for out, into in zip(widths, [3, *widths[:-1]], strict=True)
    ]
