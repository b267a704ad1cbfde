import math

import numpy as np
import pytest

from minicv import Tensor, reference
from minicv import functional as F
from minicv.nn import (
    Conv2d,
    ConvTranspose2d,
    FrozenBatchNorm2d,
    ReLU,
    Sequential,
    conv_frozen_bn,
    initializers,
    run_conv_relu,
)


def rng():
    return np.random.default_rng(0)


def image(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def test_conv2d_is_the_function_with_its_options():
    options = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    layer = Conv2d(4, 6, (3, 2), **options, rng=rng()).astype("float64")
    x = image(2, 4, 7, 8)
    expected = reference.conv2d(x, layer.weight.data, layer.bias.data, **options)
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)


def test_conv_transpose2d_is_the_function_with_its_options():
    layer = ConvTranspose2d(
        4, 6, (3, 2), (2, 3), (1, 0), (1, 2), groups=2, dilation=(2, 1), rng=rng()
    ).astype("float64")
    x = image(2, 4, 5, 3)
    expected = reference.conv_transpose2d(
        x,
        layer.weight.data,
        layer.bias.data,
        stride=(2, 3),
        padding=(1, 0),
        output_padding=(1, 2),
        groups=2,
        dilation=(2, 1),
    )
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-10, atol=1e-12)


def test_argument_order_is_pytorchs():
    layer = Conv2d(4, 6, 3, 2, 1, 2, 2, False, rng=rng())
    assert (layer.stride, layer.padding, layer.dilation) == ((2, 2), (1, 1), (2, 2))
    assert layer.groups == 2
    assert layer.bias is None
    layer = ConvTranspose2d(4, 6, 3, 2, 1, 1, 2, False, 3, rng=rng())
    assert (layer.stride, layer.padding, layer.output_padding) == ((2, 2), (1, 1), (1, 1))
    assert (layer.groups, layer.bias, layer.dilation) == (2, None, (3, 3))


@pytest.mark.parametrize(
    ("layer", "shape", "fan_in"),
    [
        (Conv2d(8, 6, (3, 5), groups=2, rng=rng()), (6, 4, 3, 5), 60),
        (ConvTranspose2d(8, 6, (3, 5), groups=2, rng=rng()), (8, 3, 3, 5), 45),
    ],
)
def test_shapes_and_first_values(layer, shape, fan_in):
    assert layer.weight.shape == shape
    assert layer.bias.shape == (6,)
    bound = 1 / math.sqrt(fan_in)
    assert 0.98 * bound < abs(layer.weight.data).max() <= bound
    assert abs(layer.bias.data).max() <= bound


def test_gradients_reach_weight_and_bias():
    for layer in (Conv2d(3, 2, 2, rng=rng()), ConvTranspose2d(3, 2, 2, rng=rng())):
        y = layer(Tensor(np.ones((1, 3, 4, 4), np.float32)))
        y.sum().backward()
        positions = y.shape[2] * y.shape[3]
        assert layer.bias.grad.tolist() == [positions] * 2
        # Each tap sees one pixel of 1 at every position, or spreads each of the 16 pixels.
        uses = positions if isinstance(layer, Conv2d) else 16
        assert np.array_equal(layer.weight.grad, np.full(layer.weight.shape, uses))


@pytest.mark.parametrize("groups", [1, 3])
def test_bilinear_weights_make_a_bilinear_enlargement(groups):
    layer = ConvTranspose2d(3, 3, 4, stride=2, padding=1, groups=groups, bias=False, rng=rng())
    layer.weight.data = initializers.bilinear_upsampling(layer.weight.shape)
    x = image(2, 3, 5, 6).astype(np.float32)
    enlarged = layer(Tensor(x)).data
    expected = F.resize_bilinear(x, (10, 12)).data
    # At the rim the filter meets zeros outside of the image, the resize repeats the last pixel.
    np.testing.assert_allclose(
        enlarged[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=1e-4, atol=1e-6
    )


class TestNamedPadding:
    @pytest.mark.parametrize("kernel", [1, 3, 2, (4, 5), (1, 6)])
    @pytest.mark.parametrize("dilation", [1, 2, (3, 1)])
    def test_same_keeps_the_size_and_centres_the_kernel(self, kernel, dilation):
        layer = Conv2d(2, 3, kernel, padding="same", dilation=dilation, rng=rng())
        layer.astype("float64")
        x = image(2, 2, 7, 8)
        heights, widths = (
            d * (k - 1) for d, k in zip(as_two(dilation), as_two(kernel), strict=True)
        )
        # The larger half of the zeros comes last, as in PyTorch.
        margins = [(side // 2, side - side // 2) for side in (heights, widths)]
        around = np.pad(x, [(0, 0), (0, 0), *margins])
        expected = reference.conv2d(
            around, layer.weight.data, layer.bias.data, (1, 1), (0, 0), as_two(dilation)
        )
        y = layer(Tensor(x)).data
        assert y.shape == (2, 3, 7, 8)
        np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("kernel", [3, 4])
    def test_layers_that_run_as_one_pad_alike(self, kernel):
        conv = Conv2d(2, 3, kernel, padding="same", rng=rng())
        x = Tensor(image(1, 2, 5, 6).astype(np.float32))
        expected = np.maximum(conv(x).data, 0)
        fused = run_conv_relu(x, Sequential(conv, ReLU())).data
        np.testing.assert_allclose(fused, expected, rtol=1e-5, atol=1e-6)
        frozen = conv_frozen_bn(x, conv, FrozenBatchNorm2d(3, eps=0.0), activation="relu").data
        np.testing.assert_allclose(frozen, expected, rtol=1e-5, atol=1e-6)

    def test_gradients_stop_at_the_zeros(self):
        layer = Conv2d(1, 1, 2, padding="same", bias=False, rng=rng())
        x = Tensor(np.ones((1, 1, 3, 3), np.float32), requires_grad=True)
        layer(x).sum().backward()
        assert x.grad.shape == (1, 1, 3, 3)
        assert layer.weight.grad.tolist() == [[[[9.0, 6.0], [6.0, 4.0]]]]

    def test_attributes_and_text(self):
        layer = Conv2d(1, 1, (5, 4), padding="same", dilation=(1, 3), rng=rng())
        assert (layer.padding, layer.trailing) == ((2, 4), (0, 1))
        assert repr(layer).endswith("padding=(2, 4), dilation=(1, 3), trailing=(0, 1))")
        valid = Conv2d(1, 1, 3, 2, "valid", rng=rng())
        assert (valid.padding, valid.trailing) == ((0, 0), (0, 0))
        plain = Conv2d(1, 1, 3, padding=1, rng=rng())
        assert plain.padded(plain.weight) is plain.weight
        assert repr(Conv2d(1, 1, 3, padding="same", rng=rng())) == repr(plain)

    def test_messages(self):
        with pytest.raises(ValueError, match=r'padding="same" needs stride 1, .* but stride'):
            Conv2d(1, 1, 3, stride=2, padding="same", rng=rng())
        with pytest.raises(ValueError, match=r"padding must be numbers, .* but is .full"):
            Conv2d(1, 1, 3, padding="full", rng=rng())
        with pytest.raises(ValueError, match="kernel_size must be a whole number of at least 1"):
            Conv2d(1, 1, 0, padding="same", rng=rng())
        with pytest.raises(ValueError, match="ConvTranspose2d: padding must be a whole number"):
            ConvTranspose2d(1, 1, 3, padding="same", rng=rng())


def as_two(value):
    return value if isinstance(value, tuple) else (value, value)


def test_repr():
    layer = Conv2d(4, 6, 3, dilation=2, groups=2, bias=False, rng=rng())
    assert repr(layer) == (
        "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), dilation=(2, 2), groups=2, bias=False)"
    )
    layer = ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, rng=rng())
    assert repr(layer) == (
        "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), "
        "output_padding=(1, 1))"
    )


@pytest.mark.parametrize("layer", [Conv2d, ConvTranspose2d])
def test_messages(layer):
    name = layer.__name__
    with pytest.raises(TypeError, match=f"{name}: rng is missing"):
        layer(3, 8, 3)
    with pytest.raises(ValueError, match=f"{name}: groups must divide .*in_channels=3.*groups=2"):
        layer(3, 8, 3, groups=2, rng=rng())
    with pytest.raises(ValueError, match=f"{name}: groups must divide .*groups=0"):
        layer(3, 8, 3, groups=0, rng=rng())
    with pytest.raises(ValueError, match="kernel_size"):
        layer(3, 8, 0, rng=rng())
