"""The networks written for peers are minicv's own: same names, same numbers."""

import numpy as np
import pytest

from benchmarks import inputs, networks
from benchmarks.libraries import with_minicv
from minicv import Tensor, no_grad
from minicv import functional as F


class Operations:
    """What the networks are written in, for minicv."""

    relu, relu6, linear = F.relu, F.relu6, F.linear

    @staticmethod
    def conv(x, weight, bias, stride, padding, groups):
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    @staticmethod
    def batch_norm(x, weight, bias, mean, var, eps):
        return F.frozen_batch_norm(x, weight, bias, mean, var, eps)

    @staticmethod
    def max_pool(x, kernel, stride, padding):
        return F.max_pool2d(x, kernel, stride, padding)

    @staticmethod
    def pad(x, before, after):
        return F.pad(x, (before, after, before, after))

    @staticmethod
    def global_mean(x):
        return F.mean(x, dim=(2, 3))


@pytest.mark.parametrize("name", ["vgg16_convolutions", "resnet50", "efficientnet_lite0"])
def test_network_is_the_model(name):
    shape, asked = (1, 3, 64, 32), {}

    def weight(key, shape):
        asked[key] = shape
        return inputs.weight(key, shape)

    x = Tensor(inputs.normal("x", shape))
    with no_grad():
        written = getattr(networks, name)(Operations, weight, x).data
    (own,) = with_minicv.network("float32", name, shape)()
    assert np.abs(written).max() > 0.01
    np.testing.assert_allclose(own.data, written, rtol=1e-3, atol=1e-3 * np.abs(written).max())
    model = with_minicv.NETWORKS[name](rng=np.random.default_rng(0))
    state = {key: array.shape for key, array in model.state_dict().items()}
    assert asked == {k: s for k, s in state.items() if not k.endswith("num_batches_tracked")}
