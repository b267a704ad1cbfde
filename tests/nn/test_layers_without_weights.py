"""Activations, pooling, upsampling, dropout and flatten: each is its function, options included."""

import numpy as np
import pytest

from minicv import Tensor, nn
from minicv import functional as F

X = np.random.default_rng(0).standard_normal((2, 3, 8, 9)) * 4


@pytest.mark.parametrize(
    ("layer", "function", "shown"),
    [
        (nn.ReLU(), F.relu, "ReLU()"),
        (nn.ReLU6(), F.relu6, "ReLU6()"),
        (nn.LeakyReLU(), lambda x: F.leaky_relu(x, 0.01), "LeakyReLU(negative_slope=0.01)"),
        (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2), "LeakyReLU(negative_slope=0.2)"),
        (nn.ELU(), F.elu, "ELU(alpha=1.0)"),
        (nn.ELU(0.5), lambda x: F.elu(x, 0.5), "ELU(alpha=0.5)"),
        (nn.GELU(), F.gelu, "GELU(approximate='none')"),
        (nn.GELU("tanh"), lambda x: F.gelu(x, "tanh"), "GELU(approximate='tanh')"),
        (nn.SiLU(), F.silu, "SiLU()"),
        (nn.InstanceNorm2d(3), F.instance_norm, "InstanceNorm2d(3, eps=1e-05, affine=False)"),
        (nn.Sigmoid(), F.sigmoid, "Sigmoid()"),
        (nn.Tanh(), F.tanh, "Tanh()"),
        (nn.Identity(), lambda x: x, "Identity()"),
        (
            nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            lambda x: F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True),
            "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=True)",
        ),
        (
            nn.MaxPool2d((2, 3), dilation=2),
            lambda x: F.max_pool2d(x, (2, 3), dilation=2),
            "MaxPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0, dilation=2, ceil_mode=False)",
        ),
        (
            nn.AvgPool2d(3, 2, 1, True, False),
            lambda x: F.avg_pool2d(
                x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False
            ),
            "AvgPool2d(kernel_size=3, stride=2, padding=1)",
        ),
        (
            nn.AvgPool2d(2),
            lambda x: F.avg_pool2d(x, 2),
            "AvgPool2d(kernel_size=2, stride=2, pad",
        ),
        (
            nn.AdaptiveAvgPool2d((2, 3)),
            lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
            "AdaptiveAvgPool2d(output_size=(2, 3))",
        ),
        (
            nn.AdaptiveMaxPool2d(4),
            lambda x: F.adaptive_max_pool2d(x, 4),
            "AdaptiveMaxPool2d(output_size=4)",
        ),
        (nn.Flatten(), lambda x: F.reshape(x, (2, -1)), "Flatten(start_dim=1, end_dim=-1)"),
        (
            nn.Flatten(2, 3),
            lambda x: F.reshape(x, (2, 3, -1)),
            "Flatten(start_dim=2, end_dim=3)",
        ),
        (
            nn.Upsample(scale_factor=(2, 3)),
            lambda x: F.unpool_nearest(x, (2, 3)),
            "Upsample(scale_factor=(2, 3), mode='nearest')",
        ),
        (
            nn.Upsample(size=(16, 27)),
            lambda x: F.unpool_nearest(x, (2, 3)),
            "Upsample(size=(16, 27), mode='nearest')",
        ),
        (
            nn.Upsample(scale_factor=1.6, mode="bilinear"),
            lambda x: F.resize_bilinear(x, (12, 14), scale_factor=(1.6, 1.6)),
            "Upsample(scale_factor=1.6, mode='bilinear')",
        ),
        (
            nn.Upsample(20, mode="bilinear", align_corners=True),
            lambda x: F.resize_bilinear(x, (20, 20), align_corners=True),
            "Upsample(size=20, mode='bilinear')",
        ),
    ],
)
def test_is_its_function(layer, function, shown):
    np.testing.assert_array_equal(layer(Tensor(X)).data, function(Tensor(X)).data)
    assert repr(layer).startswith(shown)
    assert layer.state_dict() == {}


def test_pooling_and_unpooling_with_indices():
    pool = nn.MaxPool2d(2, return_indices=True)
    unpool = nn.MaxUnpool2d(2)
    pooled, indices = pool(Tensor(X))
    back = unpool(pooled, indices, output_size=X.shape[2:])
    assert back.shape == X.shape
    rows = back.data != 0
    np.testing.assert_array_equal(back.data[rows], X[rows])
    np.testing.assert_array_equal(pool(back)[0].data[pooled.data > 0], pooled.data[pooled.data > 0])
    assert repr(unpool) == "MaxUnpool2d(kernel_size=2, stride=2, padding=0)"


def test_dropout_drops_in_training_only_and_anew_each_time():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    x = Tensor(X)
    first, second = layer(x).data, layer(x).data
    expected = F.dropout(x, 0.5, rng=np.random.default_rng(0)).data
    np.testing.assert_array_equal(first, expected)
    assert not np.array_equal(first, second)
    assert layer.eval()(x) is x
    assert repr(layer) == "Dropout(p=0.5)"


def test_messages():
    with pytest.raises(TypeError, match="Dropout: rng is missing"):
        nn.Dropout(0.5)
    with pytest.raises(ValueError, match="Dropout: p must be a probability"):
        nn.Dropout(-0.5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="GELU: approximate must be 'none' or 'tanh' but is 'erf'"):
        nn.GELU("erf")
    for alpha in (-1.0, float("inf")):
        with pytest.raises(ValueError, match="ELU: alpha must be a finite number of at least 0"):
            nn.ELU(alpha)
    with pytest.raises(ValueError, match="Upsample: give either size or scale_factor"):
        nn.Upsample()
    with pytest.raises(ValueError, match="Upsample: give either size or scale_factor"):
        nn.Upsample(8, 2)
    with pytest.raises(ValueError, match="mode must be 'nearest' or 'bilinear' but is 'cubic'"):
        nn.Upsample(8, mode="cubic")
    with pytest.raises(ValueError, match=r"whole factors only, but 8x9 would become 12x13; use"):
        nn.Upsample(scale_factor=1.5)(Tensor(X))
    with pytest.raises(ValueError, match=r"Upsample: x must be \(N, C, H, W\); x=\(3, 8, 9\)"):
        nn.Upsample(scale_factor=2)(Tensor(X[0]))
